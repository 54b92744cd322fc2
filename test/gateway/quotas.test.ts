import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask, startTestGateway, type TestGateway } from './gateway-kit.ts';
import { startTinySubgraph, type TinySubgraph } from './tiny-subgraph.ts';

let shop: TinySubgraph;
let gateway: TestGateway;

beforeAll(async () => {
  shop = await startTinySubgraph('shop', 'type Query { a: String list: [Item] } type Item { id: ID }', {
    Query: { a: () => 'a', list: () => [{ id: '1' }] },
  });
  gateway = await startTestGateway([shop], {
    cost: { mode: 'measure', listSize: 4 },
    rateLimits: {
      quotas: [{ name: 'daily', by: ['tenant'], points: 10, per: 'day' }],
      tenantTimeZones: { far: 'Pacific/Kiritimati' },
      limits: [{ name: 'calls', by: ['subject'], points: 1000, perSeconds: 1 }],
    },
  });
});
afterAll(async () => {
  await gateway?.close();
  await shop?.close();
});

const as = async (tenant: string) => ({ token: await gateway.issuer.token({ tenant }) });

describe('a quota', () => {
  it('is used up by what calls really cost, by each tenant for itself, and refuses before a subgraph is asked', async () => {
    const caller = await as('acme');
    // Estimated at four, and one came back.
    let answer = await ask(gateway.url, '{ list { id } }', caller);
    expect(answer.headers.get('ratelimit-policy')).toBe('"calls";q=1000;w=1, "daily";q=10;w=86400');
    expect(answer.headers.get('ratelimit')).toMatch(/"daily";r=6;t=\d+/u);
    let answered = 0;
    for (; answer.status === 200 && answered < 20; answered += 1)
      answer = await ask(gateway.url, '{ list { id } }', caller);
    expect(answered).toBe(7);
    const called = shop.received.length;
    expect([answer.status, answer.codes]).toEqual([429, ['QUOTA_EXHAUSTED']]);
    expect(answer.body.errors?.[0]?.extensions['limits']).toEqual(['daily']);
    const waits = Number(answer.headers.get('retry-after'));
    const midnight = new Date().setUTCHours(24, 0, 0, 0);
    expect(Math.abs(waits - (midnight - Date.now()) / 1000)).toBeLessThan(10);
    expect(shop.received.length).toBe(called);
    expect((await ask(gateway.url, '{ list { id } }', await as('globex'))).status).toBe(200);
  });

  it('ends when the day of the tenant ends', async () => {
    const caller = await as('far');
    const { headers } = await ask(gateway.url, '{ list { id } }', caller);
    const seconds = Number(/"daily";r=\d+;t=(\d+)/u.exec(headers.get('ratelimit') ?? '')?.[1]);
    const there = new Date(Date.now() + 14 * 3_600_000);
    const expected = 86_400 - (there.getTime() % 86_400_000) / 1000;
    expect(Math.abs(seconds - expected)).toBeLessThan(10);
  });

  it.each([
    ['a time zone that is none', { timeZone: 'Mars/Olympus' }, 'must be a time zone such as Europe/Oslo'],
    ['no points', { quotas: [{ name: 'x', by: ['tenant'], points: 0 }] }, 'must be at least 1'],
    ['uses of root fields', { quotas: [{ name: 'x', by: ['rootField'] }] }, 'rateLimits.quotas'],
    [
      'the name of a limit',
      {
        limits: [{ name: 'x', by: ['ip'] }],
        quotas: [{ name: 'x', by: ['tenant'] }],
      },
      'is the name of another limit or quota',
    ],
    ['the name of plans', { quotas: [{ name: 'plan', by: ['tenant'] }] }, 'plan is the name'],
  ])('is refused with %s', async (_, rateLimits, text) => {
    const fault = await startTestGateway([shop], { rateLimits }).catch((error: unknown) => error);
    const { details } = fault as { details: { message: string }[] };
    expect(details.map(({ message }) => message).join()).toContain(text);
  });
});
