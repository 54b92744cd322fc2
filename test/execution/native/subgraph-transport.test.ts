import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Departure } from '../../../src/execution/native/departure.ts';
import type { SubgraphTransport } from '../../../src/execution/native/subgraph-transport.ts';
import { createSubgraphTransport } from '../../../src/execution/native/subgraph-transport-client.ts';
import type { SubgraphSettings } from '../../../src/execution/subgraph-settings.ts';
import type { FetchStep } from '../../../src/operation/plan.ts';

const NOW_MS = 1_000_000;
const GUARD = { failurePercent: 50, callsMin: 3, windowMs: 10_000, openMs: 60_000, retryPercent: 10 };

let calls = 0;
let traced = 0;
let url = '';
const server = createServer((request, response) => {
  calls += 1;
  if (request.headers['apollo-federation-include-trace'] === 'ftv1') traced += 1;
  request.resume().once('end', () => response.end('{"data":{"a":1}}'));
});
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const transports: SubgraphTransport[] = [];
afterAll(() => Promise.all(transports.map((transport) => transport.close())));

function start(): SubgraphTransport {
  const subgraph: SubgraphSettings = {
    ...{ name: 'a', url, timeoutMs: 5_000, identity: 'none' as const, forwardHeaders: [] },
    ...{ errors: 'masked' as const, allowedExtensions: [] },
  };
  const transport = createSubgraphTransport(
    { subgraphs: [subgraph], guard: GUARD, deduplicate: true, responseBytesMax: 1_000, connectionsMax: 2 },
    { minter: { assertionFor: () => 'assertion' }, now: () => NOW_MS },
  );
  transports.push(transport);
  return transport;
}

const callerUntil = (deadlineMs: number) => ({
  ...{ principal: {} as never, headers: {}, deadlineMs },
  departure: Departure.of(new AbortController().signal),
});

const fetchOf = (mutation: boolean): FetchStep =>
  ({ kind: 'fetch', subgraph: 'a', query: '{a}', operationName: null, mutation }) as unknown as FetchStep;

describe.each([
  ['a mutation', true],
  ['a query', false],
])('%s for which no time is left', (_name, mutation) => {
  beforeEach(() => {
    calls = 0;
  });

  it.each([NOW_MS, NOW_MS - 1, 0])('is not sent (deadline %i)', async (deadlineMs) => {
    const answer = await start().send(fetchOf(mutation), '{}', callerUntil(deadlineMs));
    expect(answer).toMatchObject({ kind: 'failure', code: 'SUBGRAPH_TIMEOUT' });
    expect(calls).toBe(0);
  });

  it('says nothing about the health of its subgraph', async () => {
    const transport = start();
    const fetch = fetchOf(mutation);
    for (let late = 0; late < 2 * GUARD.callsMin; late += 1) {
      await transport.send(fetch, '{}', callerUntil(NOW_MS - 1));
    }
    const answer = await transport.send(fetch, '{}', callerUntil(NOW_MS + 10_000));
    expect(answer).toMatchObject({ kind: 'answer', status: 200 });
    expect(calls).toBe(1);
  });
});

describe('a call that is to tell the times of its resolvers', () => {
  it('is shared with others like it, and never with one that is not', async () => {
    calls = 0;
    traced = 0;
    const transport = start();
    const fetch = fetchOf(false);
    const caller = callerUntil(NOW_MS + 10_000);
    const timed = { ...caller, isTimed: true };
    // All are sent before any is answered: each is under way when the next begins.
    await Promise.all([caller, timed, timed, caller].map((each) => transport.send(fetch, '{}', each)));
    expect([calls, traced]).toEqual([2, 1]);
  });
});

describe('calls that are under way at once', () => {
  const asking = (query: string, operationName: string | null = null): FetchStep => ({
    ...fetchOf(false),
    ...{ query, operationName },
  });

  it.each<[string, readonly (readonly [FetchStep, string])[], number]>([
    [
      'the same text of two operations',
      [
        [asking('{a}'), '{}'],
        [asking('{a}'), '{}'],
      ],
      1,
    ],
    [
      'another text',
      [
        [asking('{a}'), '{}'],
        [asking('{b}'), '{}'],
      ],
      2,
    ],
    [
      'another name',
      [
        [asking('{a}', 'A'), '{}'],
        [asking('{a}', 'B'), '{}'],
        [asking('{a}'), '{}'],
      ],
      3,
    ],
    [
      'other variables',
      [
        [asking('{a}'), '{"a":1}'],
        [asking('{a}'), '{"a":2}'],
      ],
      2,
    ],
    [
      'a text that ends as variables begin',
      [
        [asking('{a}'), '{}'],
        [asking('{a}"'), '}'],
      ],
      2,
    ],
  ])('share one only where all that is sent is equal: %s', async (_what, sent, expected) => {
    calls = 0;
    const transport = start();
    const caller = callerUntil(NOW_MS + 10_000);
    await Promise.all(sent.map(([fetch, variables]) => transport.send(fetch, variables, caller)));
    expect(calls).toBe(expected);
  });
});
