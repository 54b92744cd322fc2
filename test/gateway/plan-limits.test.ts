import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { SYSTEM } from '../../src/control/actor.ts';
import type { ControlPlane } from '../../src/control/control-plane.ts';
import type { PlanLimits } from '../../src/control/tables.ts';
import { embeddedDatabase } from '../control/embedded-database.ts';
import { ask, startTestGateway, type TestGateway } from './gateway-kit.ts';
import { startTinySubgraph, type TinySubgraph } from './tiny-subgraph.ts';

const SDL = 'type Query { order: Order news: String } type Order { id: ID! next: Order }';
const WITHIN = { timeout: 2000, interval: 10 };

let shop: TinySubgraph;
let gateway: TestGateway;
let control: ControlPlane;
/** What orders wait for. */
let held: Promise<void> = Promise.resolve();

beforeAll(async () => {
  shop = await startTinySubgraph('shop', SDL, {
    Query: {
      order: async () => {
        await held;
        return { id: '1', next: { id: '2' } };
      },
      news: () => 'none',
    },
  });
  gateway = await startTestGateway([shop], {
    subgraphs: { shop: { identity: 'none' } },
    state: { database: embeddedDatabase(), pollMs: 100 },
    approvals: { enforce: true, open: { coordinates: ['Query.news'] } },
    cost: { mode: 'enforce', max: 1 },
  });
  if (gateway.control === null) throw new Error('no control plane');
  control = gateway.control;
});

afterAll(async () => {
  await gateway?.close();
  await shop?.close();
});

let customers = 0;

/** A customer with a subscription to a product of its own. */
async function customer(limits: PlanLimits) {
  customers += 1;
  const slug = `customer-${customers}`;
  const { id: tenantId } = await control.tenants.create(SYSTEM, { slug, name: slug });
  const { id: applicationId } = await control.applications.create(SYSTEM, {
    ...{ tenantId, name: 'Shop', environment: 'production' },
  });
  await control.credentials.registerOauthClient(SYSTEM, { applicationId, clientId: 'shop' });
  const { id: productId } = await control.products.create(SYSTEM, {
    ...{
      name: slug,
      coordinates: ['Query.order', 'Order'],
      tags: [],
      visibility: 'public',
      approval: 'auto',
    },
  });
  await control.products.step(SYSTEM, { id: productId, step: 'publish' });
  const plan = await control.products.createPlan(SYSTEM, { productId, name: 'P', limits, termDays: null });
  await control.products.publishPlan(SYSTEM, { id: plan.id });
  const { id } = await control.requests.submit(SYSTEM, { applicationId, planId: plan.id, reason: 'x' });
  const token = await gateway.issuer.token({ tenant: slug });
  const call = (text: string) => ask(gateway.url, text, { token });
  // News costs nothing, and is answered by any subscription or none.
  await vi.waitFor(
    async () =>
      expect((await call('{ order { __typename } news }')).codes).not.toContain('SUBSCRIPTION_REQUIRED'),
    WITHIN,
  );
  return { id, call };
}

const ONE = '{ order { id } }';
const TWO = '{ order { id next { id } } }';

describe('the plan of a subscription', () => {
  it('refuses what is over its rate, with its standing, and lets another customer call', async () => {
    const rate = { points: 1, burst: 20 };
    const [one, other] = [await customer({ rate }), await customer({ rate })];
    let answer = await one.call(ONE);
    for (let call = 0; call < 500 && answer.status === 200; call += 1) answer = await one.call(ONE);
    const called = shop.received.length;
    expect([answer.status, answer.codes]).toEqual([429, ['RATE_LIMITED']]);
    expect(answer.body.errors?.[0]?.extensions['limits']).toEqual(['plan']);
    expect(answer.headers.get('ratelimit-policy')).toBe('"plan";q=20;w=1');
    expect(answer.headers.get('ratelimit')).toMatch(/^"plan";r=0;t=1$/u);
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(shop.received.length).toBe(called);
    expect((await other.call(ONE)).body.data).toEqual({ order: { id: '1' } });
    // What everybody has is charged to nobody.
    expect((await one.call('{ news }')).body.data).toEqual({ news: 'none' });
  });

  it('says how much an operation may cost, in place of the configuration', async () => {
    const [small, large] = [await customer({}), await customer({ costPerOperation: 2 })];
    expect((await small.call(ONE)).codes).toEqual([]);
    expect((await small.call(TWO)).codes).toEqual(['COST_ESTIMATED_TOO_EXPENSIVE']);
    expect((await large.call(TWO)).codes).toEqual([]);
    expect((await large.call('{ order { id next { next { id } } } }')).codes).toEqual([
      'COST_ESTIMATED_TOO_EXPENSIVE',
    ]);
  });

  it('says how many operations may run at once', async () => {
    const { call } = await customer({ concurrent: 1 });
    const { promise, resolve } = Promise.withResolvers<void>();
    const before = shop.received.length;
    held = promise;
    const first = call(ONE);
    await vi.waitFor(() => expect(shop.received.length).toBe(before + 1), WITHIN);
    const refused = await call(ONE);
    expect([refused.status, refused.codes]).toEqual([429, ['RATE_LIMITED']]);
    expect(refused.body.errors?.[0]?.extensions['limits']).toEqual(['plan']);
    resolve();
    expect((await first).status).toBe(200);
    expect((await call(ONE)).status).toBe(200);
  });

  it('no longer limits, and no longer permits, once the subscription is revoked', async () => {
    const { id, call } = await customer({ rate: { points: 1, burst: 1000 } });
    await control.subscriptions.revoke(SYSTEM, { id, reason: 'Gone.' });
    await vi.waitFor(async () => expect((await call(ONE)).codes).toEqual(['SUBSCRIPTION_REQUIRED']), WITHIN);
    expect((await call(ONE)).headers.get('ratelimit')).toBeNull();
  });
});
