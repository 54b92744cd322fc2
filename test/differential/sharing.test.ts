import { setImmediate as turn } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ASSERTION_HEADER, type IdentityExposure } from '../../src/execution/assertion.ts';
import { createNativeExecutor } from '../../src/execution/native/native-executor.ts';
import type { SubgraphTransport } from '../../src/execution/native/subgraph-transport.ts';
import { createSubgraphTransport } from '../../src/execution/native/subgraph-transport-client.ts';
import { ANONYMOUS, type Principal } from '../../src/identity/principal.ts';
import { type RunningGraph, startGraph } from './kit/start-graph.ts';
import { type FixtureContext, type SubgraphFixture, sendJson } from './kit/subgraph-fixture.ts';
import { fixedMinter } from './kit/two-engines.ts';

const TENANTS = 10;
const SUBJECTS = 4;
const REQUESTS = 1_000;
const TEXT = '{ me { id first second } }';

/** Who the subgraph was told is asking. */
function told({ headers }: FixtureContext): { sub: string; tenant?: string } {
  const [, payload = ''] = String(headers[ASSERTION_HEADER]).split('.');
  return JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'));
}

const SUBGRAPHS: readonly SubgraphFixture[] = [
  {
    name: 'first',
    typeDefs: `
      scalar Json
      type Query { me: Me! raw: Json }
      type Mutation { act: Json }
      type Me @key(fields: "id") { id: ID! first: Json }`,
    resolvers: {
      Query: {
        me: () => ({ id: '1' }),
        raw: (_: unknown, __: unknown, context: FixtureContext) => told(context),
      },
      Mutation: { act: (_: unknown, __: unknown, context: FixtureContext) => told(context) },
      Me: { first: (_: unknown, __: unknown, context: FixtureContext) => told(context) },
    },
  },
  {
    name: 'second',
    typeDefs: 'scalar Json type Me @key(fields: "id") { id: ID! second: Json }',
    resolvers: { Me: { second: (_: unknown, __: unknown, context: FixtureContext) => told(context) } },
  },
];

const PRINCIPALS: readonly Principal[] = Array.from({ length: TENANTS * SUBJECTS }, (_, index) =>
  Object.freeze({
    ...ANONYMOUS,
    kind: 'user' as const,
    tenant: `tenant-${index % TENANTS}`,
    subject: `subject-${index}`,
  }),
);

interface Seen {
  readonly sub: string;
  readonly tenant?: string;
}

/** The callers that were answered as somebody else. */
async function mixed(
  ask: (principal: Principal) => Promise<unknown>,
  exposure: IdentityExposure,
): Promise<number> {
  const answers = await Promise.all(
    Array.from({ length: REQUESTS }, async (_, index) => {
      const principal = PRINCIPALS[index % PRINCIPALS.length] ?? ANONYMOUS;
      const { me } = (await ask(principal)) as { me: { first: Seen; second: Seen } };
      return [me.first, me.second].every(
        ({ sub, tenant }) =>
          sub ===
            (exposure === 'principal' ? principal.subject : exposure === 'tenant' ? 'tenant' : 'gateway') &&
          tenant === (exposure === 'none' ? undefined : principal.tenant),
      );
    }),
  );
  return answers.filter((own) => !own).length;
}

describe.each(['principal', 'tenant', 'none'] as const)('sharing where subgraphs see %s', (exposure) => {
  let running: RunningGraph;

  beforeAll(async () => {
    running = await startGraph(SUBGRAPHS, { settings: { identity: exposure }, deduplicate: true });
  });

  afterAll(() => running.close());

  it('gives each of a thousand concurrent callers its own answer', async () => {
    const ask = async (principal: Principal) =>
      (await running.engines.ask('native', { text: TEXT, principal })).data;
    expect(await mixed(ask, exposure)).toBe(0);
    const calls = running.subgraphs.reduce((sum, subgraph) => sum + subgraph.calls.length, 0);
    expect(calls).toBeLessThan(REQUESTS);
  });
});

describe('sharing', () => {
  let running: RunningGraph;
  const [one = ANONYMOUS, other = ANONYMOUS] = PRINCIPALS;

  beforeAll(async () => {
    running = await startGraph(SUBGRAPHS, { deduplicate: true, settings: { timeoutMs: 60_000 } });
    await running.engines.ask('native', { text: TEXT, principal: one });
  });

  afterAll(() => running.close());

  beforeEach(() => {
    for (const subgraph of running.subgraphs) Object.assign(subgraph, { fault: null }).calls.length = 0;
  });

  /** Holds the answers of the first subgraph; resolves once so many requests have arrived. */
  function hold(arrivals: number) {
    const arrived = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    const left = Promise.withResolvers<void>();
    const first = running.subgraph('first');
    first.fault = async (response, _call, answer) => {
      response.once('close', () => left.resolve());
      if (first.calls.length === arrivals) arrived.resolve();
      await gate.promise;
      sendJson(response, await answer());
    };
    return { arrived: arrived.promise, left: left.promise, release: () => gate.resolve() };
  }

  it('would be caught mixing callers by a key without headers', async () => {
    const { compile } = running.engines;
    const minter = await fixedMinter();
    const options = {
      identity: 'principal',
      forwardHeaders: [],
      errors: 'masked',
      allowedExtensions: [],
    } as const;
    const sound = createSubgraphTransport(
      {
        subgraphs: running.subgraphs.map(({ name, url }) => ({ name, url, timeoutMs: 60_000, ...options })),
        guard: { failurePercent: 100, callsMin: 1_000_000, windowMs: 1_000, openMs: 1_000, retryPercent: 10 },
        deduplicate: false,
        responseBytesMax: 1_000_000,
        connectionsMax: 32,
      },
      { minter, now: () => Date.now() },
    );
    const flights = new Map<string, ReturnType<SubgraphTransport['send']>>();
    const broken: SubgraphTransport = {
      send(fetch, variables, input) {
        const key = `${fetch.subgraph} ${fetch.query} ${variables}`;
        const flight =
          flights.get(key) ?? sound.send(fetch, variables, input).finally(() => flights.delete(key));
        flights.set(key, flight);
        return flight.then((answer) => structuredClone(answer));
      },
      open: (fetch, variables, input) => sound.open(fetch, variables, input),
      close: () => sound.close(),
    };
    const executor = createNativeExecutor({
      transport: broken,
      now: Date.now,
      nowUs: () => performance.now() * 1_000,
    });
    const variant = await compile(TEXT).planFor('');
    const ask = async (principal: Principal) => {
      const { signal } = new AbortController();
      const input = {
        variant,
        variables: {},
        principal,
        requestId: 'r',
        headers: {},
        signal,
        introspect: null,
      };
      return (await executor.execute({ ...input, deadlineMs: Date.now() + 10_000 })).data;
    };
    expect(await mixed(ask, 'principal')).toBeGreaterThan(0);
    await executor.close();
  });

  it('sends one request for equal queries of one caller, and gives each an object of its own', async () => {
    const { arrived, release } = hold(1);
    const asks = [1, 2, 3].map(() => running.engines.ask('native', { text: '{ raw }', principal: one }));
    await arrived;
    release();
    const [a, b, c] = (await Promise.all(asks)).map(({ data }) => (data as { raw: object }).raw);
    expect(running.subgraph('first').calls).toHaveLength(1);
    expect(a).toEqual(b);
    expect(a).not.toBe(b);
    expect(b).not.toBe(c);
  });

  it('keeps two callers apart who ask the same', async () => {
    const { arrived, release } = hold(2);
    const asks = [one, other].map((principal) =>
      running.engines.ask('native', { text: '{ raw }', principal }),
    );
    await arrived;
    release();
    const answers = (await Promise.all(asks)).map(({ data }) => (data as { raw: Seen }).raw.sub);
    expect(answers).toEqual([one.subject, other.subject]);
  });

  it('goes on for the other when one of two sharers leaves', async () => {
    const { arrived, release } = hold(1);
    const leaving = new AbortController();
    const first = running.engines.ask('native', { text: '{ raw }', principal: one, signal: leaving.signal });
    const second = running.engines.ask('native', { text: '{ raw }', principal: one });
    await arrived;
    leaving.abort();
    expect(await first).toEqual({ data: { raw: null }, errors: ['REQUEST_ABORTED null'] });
    release();
    expect((await second).data).toMatchObject({ raw: { sub: one.subject } });
    expect(running.subgraph('first').calls).toHaveLength(1);
  });

  it('cuts the request off when the last sharer leaves', async () => {
    const { arrived, left, release } = hold(1);
    const leaving = new AbortController();
    const { signal } = leaving;
    const asks = [1, 2].map(() => running.engines.ask('native', { text: '{ raw }', principal: one, signal }));
    await arrived;
    await turn();
    leaving.abort();
    await Promise.all([...asks, left]);
    release();
    expect(running.subgraph('first').calls).toHaveLength(1);
  });

  it('does not let a caller whose time is nearly over cut another off', async () => {
    const { arrived, release } = hold(2);
    const hurried = running.engines.ask('native', { text: '{ raw }', principal: one, timeLeftMs: 1_500 });
    const patient = running.engines.ask('native', { text: '{ raw }', principal: one });
    await arrived;
    expect((await hurried).errors).toEqual(['SUBGRAPH_TIMEOUT null']);
    release();
    expect((await patient).errors).toEqual([]);
  });

  it('never shares a mutation', async () => {
    const asks = Array.from({ length: 20 }, () =>
      running.engines.ask('native', { text: 'mutation { act }', principal: one }),
    );
    await Promise.all(asks);
    expect(running.subgraph('first').calls).toHaveLength(20);
  });
});
