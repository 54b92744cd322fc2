import { composeServices } from '@apollo/composition';
import { parse } from 'graphql';
import { GatewayError } from '../../src/errors.ts';
import { ANONYMOUS, type Principal } from '../../src/identity/principal.ts';
import { compileOperation, type Understood } from '../../src/operation/compile.ts';
import type { CompilerOptions } from '../../src/operation/compiler-pool.ts';
import { conditionHolds, whenApplies } from '../../src/operation/condition.ts';
import type { CompiledOperation, OperationLimits } from '../../src/operation/operation.ts';
import { readSupergraph } from '../../src/supergraph/read-supergraph.ts';
import type { Supergraph } from '../../src/supergraph/supergraph.ts';

const FEDERATION =
  'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@shareable", "@authenticated", "@requiresScopes", "@policy", "@inaccessible", "@composeDirective"])';
const DEFINITIONS = {
  constraint:
    'directive @constraint(minLength: Int, maxLength: Int, pattern: String, min: Float, max: Float, format: String, minItems: Int, maxItems: Int) on ARGUMENT_DEFINITION | INPUT_FIELD_DEFINITION',
  audit:
    'directive @audit(level: security__AuditLevel! = ACCESS, redact: Boolean! = false) on OBJECT | FIELD_DEFINITION | ARGUMENT_DEFINITION enum security__AuditLevel { NONE ACCESS DETAILED FULL }',
  stepUp:
    'directive @stepUp(acr: [String!], amr: [String!], maxAgeSeconds: Int) on OBJECT | FIELD_DEFINITION',
  sensitive:
    'directive @sensitive(class: security__SensitiveClass!, mask: security__MaskStyle! = FULL) repeatable on FIELD_DEFINITION | ARGUMENT_DEFINITION enum security__SensitiveClass { PERSONAL FINANCIAL HEALTH SECRET CONFIDENTIAL } enum security__MaskStyle { FULL PARTIAL HASH }',
  tenantScoped: 'directive @tenantScoped(field: String! = "tenantId") on OBJECT',
  fromPrincipal:
    'directive @fromPrincipal(claim: security__PrincipalClaim!) on ARGUMENT_DEFINITION | INPUT_FIELD_DEFINITION enum security__PrincipalClaim { TENANT SUBJECT APPLICATION }',
};

/** Composes subgraphs, named a, b, c and so on; the links are added. */
export function compose(...sdls: readonly string[]): Supergraph {
  const services = sdls.map((sdl, index) => {
    const name = String.fromCharCode(97 + index);
    return { name, url: `http://127.0.0.1/${name}`, typeDefs: parse(`${headOf(sdl)}\n${sdl}`) };
  });
  const { supergraphSdl, errors } = composeServices(services);
  if (supergraphSdl === undefined) throw new Error(errors?.map(({ message }) => message).join('\n'));
  return readSupergraph(supergraphSdl);
}

/** Links federation, and our own specification with the directives that are used. */
function headOf(sdl: string): string {
  const used = Object.entries(DEFINITIONS).filter(([name]) => sdl.includes(`@${name}`));
  if (used.length === 0) return FEDERATION;
  const imports = used.map(([name]) => `"@${name}"`).join(', ');
  const composed = used.map(([name]) => `@composeDirective(name: "@${name}")`).join(' ');
  const link = `@link(url: "https://portcullis.dev/security/v1.0", import: [${imports}])`;
  return `${FEDERATION} ${link} ${composed}\n${used.map(([, definition]) => definition).join('\n')}`;
}

/** The defaults of the configuration. */
export const DEFAULT_LIMITS: OperationLimits = Object.freeze({
  tokens: 10_000,
  depth: 20,
  height: 1_000,
  aliases: 30,
  rootFields: 30,
  directives: 50,
  selections: 10_000,
  warnOnly: false,
});

/** A small compiler of one worker that does not plan. */
export const COMPILER_OPTIONS: CompilerOptions = {
  limits: DEFAULT_LIMITS,
  workers: 1,
  timeoutMs: 10_000,
  memoryMb: 128,
  queueMax: 100,
  cacheMax: 50,
  cacheBytes: 100_000,
  plans: false,
  costSizes: null,
  coverage: false,
};

export interface UnderstandOptions {
  readonly operationName?: string | null;
  readonly limits?: Partial<OperationLimits>;
  readonly coverage?: boolean;
}

/** Compiles one operation against a supergraph, without workers. */
export function understand(graph: Supergraph, text: string, options: UnderstandOptions = {}): Understood {
  return compileOperation(text, options.operationName ?? null, {
    supergraphId: graph.id,
    schema: graph.apiSchema,
    policy: graph.policy,
    limits: { ...DEFAULT_LIMITS, ...options.limits },
    planner: null,
    cost: null,
    coverage: options.coverage ?? false,
  });
}

/** The operation as the pool gives it, without the pool. */
export function compiled(
  graph: Supergraph,
  text: string,
  options: UnderstandOptions = {},
): CompiledOperation {
  const understood = understand(graph, text, options);
  return Object.freeze({
    ...understood.facts,
    hash: 'hash',
    supergraphId: graph.id,
    planFor: async (mask: string) => understood.variant(mask),
  });
}

/** The error that a piece of work throws; fails where it throws none of ours. */
export function refusalOf(work: () => unknown): GatewayError {
  try {
    work();
  } catch (error) {
    if (error instanceof GatewayError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

export function codeOf(work: () => unknown): string {
  return refusalOf(work).code;
}

/** A user with the given scopes. */
export function user(...scopes: readonly string[]): Principal {
  return Object.freeze({ ...ANONYMOUS, kind: 'user', subject: 'ada', scopes: new Set(scopes) });
}

/** The mask of a caller who fails every guard that `fails` picks, among those that the variables switch on. */
export function maskOf(
  { facts }: Understood,
  variables: Readonly<Record<string, unknown>>,
  fails: (scopes: readonly string[]) => boolean,
): string {
  const held = facts.conditions.map((condition) => conditionHolds(condition, variables));
  return facts.guards
    .flatMap(({ requirement, when }, index) =>
      whenApplies(when, held) && fails(requirement?.scopes?.flat() ?? []) ? [index] : [],
    )
    .join('.');
}
