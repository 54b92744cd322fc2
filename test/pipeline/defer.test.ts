import { describe, expect, it } from 'vitest';
import { GatewayError } from '../../src/errors.ts';
import { leafChecks } from '../../src/execution/leaf-values.ts';
import { createNativeExecutor } from '../../src/execution/native/native-executor.ts';
import type { Principal } from '../../src/identity/principal.ts';
import type { GatewayResponse } from '../../src/listener/request.ts';
import { compileOperation } from '../../src/operation/compile.ts';
import { deferredNow } from '../../src/operation/deferred-part.ts';
import { createPlanner } from '../../src/operation/plan-operation.ts';
import { type Deferring, type DeferringParts, defer } from '../../src/streams/defer.ts';
import { StreamReviews } from '../../src/streams/stream-reviews.ts';
import { keptEvents } from '../audit/fixtures.ts';
import { request, settings } from '../execution/execution-kit.ts';
import { UNMASKING } from '../execution/masking-kit.ts';
import { compose, DEFAULT_LIMITS, user } from '../operation/graph-kit.ts';

const GRAPH = compose(
  'type Query { me: Person } type Person @key(fields: "id") { id: ID! }',
  'type Person @key(fields: "id") { id: ID! name: String @sensitive(class: PERSONAL) limit: Int @authenticated }',
  'type Person @key(fields: "id") { id: ID! town: String }',
);
const QUERY = '{ me { id ... @defer(label: "b") { name limit } ... @defer(label: "c") { town } } }';
const planner = createPlanner(GRAPH.strippedSdl);

/** What stands around an answer in parts, all of it held by the test. */
function stage() {
  const gone = new AbortController();
  const reviews = new StreamReviews();
  const { events: records, record, expectUnchanged } = keptEvents();
  const seen = { records, released: 0, settled: [] as number[], places: 0 };
  const state: { principal: Principal; healthy: boolean; allows: boolean; nowMs: number } = {
    ...{ principal: user(), healthy: true, allows: true, nowMs: 0 },
  };
  const held = new Map(['b', 'c'].map((name) => [name, Promise.withResolvers<Record<string, unknown>>()]));
  const signals: AbortSignal[] = [];
  const executor = createNativeExecutor({
    transport: {
      send: async ({ subgraph }) => ({
        kind: 'answer',
        status: 200,
        body: (await held.get(subgraph)?.promise) ?? { data: { me: { id: '1', __typename: 'Person' } } },
      }),
      open: () => {
        throw new Error('nothing is subscribed to');
      },
      close: async () => undefined,
    },
    ...{ now: () => 0, nowUs: () => 0 },
  });
  const bring = (subgraph: string, entity: unknown): void =>
    held.get(subgraph)?.resolve({ data: { _entities: [entity] } });
  const fail = (subgraph: string): void => held.get(subgraph)?.reject(new TypeError('a fault'));
  const open = (principal: Principal = state.principal): AsyncIterator<GatewayResponse> => {
    const { id: supergraphId, apiSchema: schema, policy } = GRAPH;
    const { facts, variant: of } = compileOperation(QUERY, null, {
      ...{ supergraphId, schema, policy, planner, cost: null, coverage: false },
      limits: { ...DEFAULT_LIMITS, deferredParts: 2 },
    });
    const variant = of('');
    const { deferred } = variant;
    const isLater = deferredNow(deferred, {});
    if (deferred === undefined || isLater === null) throw new Error('nothing is deferred');
    const operation = { ...facts, hash: 'hash', supergraphId, planFor: async (mask: string) => of(mask) };
    const decision = { effect: 'permit', mask: '', reasons: [] } as const;
    const report = { estimated: 9, actual: null as number | null, max: 9 };
    const asked = { ...request('application/json'), signal: gone.signal, defers: true };
    const deferring = {
      ...{
        request: asked,
        principal,
        operation,
        variant,
        variables: {},
        decision,
        plans: [],
        switches: null,
      },
      ...{ times: null, changes: null, introspect: null, startedUs: 0, deferral: { deferred, isLater } },
      reportForeign: () => undefined,
      reportCounts: () => undefined,
      meter: {
        report,
        enforce: () => undefined,
        settle: (returned: number) => {
          report.actual = returned;
          return {};
        },
      },
      reservation: {
        headers: {},
        settle: (actual: number) => void seen.settled.push(actual),
        release: () => {
          seen.places += 1;
        },
      },
      graph: {
        value: {
          ...{ supergraph: GRAPH },
          executor: {
            ...executor,
            execute: (input: Parameters<typeof executor.execute>[0]) => {
              signals.push(input.signal);
              return executor.execute(input);
            },
          },
          view: {
            leafChecks: leafChecks(schema),
            subgraphs: new Map(['a', 'b', 'c'].map((name) => [name, settings(name)])),
          },
        },
        retired: new AbortController().signal,
        release: () => {
          seen.released += 1;
        },
      },
      record: {
        ...{
          request: asked,
          principal,
          operation,
          variant,
          decision,
          cost: report,
          fetches: [],
          counts: null,
        },
        ...{ arguments: null, times: null, changes: null, foreignObjects: 0, code: null, events: null },
      },
    } as unknown as Deferring;
    const parts = {
      identifier: { identify: async () => state.principal },
      policies: { allows: () => state.allows },
      audit: { record, healthy: () => state.healthy },
      ...{ entitlements: null, switches: null, restraints: null, limiter: null, reviews },
      log: { error: () => undefined },
      clock: { now: () => state.nowMs, nowUs: () => 0 },
      options: {
        authorization: { mode: 'reject', dryRun: false, introspection: 'permit' },
        respond: { authorizationErrors: 'errors', masking: UNMASKING },
        subscriptions: { eventTimeoutMs: 60_000 },
        timeoutMs: 60_000,
      },
      refusalOf: (fault: unknown) =>
        fault instanceof GatewayError ? fault : new GatewayError('INTERNAL_SERVER_ERROR', { cause: fault }),
    } as unknown as DeferringParts;
    return defer(deferring, parts).events[Symbol.asyncIterator]();
  };
  /** That all was given back once, with one event. */
  const expectOver = (code: string | null, settled: number): void => {
    expect(seen.records.map((each) => each.code)).toEqual([code]);
    expectUnchanged();
    expect(seen).toMatchObject({ released: 1, places: 1 });
    expect(seen.settled).toHaveLength(settled);
    expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
  };
  return { state, seen, gone, reviews, bring, fail, open, expectOver };
}

const codesIn = ({ value }: IteratorResult<GatewayResponse>): unknown[] =>
  (value as GatewayResponse).body.errors?.map(({ extensions }) => extensions['code']) ?? [];
const incrementalIn = ({ value }: IteratorResult<GatewayResponse>) =>
  (value as GatewayResponse).body.incremental?.map(({ label, data }) => [label, data]);

/** An answer of which the first of two parts has come. */
async function halfway() {
  const on = stage();
  const events = on.open();
  expect((await events.next()).value).toMatchObject({ body: { data: { me: { id: '1' } }, hasNext: true } });
  on.bring('c', { town: 'Ely' });
  expect(incrementalIn(await events.next())).toEqual([['c', { town: 'Ely' }]]);
  return { ...on, events };
}

describe('an answer in parts', () => {
  it('is settled once, with the sum of its parts, and leaves one event', async () => {
    const { events, bring, seen, expectOver } = await halfway();
    expect(seen.settled).toEqual([]);
    bring('b', { name: 'Ada', limit: 5 });
    const last = await events.next();
    expect(incrementalIn(last)).toEqual([['b', { name: null, limit: 5 }]]);
    expect((last.value as GatewayResponse).body.hasNext).toBe(false);
    expect(await events.next()).toMatchObject({ done: true });
    expectOver(null, 1);
    expect(seen.settled).toEqual([1]);
    expect(seen.records[0]).toMatchObject({ status: 200, errors: 0 });
    expect(seen.records[0]?.fetches).toHaveLength(3);
    // Of what came with the first answer and of what came later; the name was masked.
    const coordinates = ['Query.me', 'Person.id', 'Person.name', 'Person.limit', 'Person.town'];
    expect(seen.records[0]?.operation?.coordinates).toEqual(coordinates);
    expect(seen.records[0]?.counts?.resolved).toEqual(coordinates.map(() => 1));
  });

  it('shows a sensitive value in a part to whom a scope unmasks it, and to nobody who lost it since', async () => {
    const unmasked = stage();
    unmasked.state.principal = user('unmask:personal');
    const events = unmasked.open();
    await events.next();
    unmasked.bring('b', { name: 'Ada', limit: 5 });
    expect(incrementalIn(await events.next())).toEqual([['b', { name: 'Ada', limit: 5 }]]);
    await events.return?.();
    const lost = stage();
    const others = lost.open(user('unmask:personal'));
    await others.next();
    lost.bring('b', { name: 'Ada', limit: 5 });
    const end = await others.next();
    expect(codesIn(end)).toEqual(['SUBSCRIPTION_ENDED']);
    expect(JSON.stringify(end)).not.toContain('Ada');
    await others.next();
    lost.expectOver('SUBSCRIPTION_ENDED', 0);
  });

  it.each<[string, string, (on: Awaited<ReturnType<typeof halfway>>) => void]>([
    [
      'the caller is known no more',
      'UNAUTHORIZED_FIELD_OR_TYPE',
      ({ state }) => {
        state.principal = { ...user(), kind: 'anonymous' };
      },
    ],
    [
      'nothing can be audited',
      'AUDIT_UNAVAILABLE',
      ({ state }) => {
        state.healthy = false;
      },
    ],
  ])('shows no more once %s', async (_what, code, change) => {
    const on = await halfway();
    change(on);
    on.bring('b', { name: 'Ada', limit: 5 });
    const end = await on.events.next();
    expect(codesIn(end)).toEqual([code]);
    expect(incrementalIn(end)).toBeUndefined();
    expect(await on.events.next()).toMatchObject({ done: true });
    on.expectOver(code, 0);
  });

  it('ends at once when what decides about its caller changes, although no part comes', async () => {
    const { events, state, reviews, expectOver } = await halfway();
    const next = events.next();
    state.principal = { ...user(), kind: 'anonymous' };
    reviews.changed();
    expect(codesIn(await next)).toEqual(['UNAUTHORIZED_FIELD_OR_TYPE']);
    expect(await events.next()).toMatchObject({ done: true });
    expectOver('UNAUTHORIZED_FIELD_OR_TYPE', 0);
  });

  it('ends when the credential does, although no part comes', async () => {
    const on = stage();
    on.state.nowMs = 5_000;
    // It is over by the clock, so that the timer is due at once.
    const events = on.open({ ...user(), expiresAt: 5 });
    await events.next();
    expect(codesIn(await events.next())).toEqual(['UNAUTHENTICATED']);
    await events.next();
    on.expectOver('UNAUTHENTICATED', 0);
  });

  it('whose client leaves while it waits for a part leaves its event, and what runs for it is ended', async () => {
    const { events, gone, expectOver } = await halfway();
    const next = events.next();
    gone.abort(new GatewayError('REQUEST_ABORTED'));
    await next;
    await events.next();
    expectOver('REQUEST_ABORTED', 0);
  });

  it('whose client leaves while it takes a part leaves its event, and what runs for it is ended', async () => {
    const { events, bring, expectOver } = await halfway();
    await events.return?.();
    bring('b', { name: 'Ada', limit: 5 });
    expect(await events.next()).toMatchObject({ done: true });
    expectOver('REQUEST_ABORTED', 0);
  });

  it('ends with a fault of the gateway, also where it came while the client took a part', async () => {
    const { events, fail, expectOver } = await halfway();
    fail('b');
    await new Promise((resolve) => setImmediate(resolve));
    expect(codesIn(await events.next())).toEqual(['INTERNAL_SERVER_ERROR']);
    expect(await events.next()).toMatchObject({ done: true });
    expectOver('INTERNAL_SERVER_ERROR', 0);
  });
});
