import { createClient } from 'graphql-sse';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { ask, startTestGateway, type TestGateway } from './gateway-kit.ts';
import { startTicks } from './subscription-kit.ts';
import { startTinySubgraph, type TinySubgraph } from './tiny-subgraph.ts';

const WAIT = { timeout: 5000, interval: 5 };
let ticks: Awaited<ReturnType<typeof startTicks>>;
let shop: TinySubgraph;
let gateway: TestGateway;
/** Ends the calls that wait in the subgraph. */
const waiting: ((value: string | Error) => void)[] = [];

beforeAll(async () => {
  ticks = await startTicks();
  shop = await startTinySubgraph('shop', 'type Query { slow(n: Int): String }', {
    Query: {
      slow: async () => {
        const answer = await new Promise<string | Error>((resolve) => waiting.push(resolve));
        if (answer instanceof Error) throw answer;
        return answer;
      },
    },
  });
  gateway = await startTestGateway([ticks, shop], {
    rateLimits: {
      concurrency: [{ name: 'running', by: ['subject'], max: 1 }],
      chargeEvents: true,
      behaviour: { callsMin: 8, invalidPercent: 60 },
      limits: [
        { name: 'calls', by: ['subject'], points: 1, perSeconds: 86_400, burst: 1000, kinds: ['query'] },
        { name: 'events', by: ['subject'], points: 1, perSeconds: 86_400, burst: 4, kinds: ['subscription'] },
      ],
    },
  });
});
afterAll(async () => {
  await gateway?.close();
  await ticks?.close();
  await shop?.close();
});

const as = (sub: string) => gateway.issuer.token({ sub });
let calls = 0;

/** Asks, and waits until the subgraph has it. */
async function begin(token: string, signal?: AbortSignal) {
  const before = waiting.length;
  calls += 1;
  const answer = fetch(gateway.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ query: `{ slow(n: ${calls}) }` }),
    ...(signal === undefined ? {} : { signal }),
  });
  await vi.waitFor(() => expect(waiting.length).toBe(before + 1), WAIT);
  return { answer, end: waiting[before] ?? (() => undefined) };
}

const open = async (token: string) => (await ask(gateway.url, '{ open }', { token })).status;

describe('a limit on what runs at once', () => {
  it('refuses another call before a subgraph is asked, names itself, and takes no points for it', async () => {
    const token = await as('ada');
    const { answer, end } = await begin(token);
    const asked = ticks.received.length;
    const refused = await ask(gateway.url, '{ open }', { token });
    expect([refused.status, refused.codes]).toEqual([429, ['RATE_LIMITED']]);
    expect(refused.body.errors?.[0]?.extensions['limits']).toEqual(['running']);
    expect(refused.headers.get('retry-after')).toBe('1');
    expect(ticks.received.length).toBe(asked);
    expect(await open(await as('eve'))).toBe(200);
    end('done');
    await answer;
    const next = await ask(gateway.url, '{ open }', { token });
    expect([next.status, next.headers.get('ratelimit')]).toEqual([200, '"calls";r=998;t=86400']);
  });

  it('counts a call no more when the subgraph fails, and when the client leaves', async () => {
    const token = await as('grace');
    const failing = await begin(token);
    failing.end(new Error('no'));
    await failing.answer;
    expect(await open(token)).toBe(200);
    const leaving = new AbortController();
    const left = await begin(token, leaving.signal);
    expect(await open(token)).toBe(429);
    leaving.abort();
    await expect(left.answer).rejects.toThrow();
    await vi.waitFor(async () => expect(await open(token)).toBe(200), WAIT);
    left.end('late');
  });

  it.each([
    ['its client leaves', (leave: () => void) => leave()],
    ['its source completes', () => ticks.complete()],
    ['its source breaks', () => ticks.kill()],
  ])('counts a stream until %s', async (_, end) => {
    const token = await as('linus');
    const client = createClient({
      url: gateway.url,
      retryAttempts: 0,
      headers: { authorization: `Bearer ${token}` },
    });
    onTestFinished(() => client.dispose());
    const sink = { next: () => undefined, error: () => undefined, complete: () => undefined };
    const leave = client.subscribe({ query: 'subscription { ticks }' }, sink);
    await vi.waitFor(() => expect(ticks.streams()).toBe(1), WAIT);
    expect(await open(token)).toBe(429);
    end(leave);
    await vi.waitFor(async () => expect(await open(token)).toBe(200), WAIT);
    await vi.waitFor(() => expect(ticks.streams()).toBe(0), WAIT);
  });

  it('beside a limit on events ends a stream that has no points left, and tells why', async () => {
    const token = await as('events');
    const client = createClient({
      url: gateway.url,
      retryAttempts: 0,
      headers: { authorization: `Bearer ${token}` },
    });
    onTestFinished(() => client.dispose());
    const seen: { data?: unknown; errors?: readonly { extensions?: Readonly<Record<string, unknown>> }[] }[] =
      [];
    const ended = new Promise<void>((resolve) => {
      const next = (answer: unknown) => void seen.push(answer as (typeof seen)[number]);
      client.subscribe(
        { query: 'subscription { ticks }' },
        { next, error: () => resolve(), complete: resolve },
      );
    });
    await vi.waitFor(() => expect(ticks.streams()).toBe(1), WAIT);
    for (let event = 1; event <= 4; event += 1) {
      ticks.emit('ticks', () => String(event));
      await vi.waitFor(() => expect(seen).toHaveLength(event), WAIT);
    }
    await ended;
    // One point for opening, three for events.
    expect(seen.slice(0, 3).map(({ data }) => data)).toEqual([
      { ticks: '1' },
      { ticks: '2' },
      { ticks: '3' },
    ]);
    expect(seen[3]?.errors?.[0]?.extensions).toMatchObject({ code: 'RATE_LIMITED', limits: ['events'] });
    await vi.waitFor(async () => expect(await open(token)).toBe(200), WAIT);
  });
});

describe('what a caller does', () => {
  it('leaves it a share of its limits, told as its policy, and other callers the whole', async () => {
    const [careless, careful] = [await as('careless'), await as('careful')];
    const policyOf = async (token: string) =>
      (await ask(gateway.url, '{ open }', { token })).headers.get('ratelimit-policy');
    expect(await policyOf(careless)).toContain('"calls";q=1000;');
    for (let call = 0; call < 8; call += 1)
      expect((await ask(gateway.url, '{ nothing }', { token: careless })).codes).toEqual([
        'GRAPHQL_VALIDATION_FAILED',
      ]);
    expect(await policyOf(careless)).toContain('"calls";q=500;');
    expect(await policyOf(careful)).toContain('"calls";q=1000;');
  });
});
