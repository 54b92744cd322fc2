import { type ExecutionResult, type GraphQLSchema, parse, subscribe } from 'graphql';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { seedProducts } from '../../../subgraphs/catalog/data.ts';
import { seedListings } from '../../../subgraphs/orders/data.ts';
import { createOrdersLoaders } from '../../../subgraphs/orders/loaders.ts';
import { OrderFeed } from '../../../subgraphs/orders/order-feed.ts';
import { OrdersStore } from '../../../subgraphs/orders/orders-store.ts';
import { createOrdersResolvers } from '../../../subgraphs/orders/resolvers.ts';
import { codes, ENTITIES, plain, principal, run, subgraphSchema } from '../support.ts';

const now = (): Date => new Date('2026-06-01T12:00:00Z');
let store: OrdersStore;
let feed: OrderFeed;
let schema: GraphQLSchema;

beforeEach(() => {
  store = new OrdersStore({ now });
  feed = new OrderFeed();
  schema = subgraphSchema('orders', createOrdersResolvers({ store, feed }));
});

type Parts = Parameters<typeof principal>[0];
const WRITER: Parts = { scopes: new Set(['orders:write']) };

function contextOf(parts: Parts = {}) {
  const caller = principal(parts);
  return { principal: caller, loaders: createOrdersLoaders(store, caller) };
}

function ask(source: string, variables: Readonly<Record<string, unknown>> = {}, parts: Parts = {}) {
  return run(source, { schema, context: contextOf(parts), variables });
}

const PLACE = `mutation ($input: PlaceOrderInput!) {
  placeOrder(input: $input) { id tenantId status placedAt customer { id } total { amountMinor currency } }
}`;
const place = (input: unknown, parts: Parts = WRITER) => ask(PLACE, { input }, parts);
const line = (sku = 'DV-001', quantity = 1) => ({ sku, quantity });

describe('orders', () => {
  it('lists orders of the own tenant, newest first', async () => {
    const { data } = await ask('{ orders(first: 100) { id tenantId } }');
    const { orders } = plain(data) as { orders: { id: string; tenantId: string }[] };
    expect([orders.length, orders[0]?.id, orders.at(-1)?.id]).toEqual([12, 'acme-1012', 'acme-1001']);
    expect(orders.every(({ tenantId }) => tenantId === 'acme')).toBe(true);
  });

  it('limits orders to those of a status', async () => {
    const { data } = await ask('{ orders(status: CANCELLED) { id } }');
    expect(plain(data)).toEqual({ orders: [{ id: 'acme-1009' }] });
  });

  it('answers an order of another tenant like one that does not exist', async () => {
    const { data, errors } = await ask(
      '{ foreign: order(id: "globex-1001") { id } none: order(id: "x") { id } }',
    );
    expect([plain(data), errors]).toEqual([{ foreign: null, none: null }, undefined]);
  });

  it('gives the model of a summary what was ordered, and neither the customer nor a note nor the margin', async () => {
    const { data } = await ask(
      '{ order(id: "acme-1001") { note customer { id } marginPercent generatedSummary { task source } } }',
      {},
      { scopes: new Set(['orders:read', 'orders:finance']) },
    );
    const { order } = plain(data) as { order: Record<string, unknown> };
    expect(order).toMatchObject({
      note: 'Leave at the gate.',
      customer: { id: 'acme-ada' },
      marginPercent: 30,
    });
    expect(order['generatedSummary']).toEqual({
      task: 'SUMMARIZE',
      source: 'The order of 2026-04-01 is shipped: 1 of "Graphs and Their Queries". The total is 49.90 EUR.',
    });
  });

  it('sums up no order of another tenant', async () => {
    const { data } = await ask('{ order(id: "globex-1001") { generatedSummary { source } } }');
    expect(plain(data)).toEqual({ order: null });
  });

  it('refuses to list orders for a caller without a tenant', async () => {
    expect(codes(await ask('{ orders { id } }', {}, { tenant: null }))).toEqual(['FORBIDDEN']);
  });

  it.each(['__proto__', 'constructor', 'toString'])(
    'finds no orders of a tenant named %s',
    async (tenant) => {
      const { data } = await ask('{ orders { id } order(id: "acme-1001") { id } }', {}, { tenant });
      expect(plain(data)).toEqual({ orders: [], order: null });
    },
  );

  it.each([
    [0, ['BAD_USER_INPUT']],
    [100, []],
    [101, ['BAD_USER_INPUT']],
  ])('answers a page of %i orders with the codes %j', async (first, expected) => {
    expect(codes(await ask(`{ orders(first: ${first}) { id } }`))).toEqual(expected);
  });

  it('totals the lines of an order', async () => {
    const { data } = await ask(
      '{ order(id: "acme-1003") { total { amountMinor } lines { total { amountMinor } } } }',
    );
    const { order } = plain(data) as {
      order: { total: { amountMinor: number }; lines: { total: { amountMinor: number } }[] };
    };
    expect(order.lines).toHaveLength(3);
    expect(order.total.amountMinor).toBe(order.lines.reduce((sum, { total }) => sum + total.amountMinor, 0));
  });

  it('sells what the catalog has, under its names and prices', () => {
    const offered = seedProducts().map(({ __typename, sku, name, price }) => ({
      __typename,
      sku,
      name,
      price,
    }));
    expect(seedListings()).toEqual(offered);
  });
});

describe('entities in the orders subgraph', () => {
  it('resolves all orders with one load, those of other tenants to null', async () => {
    const load = vi.spyOn(store, 'ordersById');
    const representations = ['acme-1001', 'globex-1001', 'acme-1002'].map((id) => ({
      __typename: 'Order',
      id,
    }));
    const { data } = await ask(`${ENTITIES} { ... on Order { id } } }`, { representations });
    expect(plain(data)).toEqual({ _entities: [{ id: 'acme-1001' }, null, { id: 'acme-1002' }] });
    expect(load).toHaveBeenCalledTimes(1);
  });

  it('gives the orders of several users with one load, none for a user of another tenant', async () => {
    const load = vi.spyOn(store, 'ordersByCustomer');
    const representations = ['acme-ada', 'globex-tony', 'acme-john'].map((id) => ({
      __typename: 'User',
      id,
    }));
    const { data } = await ask(`${ENTITIES} { ... on User { orders { id } } } }`, { representations });
    expect(plain(data)).toEqual({
      _entities: [
        { orders: [{ id: 'acme-1007' }, { id: 'acme-1001' }] },
        { orders: [] },
        { orders: [{ id: 'acme-1012' }, { id: 'acme-1006' }] },
      ],
    });
    expect(load).toHaveBeenCalledTimes(1);
  });

  it('ranks several products with one load, and none that was never sold', async () => {
    const load = vi.spyOn(store, 'salesRanks');
    const representations = ['BK-001', 'BK-012'].map((sku) => ({ __typename: 'Book', sku }));
    const { data } = await ask(`${ENTITIES} { ... on Book { salesRank } } }`, { representations });
    expect(plain(data)).toMatchObject({
      _entities: [{ salesRank: expect.any(Number) }, { salesRank: null }],
    });
    expect(load).toHaveBeenCalledTimes(1);
  });

  const ESTIMATE = `${ENTITIES} { ... on Device { shippingEstimate { amountMinor currency } } } }`;
  const device = (weightGrams: number, amountMinor: number) => ({
    __typename: 'Device',
    sku: 'DV-001',
    weightGrams,
    price: { amountMinor, currency: 'EUR' },
  });

  it.each([
    [1_000, 14_999, 510],
    [1_001, 14_999, 630],
    [1_001, 15_000, 0],
  ])('estimates shipping of %i g worth %i at %i', async (weightGrams, price, amountMinor) => {
    const { data } = await ask(ESTIMATE, { representations: [device(weightGrams, price)] });
    expect(plain(data)).toEqual({ _entities: [{ shippingEstimate: { amountMinor, currency: 'EUR' } }] });
  });

  it('refuses an estimate for a representation without what it requires', async () => {
    const result = await ask(ESTIMATE, { representations: [{ __typename: 'Device', sku: 'DV-001' }] });
    expect(codes(result)).toEqual(['BAD_USER_INPUT']);
  });

  it.each([
    ['an unknown SKU', { __typename: 'Book', sku: 'BK-999' }],
    ['a SKU of the other type', { __typename: 'Device', sku: 'BK-001' }],
  ])('resolves %s to null', async (_, representation) => {
    const { data } = await ask(`${ENTITIES} { __typename } }`, { representations: [representation] });
    expect(plain(data)).toEqual({ _entities: [null] });
  });
});

describe('placeOrder', () => {
  it('places an order for the caller in their tenant', async () => {
    const { data } = await place({ lines: [line('DV-001', 2), line('BK-001')] });
    expect(plain(data)).toEqual({
      placeOrder: {
        id: 'acme-1013',
        tenantId: 'acme',
        status: 'PLACED',
        placedAt: '2026-06-01T12:00:00.000Z',
        customer: { id: 'acme-ada' },
        total: { amountMinor: 22_790, currency: 'EUR' },
      },
    });
  });

  it('shows the new order to its tenant and to no other', async () => {
    await place({ lines: [line()] });
    const read = async (tenant: string) =>
      plain((await ask('{ order(id: "acme-1013") { id } }', {}, { tenant })).data);
    expect([await read('acme'), await read('globex')]).toEqual([
      { order: { id: 'acme-1013' } },
      { order: null },
    ]);
  });

  it.each([
    ['a caller without the scope', { scopes: new Set(['orders:read']) }],
    ['a caller without a tenant', { ...WRITER, tenant: null }],
    ['a service', { ...WRITER, kind: 'service' as const }],
    ['an agent', { ...WRITER, kind: 'agent' as const }],
    ['an anonymous caller', { ...WRITER, kind: 'anonymous' as const }],
  ])('refuses %s and places nothing', async (_, parts) => {
    expect(codes(await place({ lines: [line()] }, parts))).toEqual(['FORBIDDEN']);
    expect((await store.ordersById('acme', ['acme-1013'])).size).toBe(0);
  });

  const many = (count: number) => Array.from({ length: count }, () => line());
  it.each([
    ['no line', { lines: [] }],
    ['21 lines', { lines: many(21) }],
    ['a quantity of 0', { lines: [line('DV-001', 0)] }],
    ['a quantity of 100', { lines: [line('DV-001', 100)] }],
    ['an unknown product', { lines: [line('DV-999')] }],
    ['a product named like a property', { lines: [line('__proto__')] }],
    ['lines in two currencies', { lines: [line('BK-001'), line('BK-007')] }],
    ['a note of 201 characters', { lines: [line()], note: 'a'.repeat(201) }],
  ])('refuses an order with %s', async (_, input) => {
    expect(codes(await place(input))).toEqual(['BAD_USER_INPUT']);
  });

  it.each([
    ['20 lines', { lines: many(20) }],
    ['a quantity of 99', { lines: [line('DV-001', 99)] }],
    ['a note of 200 characters', { lines: [line()], note: 'a'.repeat(200) }],
  ])('takes an order with %s', async (_, input) => {
    expect(codes(await place(input))).toEqual([]);
  });

  it('keeps no more orders of a tenant than the bound, dropping the oldest', async () => {
    store = new OrdersStore({ now, ordersPerTenantMax: 12 });
    schema = subgraphSchema('orders', createOrdersResolvers({ store, feed }));
    await place({ lines: [line()] });
    const { data } = await ask('{ orders(first: 100) { id } }');
    const ids = (plain(data) as { orders: { id: string }[] }).orders.map(({ id }) => id);
    expect([ids.length, ids[0], ids.at(-1)]).toEqual([12, 'acme-1013', 'acme-1002']);
  });
});

describe('cancelOrder', () => {
  const CANCEL =
    'mutation ($input: CancelOrderInput!) { cancelOrder(input: $input) { status cancelReason } }';
  const cancel = (id: string, parts: Parts = WRITER, reason?: string) =>
    ask(CANCEL, { input: { id, reason } }, parts);

  it('cancels a placed order and keeps the reason', async () => {
    const { data } = await cancel('acme-1012', WRITER, 'Too late.');
    expect(plain(data)).toEqual({ cancelOrder: { status: 'CANCELLED', cancelReason: 'Too late.' } });
  });

  it('changes nothing when it is asked again', async () => {
    await cancel('acme-1012', WRITER, 'First.');
    const { data } = await cancel('acme-1012', WRITER, 'Second.');
    expect(plain(data)).toEqual({ cancelOrder: { status: 'CANCELLED', cancelReason: 'First.' } });
  });

  it.each([
    ['a shipped order', 'acme-1001', WRITER, 'ORDER_SHIPPED'],
    ['an order of another tenant', 'globex-1012', WRITER, 'NOT_FOUND'],
    ['an order that does not exist', 'acme-9999', WRITER, 'NOT_FOUND'],
    ['a caller without the scope', 'acme-1012', {}, 'FORBIDDEN'],
    ['a caller without a tenant', 'acme-1012', { ...WRITER, tenant: null }, 'FORBIDDEN'],
  ])('refuses %s', async (_, id, parts, code) => {
    expect(codes(await cancel(id, parts))).toEqual([code]);
  });

  it('leaves an order of another tenant as it was', async () => {
    await cancel('globex-1012');
    expect((await store.ordersById('globex', ['globex-1012'])).get('globex-1012')?.status).toBe('PLACED');
  });
});

describe('orderPlaced', () => {
  const listen = (parts: Parts = {}) =>
    subscribe({
      schema,
      document: parse('subscription { orderPlaced { id } }'),
      contextValue: contextOf(parts),
    }) as Promise<AsyncGenerator<ExecutionResult> | ExecutionResult>;

  it('tells of orders of the own tenant and of no other', async () => {
    const events = await listen();
    if (!('next' in events)) throw new Error('not subscribed');
    await place({ lines: [line()] }, { ...WRITER, tenant: 'globex', subject: 'globex-tony' });
    await place({ lines: [line()] });
    const { value } = await events.next();
    expect(plain(value)).toEqual({ data: { orderPlaced: { id: 'acme-1013' } } });
    await events.return(undefined);
    expect(feed.subscriberCount).toBe(0);
  });

  it('refuses a caller without a tenant', async () => {
    const refused = await listen({ tenant: null });
    expect('next' in refused ? [] : codes(refused)).toEqual(['FORBIDDEN']);
    expect(feed.subscriberCount).toBe(0);
  });
});
