import { leafChecks } from '../../src/execution/leaf-values.ts';
import { maskingFor } from '../../src/execution/sensitive-values.ts';
import { type ShapedResult, shapeResult } from '../../src/execution/shape-result.ts';
import type { SubgraphSettings } from '../../src/execution/subgraph-settings.ts';
import type { GraphQLRequest } from '../../src/listener/request.ts';
import type { OperationVariant } from '../../src/operation/operation.ts';
import type { Supergraph } from '../../src/supergraph/supergraph.ts';
import { maskOf, understand } from '../operation/graph-kit.ts';
import { UNMASKING } from './masking-kit.ts';

export interface Viewed {
  readonly text: string;
  /** Scopes that the caller lacks. */
  readonly missing?: readonly string[];
  readonly variables?: Readonly<Record<string, unknown>>;
  /** Scopes of the caller; only those that unmask matter here. */
  readonly scopes?: readonly string[];
  /** Tenant of the caller; none unless given. */
  readonly tenant?: string;
}

export function variantOf(
  graph: Supergraph,
  { text, missing = [], variables = {} }: Viewed,
): OperationVariant {
  const understood = understand(graph, text);
  return understood.variant(
    maskOf(understood, variables, (scopes) => scopes.some((s) => missing.includes(s))),
  );
}

/** Shapes what subgraphs answered to an operation, given as JSON text or as a value. */
export function shape(graph: Supergraph, viewed: Viewed, data: unknown): ShapedResult {
  return shaperOf(graph, viewed)(data, viewed.variables);
}

/** Shapes one answer after another to the same operation; the slots are of coordinates for which a subgraph told an error. */
export function shaperOf(graph: Supergraph, viewed: Viewed) {
  const { facts } = understand(graph, viewed.text);
  const input = {
    shape: variantOf(graph, viewed).shape,
    conditions: facts.conditions,
    masking: maskingFor({ scopes: new Set(viewed.scopes), tenant: viewed.tenant ?? null }, UNMASKING),
    leafChecks: leafChecks(graph.apiSchema),
    tenant: viewed.tenant ?? null,
  };
  return (
    data: unknown,
    variables: Viewed['variables'] = {},
    failedSlots: readonly number[] = [],
  ): ShapedResult => {
    const parsed = (typeof data === 'string' ? JSON.parse(data) : data) as Record<string, unknown>;
    return shapeResult(parsed, { ...input, variables, failedSlots });
  };
}

export function settings(name: string, changes: Partial<SubgraphSettings> = {}): SubgraphSettings {
  return {
    name,
    url: `http://127.0.0.1/${name}`,
    timeoutMs: 1_000,
    identity: 'principal',
    forwardHeaders: [],
    errors: 'masked',
    allowedExtensions: [],
    ...changes,
  } as SubgraphSettings;
}

export function request(responseMediaType: GraphQLRequest['responseMediaType']): GraphQLRequest {
  return {
    id: 'request-1',
    receivedAtMs: 0,
    method: 'POST',
    remoteAddress: '127.0.0.1',
    responseMediaType,
    authorization: [],
    headers: {},
    params: { query: '', operationName: null, variables: {}, extensions: {} },
    batch: null,
    streams: false,
    signal: new AbortController().signal,
  };
}
