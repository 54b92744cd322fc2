import { describe, expect, it } from 'vitest';
import type { AuditSink } from '../../src/audit/event.ts';
import { GatewayError } from '../../src/errors.ts';
import type { ExecutionInput, ExecutionResult } from '../../src/execution/executor.ts';
import type { Graph } from '../../src/graph.ts';
import { ANONYMOUS, type Principal } from '../../src/identity/principal.ts';
import { type GraphQLRequest, isStream } from '../../src/listener/request.ts';
import type { CompiledOperation } from '../../src/operation/operation.ts';
import { handle, type PipelineOptions, type PipelineParts } from '../../src/pipeline.ts';
import { StreamReviews } from '../../src/streams/stream-reviews.ts';
import { SubscriptionCounts } from '../../src/streams/subscription-counts.ts';
import { keptEvents } from '../audit/fixtures.ts';
import { NO_UNMASKING } from '../execution/masking-kit.ts';

const LIMITS = {
  tokens: 100,
  depth: 10,
  height: 10,
  aliases: 10,
  rootFields: 10,
  directives: 10,
  selections: 10,
  warnOnly: false,
};

const OPTIONS: PipelineOptions = {
  authorization: { mode: 'filter', dryRun: false, introspection: 'permit' },
  respond: { authorizationErrors: 'errors', masking: NO_UNMASKING },
  limits: LIMITS,
  cost: { mode: 'off', max: 0, perSubgraph: new Map() },
  audit: { whenUnwritable: 'refuse', durability: 'relaxed' },
  argumentDigests: { key: new Uint8Array(32), ofMembers: false },
  samplesTimes: () => false,
  timeoutMs: 1000,
  subscriptions: {
    maxPerPrincipal: 1,
    idleTimeoutMs: 1000,
    eventTimeoutMs: 1000,
    eventBytesMax: 1024,
    maxLifetimeMs: 1000,
  },
};

const VARIANT = {
  id: 'variant',
  operationName: null,
  text: '{ open }',
  plan: null,
  principalInputs: null,
  tenantKeys: [],
  audited: { refused: [], unreached: [], sensitive: [], plan: [] },
  removals: [],
  cost: null,
  shape: {
    abstract: false,
    typeName: 'Query',
    types: new Map([
      [
        'Query',
        {
          denied: null,
          fields: [
            {
              key: 'open',
              name: 'open',
              when: null,
              type: { nonNull: false, item: null },
              typeName: 'String',
              denied: null,
              child: null,
            },
          ],
        },
      ],
    ]),
  },
} satisfies Awaited<ReturnType<CompiledOperation['planFor']>>;

const operation = (changes: Partial<CompiledOperation> = {}): CompiledOperation => ({
  hash: 'hash',
  supergraphId: 'graph',
  name: 'Op',
  type: 'query',
  measures: { tokens: 3, depth: 1, height: 1, aliases: 0, rootFields: 1, directives: 0, selections: 1 },
  warnings: [],
  coordinates: ['Query.open'],
  introspects: false,
  variableDefinitions: [],
  conditions: [],
  guards: [],
  selected: [],
  constrained: [],
  auditedArguments: { listed: [], truncated: 0 },
  planFor: async () => VARIANT,
  ...changes,
});

const RESULT: ExecutionResult = {
  data: { open: 'yes' },
  errors: [],
  fetches: [{ subgraph: 'a', durationUs: 1, status: 200, errors: 0, planned: null }],
};

const request = (changes: Partial<GraphQLRequest> = {}): GraphQLRequest => ({
  id: 'request-1',
  receivedAtMs: 0,
  method: 'POST',
  remoteAddress: '127.0.0.1',
  responseMediaType: 'application/json',
  authorization: [],
  headers: {},
  params: { query: '{ open }', operationName: null, variables: {}, extensions: {} },
  batch: null,
  streams: false,
  signal: new AbortController().signal,
  ...changes,
});

interface Fakes {
  readonly limiter?: PipelineParts['limiter'];
  readonly identify?: () => Principal | Promise<Principal>;
  readonly compile?: () => CompiledOperation | Promise<CompiledOperation>;
  readonly execute?: (input: ExecutionInput) => Promise<ExecutionResult>;
  readonly allows?: () => boolean;
  readonly healthy?: () => boolean;
  readonly intend?: AuditSink['intend'];
  readonly graphless?: boolean;
  readonly options?: Partial<PipelineOptions>;
}

/** Runs one request through the pipeline with fakes of its parts, and tells all that it left behind. */
async function run(fakes: Fakes, incoming: GraphQLRequest = request()) {
  const { events, record, expectUnchanged } = keptEvents();
  const logged: unknown[] = [];
  let leased = 0;
  const releases: number[] = [];
  let executed = 0;
  const graph = {
    supergraph: { tags: new Map(), apiSchema: null, policy: { constraints: new Map() } },
    compiler: { compile: fakes.compile ?? (() => operation()) },
    executor: {
      execute: (input: ExecutionInput) => {
        executed += 1;
        return (fakes.execute ?? (async () => RESULT))(input);
      },
    },
    view: { leafChecks: () => () => true, subgraphs: new Map() },
  } as unknown as Graph;
  const lease = () => {
    leased += 1;
    return { value: graph, release: () => void releases.push(1), retired: new AbortController().signal };
  };
  const note = (event: string, fields?: unknown): void => void logged.push([event, fields]);
  const parts: PipelineParts = {
    identifier: { identify: fakes.identify ?? (() => ANONYMOUS) },
    graphs: { lease: fakes.graphless === true ? () => null : lease },
    entitlements: null,
    switches: null,
    restraints: null,
    limiter: fakes.limiter ?? null,
    policies: { allows: fakes.allows ?? (() => false) },
    audit: {
      record,
      intend: fakes.intend ?? (() => Promise.reject(new Error('Nothing is intended here.'))),
      healthy: fakes.healthy ?? (() => true),
      close: async () => undefined,
    },
    log: { debug: note, info: note, warn: note, error: note },
    clock: { now: () => 0, nowUs: () => 0 },
    counts: new SubscriptionCounts(),
    reviews: new StreamReviews(),
    options: { ...OPTIONS, ...fakes.options },
  };
  const response = await handle(incoming, parts);
  if (isStream(response)) throw new Error('A single answer is expected.');
  expect(events).toHaveLength(1);
  expectUnchanged();
  expect(releases).toHaveLength(leased);
  const [code] = (response.body.errors ?? []).map(({ extensions }) => extensions['code']);
  return { response, event: events[0], logged: JSON.stringify(logged), executed, code };
}

const throwing = (fault: unknown) => () => {
  throw fault;
};
const STRICT = { whenUnwritable: 'refuse', durability: 'strict' } as const;
const SECRET = 'SECRET-of-a-fault';
const fault = new TypeError(SECRET, { cause: new Error(SECRET) });

describe('handle', () => {
  it('answers what was executed and records it', async () => {
    const { response, event, executed } = await run({});
    expect(response).toMatchObject({ status: 200, body: { data: { open: 'yes' } } });
    expect(event).toMatchObject({ code: null, status: 200, fetches: [{ subgraph: 'a' }] });
    expect(executed).toBe(1);
  });

  it.each<[string, Fakes]>([
    ['an identifier that throws', { identify: throwing(fault) }],
    ['an identifier that rejects', { identify: () => Promise.reject(fault) }],
    ['a compiler that throws', { compile: throwing(fault) }],
    ['a compiler that rejects', { compile: () => Promise.reject(fault) }],
    ['a variant that cannot be made', { compile: () => operation({ planFor: () => Promise.reject(fault) }) }],
    ['an executor that throws', { execute: throwing(fault) }],
    ['an executor that rejects', { execute: () => Promise.reject(fault) }],
    ['an executor that rejects with no error', { execute: () => Promise.reject(SECRET) }],
    ['an executor that rejects with nothing', { execute: () => Promise.reject() }],
    ['an executor that answers nonsense', { execute: async () => null as unknown as ExecutionResult }],
    [
      'an answer that cannot be read',
      { execute: async () => Object.defineProperty({ ...RESULT }, 'data', { get: throwing(fault) }) },
    ],
    ['an audit whose health throws', { healthy: throwing(fault) }],
  ])('answers %s with a bare 500, logs it without its text, and records it once', async (_what, fakes) => {
    const { response, event, logged } = await run(fakes);
    expect(response).toEqual({
      status: 500,
      headers: {},
      body: {
        errors: [
          {
            message: 'Internal server error',
            extensions: { code: 'INTERNAL_SERVER_ERROR', requestId: 'request-1' },
          },
        ],
      },
    });
    expect(event).toMatchObject({ code: 'INTERNAL_SERVER_ERROR', status: 500, errors: 1 });
    expect(logged).toContain('request-1');
    expect(JSON.stringify([response, event]) + logged).not.toContain(SECRET);
  });

  it('keeps in the record what was known when a fault ended the request', async () => {
    const { event } = await run({ execute: throwing(fault) });
    expect(event).toMatchObject({
      principal: { kind: 'anonymous' },
      operation: { name: 'Op', coordinates: ['Query.open'] },
      decision: { effect: 'permit' },
    });
  });

  /** A stage that ends with something, in each of the ways that it may. */
  const ways = <T>(value: T, refusal: unknown) => ({
    'at once': [() => value, throwing(refusal)],
    later: [async () => value, () => Promise.reject(refusal)],
  });
  const REFUSED = new GatewayError('FORBIDDEN');

  it.each(
    (['at once', 'later'] as const).flatMap((identified) =>
      (['at once', 'later'] as const).flatMap((compiled) =>
        (['at once', 'later'] as const).map((planned) => [identified, compiled, planned] as const),
      ),
    ),
  )(
    'answers and refuses alike where callers are known %s, operations %s and variants %s',
    async (...when) => {
      const plans = ways(VARIANT, REFUSED)[when[2]];
      const callers = ways(ANONYMOUS, REFUSED)[when[0]];
      const operations = (planFor: CompiledOperation['planFor']) =>
        ways(operation({ planFor }), REFUSED)[when[1]];
      const [identify, refuseCaller] = callers as (() => Principal)[];
      const [planFor, refuseVariant] = plans as (() => typeof VARIANT)[];
      const [compile, refuseOperation] = operations(
        planFor ?? throwing(fault),
      ) as (() => CompiledOperation)[];
      const whole = { identify, compile } as Fakes;
      const { event, response, executed } = await run(whole);
      expect(response).toMatchObject({ status: 200, body: { data: { open: 'yes' } } });
      expect(event).toMatchObject({
        code: null,
        decision: { effect: 'permit' },
        fetches: [{ subgraph: 'a' }],
      });
      expect(executed).toBe(1);
      const unplanned = () => operations(refuseVariant ?? throwing(fault))[0]?.();
      for (const part of [{ identify: refuseCaller }, { compile: refuseOperation }, { compile: unplanned }]) {
        const refused = await run({ ...whole, ...part } as Fakes);
        expect(refused).toMatchObject({ code: 'FORBIDDEN', executed: 0, event: { code: 'FORBIDDEN' } });
      }
    },
  );

  it('runs nothing before the turn in which its caller is known', async () => {
    const { promise, resolve } = Promise.withResolvers<Principal>();
    let compiled = 0;
    const compile = () => {
      compiled += 1;
      return operation();
    };
    const running = run({ identify: () => promise, compile });
    await new Promise((turned) => setImmediate(turned));
    expect(compiled).toBe(0);
    resolve(ANONYMOUS);
    expect((await running).executed).toBe(1);
    expect(compiled).toBe(1);
  });

  it('identifies before it looks at what was sent', async () => {
    const refused = request({ params: new GatewayError('BAD_REQUEST') });
    const unknown = await run({ identify: throwing(new GatewayError('UNAUTHENTICATED')) }, refused);
    expect(unknown).toMatchObject({ code: 'UNAUTHENTICATED', response: { status: 401 } });
    expect(await run({}, refused)).toMatchObject({
      code: 'BAD_REQUEST',
      event: { principal: { kind: 'anonymous' } },
    });
  });

  it('refuses while no graph is loaded', async () => {
    const code = 'SUPERGRAPH_UNAVAILABLE';
    expect(await run({ graphless: true })).toMatchObject({ code, event: { code, status: 503 } });
  });

  it.each([
    [
      'a mutation that is not posted',
      operation({ type: 'mutation' }),
      request({ method: 'GET' }),
      'METHOD_NOT_ALLOWED',
    ],
    ['a subscription', operation({ type: 'subscription' }), request(), 'SUBSCRIPTION_NOT_SUPPORTED'],
    [
      'an operation that takes its batch over a limit',
      operation(),
      request({ batch: { size: 2, used: new Map([['rootFields', 10]]) } }),
      'MAX_ROOT_FIELDS_LIMIT',
    ],
  ])('refuses %s before anything runs', async (_what, compiled, incoming, expected) => {
    const { code, executed, event } = await run({ compile: () => compiled }, incoming);
    expect({ code, executed }).toEqual({ code: expected, executed: 0 });
    expect(event?.operation?.name).toBe('Op');
  });

  it.each([
    ['refuse', 'query', 'AUDIT_UNAVAILABLE'],
    ['refuse', 'mutation', 'AUDIT_UNAVAILABLE'],
    ['permitQueries', 'mutation', 'AUDIT_UNAVAILABLE'],
    ['permitQueries', 'query', undefined],
  ] as const)('under %s answers a %s without an audit with %s', async (whenUnwritable, type, expected) => {
    const compile = () => operation({ type });
    const options = { audit: { whenUnwritable, durability: 'relaxed' } } as const;
    const { code, executed } = await run({ compile, healthy: () => false, options });
    expect({ code, executed }).toEqual({ code: expected, executed: expected === undefined ? 1 : 0 });
  });

  it('runs a mutation only once its intent is on disk', async () => {
    const order: string[] = [];
    const onDisk = Promise.withResolvers<void>();
    const answered = run({
      compile: () => operation({ type: 'mutation' }),
      options: { audit: STRICT },
      intend: async ({ requestId, operation: { name } }) => {
        order.push(`intends ${requestId} ${name}`);
        await onDisk.promise;
        order.push('is on disk');
      },
      execute: async () => {
        order.push('runs');
        return RESULT;
      },
    });
    await new Promise(setImmediate);
    expect(order).toEqual([expect.stringMatching(/^intends \S+ Op$/)]);
    onDisk.resolve();
    expect((await answered).executed).toBe(1);
    expect(order.slice(1)).toEqual(['is on disk', 'runs']);
  });

  it('does not run a mutation whose intent is not on disk', async () => {
    const { code, executed, event } = await run({
      compile: () => operation({ type: 'mutation' }),
      options: { audit: STRICT },
      intend: () => Promise.reject(new GatewayError('AUDIT_UNAVAILABLE')),
    });
    expect({ code, executed }).toEqual({ code: 'AUDIT_UNAVAILABLE', executed: 0 });
    expect(event?.code).toBe('AUDIT_UNAVAILABLE');
  });

  it.each([
    ['a query', 'query', 'strict'],
    ['a mutation without strict durability', 'mutation', 'relaxed'],
  ] as const)('lets %s run without waiting for the disk', async (_, type, durability) => {
    const options = { audit: { whenUnwritable: 'refuse', durability } } as const;
    expect((await run({ compile: () => operation({ type }), options })).executed).toBe(1);
  });

  it('denies a requirement that no rule understands, and does not run it', async () => {
    const requirement = { authenticated: false, scopes: [], policies: [] };
    const { event, executed, response } = await run({
      compile: () => operation({ guards: [{ requirement, when: null }] }),
    });
    expect(executed).toBe(0);
    expect(event?.decision).toMatchObject({ effect: 'deny', reasons: [{ rule: 'unknown-requirement' }] });
    expect(response.body).not.toHaveProperty('data');
  });

  it('denies where a rule throws', async () => {
    const requirement = { authenticated: false, scopes: [], policies: [['p']] };
    const { event, executed } = await run({
      compile: () => operation({ guards: [{ requirement, when: null }] }),
      allows: throwing(fault),
    });
    expect(executed).toBe(0);
    expect(event?.decision.effect).toBe('deny');
  });

  it('records a client that left while the operation ran, with what had been fetched', async () => {
    const leaving = new AbortController();
    const execute = async () => {
      leaving.abort();
      return RESULT;
    };
    const { event } = await run({ execute }, request({ signal: leaving.signal }));
    expect(event).toMatchObject({ code: 'REQUEST_ABORTED', status: 499, fetches: [{ subgraph: 'a' }] });
  });

  it('gives the executor the caller, the coerced variables and a deadline, and nothing of the text', async () => {
    let given: ExecutionInput | undefined;
    const incoming = request({
      params: { query: '{ open }', operationName: null, variables: { undeclared: 1 }, extensions: {} },
    });
    const execute = async (input: ExecutionInput) => {
      given = input;
      return RESULT;
    };
    await run({ execute }, incoming);
    expect(given).toMatchObject({ principal: ANONYMOUS, requestId: 'request-1', deadlineMs: 1000 });
    expect(Object.keys(given?.variables ?? { none: 1 })).toEqual([]);
    expect(given?.variant).toBe(VARIANT);
  });
});
