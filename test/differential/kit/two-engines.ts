import { composeServices } from '@apollo/composition';
import { parse } from 'graphql';
import { type CryptoKey, generateKeyPair } from 'jose';
import { createApolloExecutor } from '../../../src/execution/apollo/apollo-executor-client.ts';
import { type AssertionMinter, createAssertionMinter } from '../../../src/execution/assertion.ts';
import type { ExecutionResult, Executor } from '../../../src/execution/executor.ts';
import { leafChecks } from '../../../src/execution/leaf-values.ts';
import { createNativeExecutor } from '../../../src/execution/native/native-executor.ts';
import { createSubgraphTransport } from '../../../src/execution/native/subgraph-transport-client.ts';
import { type GraphView, type RespondOptions, respond } from '../../../src/execution/respond.ts';
import { PartAnswers } from '../../../src/execution/respond-parts.ts';
import type { SubgraphSettings } from '../../../src/execution/subgraph-settings.ts';
import { ANONYMOUS, type Principal } from '../../../src/identity/principal.ts';
import type { GatewayResponse, GraphQLRequest, GraphQLResponseBody } from '../../../src/listener/request.ts';
import { compileOperation } from '../../../src/operation/compile.ts';
import { conditionHolds, whenApplies } from '../../../src/operation/condition.ts';
import { deferredNow } from '../../../src/operation/deferred-part.ts';
import { fillFromPrincipal } from '../../../src/operation/fill-from-principal.ts';
import type {
  CompiledOperation,
  OperationLimits,
  OperationVariant,
} from '../../../src/operation/operation.ts';
import { createPlanner } from '../../../src/operation/plan-operation.ts';
import { coerceVariables } from '../../../src/operation/variables.ts';
import { introspectView } from '../../../src/operation/view-task.ts';
import { readSupergraph } from '../../../src/supergraph/read-supergraph.ts';
import type { Supergraph } from '../../../src/supergraph/supergraph.ts';
import { UNMASKING } from '../../execution/masking-kit.ts';

/** A subgraph that runs, as far as composing needs it. */
export interface ServedSubgraph {
  readonly name: string;
  readonly url: string;
  readonly sdl: string;
}

export interface EngineOptions {
  readonly settings?: Partial<SubgraphSettings>;
  readonly responseBytesMax?: number;
  readonly deduplicate?: boolean;
}

export interface Ask {
  readonly text: string;
  readonly variables?: Readonly<Record<string, unknown>>;
  /** Scopes the caller lacks; the mask is worked out from them. */
  readonly without?: readonly string[];
  readonly principal?: Principal;
  /** Names of subgraphs that are switched off. */
  readonly off?: readonly string[];
  readonly signal?: AbortSignal;
  /** Default 120,000: what is planned beside takes long on a busy machine. */
  readonly timeLeftMs?: number;
}

/** An answer, reduced to what must be the same. */
export interface Answer {
  readonly data: unknown;
  /** Code and path of each error, sorted. */
  readonly errors: readonly string[];
}

export type EngineName = 'native' | 'apollo';

/** The same supergraph loaded into both executors. */
export interface TwoEngines {
  readonly supergraph: Supergraph;
  ask(engine: EngineName, ask: Ask): Promise<Answer>;
  /** What the audit is told of the calls of subgraphs. */
  fetches(engine: EngineName, ask: Ask): Promise<ExecutionResult['fetches']>;
  /** All that the client gets. */
  response(engine: EngineName, ask: Ask): Promise<GatewayResponse>;
  /** Our answer in parts: what is deferred comes later. */
  inParts(ask: Ask): Promise<readonly GraphQLResponseBody[]>;
  /** Both answers. */
  both(ask: Ask): Promise<{ native: Answer; apollo: Answer }>;
  /** What Apollo makes of the text as the client wrote it, past our compiler and our shaping. */
  untouched(ask: Ask): Promise<unknown>;
  compile(text: string): CompiledOperation;
  readonly engines: Readonly<Record<EngineName, Executor>>;
  close(): Promise<void>;
}

const LIMITS: OperationLimits = {
  tokens: 100_000,
  depth: 50,
  height: 10_000,
  aliases: 1_000,
  rootFields: 1_000,
  directives: 1_000,
  selections: 50_000,
  warnOnly: false,
  deferredParts: 1_000,
};

const REQUEST = { id: 'request-1', responseMediaType: 'application/json' } as GraphQLRequest;
const RESPOND: RespondOptions = { authorizationErrors: 'errors', masking: UNMASKING };

const clock = { now: () => Date.now(), nowUs: () => performance.now() * 1_000 };

let fixedKey: Promise<CryptoKey> | undefined;

/** One key for all tests of a file. */
export async function fixedMinter(key?: CryptoKey): Promise<AssertionMinter> {
  fixedKey ??= generateKeyPair('EdDSA').then(({ privateKey }) => privateKey);
  return createAssertionMinter(
    {
      privateKey: key ?? (await fixedKey),
      keyId: 'key-1',
      issuer: 'portcullis',
      audience: 'portcullis-subgraphs',
      lifetimeSeconds: 300,
    },
    clock,
  );
}

export function composeServed(subgraphs: readonly ServedSubgraph[]): string {
  const { supergraphSdl, errors } = composeServices(
    subgraphs.map(({ name, url, sdl }) => ({ name, url, typeDefs: parse(sdl) })),
  );
  if (supergraphSdl === undefined) throw new Error(errors?.map(({ message }) => message).join('\n'));
  return supergraphSdl;
}

export async function startTwoEngines(
  subgraphs: readonly ServedSubgraph[],
  options: EngineOptions = {},
  minter?: AssertionMinter,
): Promise<TwoEngines> {
  const supergraph = readSupergraph(composeServed(subgraphs));
  const settings = supergraph.subgraphs.map(
    ({ name, url }): SubgraphSettings => ({
      name,
      url,
      timeoutMs: 60_000,
      identity: 'principal',
      forwardHeaders: [],
      errors: 'masked',
      allowedExtensions: [],
      ...options.settings,
    }),
  );
  const transport = {
    subgraphs: settings,
    deduplicate: options.deduplicate ?? true,
    // Far above what these tests let fail, so that the circuit stays closed.
    guard: { failurePercent: 100, callsMin: 1_000_000, windowMs: 1_000, openMs: 1_000, retryPercent: 10 },
    responseBytesMax: options.responseBytesMax ?? 1_000_000,
    connectionsMax: 32,
  };
  const signer = minter ?? (await fixedMinter());
  const native = createNativeExecutor({
    transport: createSubgraphTransport(transport, { minter: signer, now: clock.now }),
    ...clock,
    modelReporters: new Set(
      settings.flatMap(({ name, modelReports }) => (modelReports === true ? [name] : [])),
    ),
  });
  const apollo = await createApolloExecutor(
    { ...transport, strippedSdl: supergraph.strippedSdl },
    { minter: signer, ...clock },
  );
  const view: GraphView = {
    leafChecks: leafChecks(supergraph.apiSchema),
    subgraphs: new Map(settings.map((each) => [each.name, each])),
  };
  return enginesOf(supergraph, view, { native, apollo });
}

function enginesOf(
  supergraph: Supergraph,
  view: GraphView,
  engines: Record<EngineName, Executor>,
): TwoEngines {
  const planner = createPlanner(supergraph.strippedSdl);
  const compiled = new Map<string, CompiledOperation>();
  const compile = (text: string): CompiledOperation => {
    const known = compiled.get(text);
    if (known !== undefined) return known;
    const { apiSchema: schema, id: supergraphId, policy } = supergraph;
    const { facts, variant } = compileOperation(text, null, {
      supergraphId,
      schema,
      policy,
      limits: LIMITS,
      planner,
      coverage: false,
      cost: null,
    });
    const variants = new Map<string, Promise<OperationVariant>>();
    const operation: CompiledOperation = {
      ...facts,
      hash: 'hash',
      supergraphId,
      // As from the compiler: planned once, and what does not survive the copy from a worker is lost on the way.
      planFor: (mask) => {
        const planned = variants.get(mask) ?? Promise.try(() => structuredClone(variant(mask)));
        variants.set(mask, planned);
        return planned;
      },
    };
    compiled.set(text, operation);
    return operation;
  };
  const prepare = async (ask: Ask) => {
    const operation = compile(ask.text);
    const coerced = coerceVariables(operation, ask.variables ?? {}, supergraph);
    const mask = maskOf(operation, coerced, ask.without ?? []);
    const variant = await operation.planFor(mask);
    const variables = fillFromPrincipal(variant.principalInputs, coerced, ask.principal ?? ANONYMOUS);
    return { operation, variables, mask, variant };
  };
  const inputOf = ({
    principal = ANONYMOUS,
    signal = new AbortController().signal,
    timeLeftMs = 120_000,
    off = [],
  }: Ask) => ({
    principal,
    signal,
    switches: { isSubgraphOff: (name: string) => off.includes(name) },
    requestId: 'request-1',
    headers: {},
    deadlineMs: clock.now() + timeLeftMs,
  });
  const introspecting = (variables: Readonly<Record<string, unknown>>) => ({
    introspect: async (document: string) => introspectView(document, variables, supergraph.apiSchema),
  });
  const answering = async (engine: EngineName, question: Ask, isParted: boolean) => {
    const { operation, variables, mask, variant } = await prepare(question);
    const later = isParted ? deferredNow(variant.deferred, variables) : null;
    const result = await engines[engine].execute({
      ...inputOf(question),
      ...introspecting(variables),
      ...{ variant, variables, later },
    });
    const executed = {
      ...{ operation, variant, variables, result, meter: null },
      decision:
        mask === ''
          ? ({ effect: 'permit', mask: '', reasons: [] } as const)
          : ({ effect: 'filter', mask, reasons: [] } as const),
      principal: question.principal ?? ANONYMOUS,
      reportForeign: () => undefined,
      reportCounts: () => undefined,
    };
    return { executed, later };
  };
  const response = async (engine: EngineName, question: Ask): Promise<GatewayResponse> =>
    respond(REQUEST, (await answering(engine, question, false)).executed, view, RESPOND);
  const inParts = async (question: Ask): Promise<readonly GraphQLResponseBody[]> => {
    const { executed, later: isLater } = await answering('native', question, true);
    const { deferred } = executed.variant;
    if (deferred === undefined || isLater === null)
      return [{ ...respond(REQUEST, executed, view, RESPOND).body, hasNext: false }];
    const answers = new PartAnswers({
      ...{ request: REQUEST, executed, deferred, isLater, graph: view, options: RESPOND },
    });
    const { later } = executed.result;
    const bodies: GraphQLResponseBody[] = [{ ...answers.primary().body, hasNext: later !== undefined }];
    for await (const done of later ?? [])
      bodies.push({ incremental: answers.part(done), hasNext: done.hasNext });
    return bodies;
  };
  const ask = async (engine: EngineName, question: Ask): Promise<Answer> =>
    answerOf(await response(engine, question));
  return {
    supergraph,
    engines,
    compile,
    ask,
    fetches: async (engine, question) => (await answering(engine, question, false)).executed.result.fetches,
    response,
    inParts,
    async both(question) {
      const native = await ask('native', question);
      return { native, apollo: await ask('apollo', question) };
    },
    async untouched(question) {
      const { variables, variant } = await prepare(question);
      const asWritten = { ...variant, id: `${variant.id} as written`, text: question.text };
      const { data }: ExecutionResult = await engines.apollo.execute({
        ...inputOf(question),
        ...introspecting(variables),
        variant: asWritten,
        variables,
      });
      return data;
    },
    close: async () => {
      await Promise.all([engines.native.close(), engines.apollo.close()]);
    },
  };
}

function maskOf(
  { guards, conditions }: CompiledOperation,
  variables: Readonly<Record<string, unknown>>,
  without: readonly string[],
): string {
  const held = conditions.map((condition) => conditionHolds(condition, variables));
  return guards
    .flatMap(({ requirement, when }, index) => {
      const fails = requirement?.scopes?.flat().some((scope) => without.includes(scope)) === true;
      return fails && whenApplies(when, held) ? [index] : [];
    })
    .join('.');
}

function answerOf({ body }: GatewayResponse): Answer {
  const errors = (body.errors ?? []).map(
    ({ path, extensions }) => `${String(extensions['code'])} ${JSON.stringify(path ?? null)}`,
  );
  return { data: body.data ?? null, errors: errors.sort() };
}
