import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask, askBatch, auditOf, startTestGateway, type TestGateway } from './gateway-kit.ts';
import { startTinySubgraph, type TinySubgraph } from './tiny-subgraph.ts';

let shop: TinySubgraph;
let gateway: TestGateway;
let asked = 0;

beforeAll(async () => {
  shop = await startTinySubgraph(
    'shop',
    'type Query { a: String list: [Item] secret: String } type Item { id: ID }',
    {
      Query: {
        a: () => {
          asked += 1;
          return 'a';
        },
        list: () => [{ id: '1' }],
      },
    },
  );
  gateway = await startTestGateway([shop], {
    subgraphs: { shop: { identity: 'none' } },
    cost: { mode: 'measure', listSize: 10 },
    listen: { port: 0 },
    limits: { batching: { enabled: true } },
    rateLimits: {
      // Nothing comes back while the test runs.
      limits: [
        { name: 'subjects', by: ['subject'], points: 1, perSeconds: 86_400, burst: 20 },
        { name: 'a', by: ['tenant', 'rootField'], fields: ['a'], points: 1, perSeconds: 86_400, burst: 3 },
      ],
      failures: { count: 3, perSeconds: 86_400 },
    },
  });
});
afterAll(async () => {
  await gateway?.close();
  await shop?.close();
});

const as = (sub: string, tenant = sub) => gateway.issuer.token({ sub, tenant });
const codes = ({ body }: Awaited<ReturnType<typeof ask>>) =>
  (body.errors ?? []).map(({ extensions }) => extensions['code']);

describe('a gateway with limits', () => {
  it('settles by what came back, tells where the caller stands, and refuses past it before a subgraph is asked', async () => {
    const token = await as('ada');
    const first = await ask(gateway.url, '{ list { id } }', { token });
    expect(first.headers.get('ratelimit')).toBe('"subjects";r=10;t=86400');
    expect(first.headers.get('ratelimit-policy')).toContain('"a";q=3;w=86400');
    // Ten items were reserved, and one came back.
    const second = await ask(gateway.url, '{ list { id } }', { token });
    expect(second.headers.get('ratelimit')).toBe('"subjects";r=9;t=86400');
    for (let call = 0; call < 9; call += 1) await ask(gateway.url, '{ list { id } }', { token });
    const before = asked;
    const refused = await ask(gateway.url, '{ list { id } a }', { token });
    expect([refused.status, codes(refused)]).toEqual([429, ['RATE_LIMITED']]);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(1);
    expect(asked).toBe(before);
    expect((await auditOf(gateway.where, refused.requestId)).code).toBe('RATE_LIMITED');
  });

  it('counts aliases, and each operation of a batch', async () => {
    const one = await as('grace');
    expect(codes(await ask(gateway.url, '{ x: a y: a z: a w: a }', { token: one }))).toEqual([
      'RATE_LIMITED',
    ]);
    const other = await as('alan');
    const batch = Array.from({ length: 4 }, () => ({ query: '{ a }' }));
    const { answers } = await askBatch(gateway.url, batch, { token: other });
    expect(answers.map(({ errors }) => errors?.[0]?.extensions['code'] ?? null)).toEqual([
      null,
      null,
      null,
      'RATE_LIMITED',
    ]);
  });

  it('stops an address that keeps failing to authenticate, good tokens included, before any signature is checked', async () => {
    const good = await as('linus');
    const forged = `${good.slice(0, good.lastIndexOf('.'))}.${'A'.repeat(86)}`;
    const results: unknown[] = [];
    for (let call = 0; call < 4; call += 1)
      results.push((await ask(gateway.url, '{ a }', { token: forged })).status);
    expect(results).toEqual([401, 401, 401, 429]);
    expect((await ask(gateway.url, '{ a }', { token: good })).status).toBe(429);
  });
});
