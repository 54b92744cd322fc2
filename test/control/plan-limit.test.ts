import { describe, expect, it } from 'vitest';
import { Entitlements } from '../../src/control/entitlements.ts';
import { chargedTo, type PlanLimit, type PlanTerm } from '../../src/control/plan-limit.ts';
import type { PlanFacts } from '../../src/control/snapshot.ts';
import { compose } from '../operation/graph-kit.ts';
import { CLOSED, caller, product, snapshot, subscription } from './control-kit.ts';

const HELD: Readonly<Record<string, readonly string[]>> = {
  small: ['Query.a', 'Query.b'],
  large: ['Query.b', 'Query.c'],
  free: ['Query.c'],
};
const products = {
  isOpen: (coordinate: string) => coordinate === 'Query.open',
  holds: (productId: string, coordinate: string) => HELD[productId]?.includes(coordinate) === true,
};
const term = (productId: string, limit: Omit<PlanLimit, 'subscriptionId' | 'productId'>): PlanTerm => {
  return { productId, limit: { ...limit, productId, subscriptionId: `sub_${productId}` } };
};
const TERMS = [
  term('small', { rate: { points: 1, burst: 1 } }),
  term('large', { rate: { points: 100, burst: 100 } }),
  term('free', {}),
];
const charged = (...coordinates: readonly string[]) =>
  chargedTo({ coordinates }, TERMS, products).map(({ subscriptionId }) => subscriptionId);

describe('an operation', () => {
  it.each([
    ['the one that holds it', ['Query.a'], ['sub_small']],
    ['the most generous of several', ['Query.b'], ['sub_large']],
    ['all that it needs', ['Query.a', 'Query.b'], ['sub_small', 'sub_large']],
    ['one without limits where that holds it too', ['Query.c'], ['sub_free']],
    ['none for what everybody has', ['Query.open'], []],
    ['none for what no product holds', ['Query.d', '__proto__'], []],
  ])('is charged to %s', (_, coordinates, expected) => {
    expect(charged(...coordinates)).toEqual(expected);
  });
});

const GRAPH = compose('type Query { a: String b: String }');
const LIMITED: PlanFacts = { id: 'pln_1', limits: { rate: { points: 5, burst: 9 }, costPerOperation: 7 } };
const A = product('a', { coordinates: ['Query.a'] });

describe('plans in force', () => {
  const clock = { now: 100 };
  const operation = { coordinates: ['Query.a'] };
  const held = (plans: readonly PlanFacts[], part = {}, more = {}) => {
    const entitlements = new Entitlements({ ...CLOSED, ...more, staleMs: 1e9 }, () => clock.now);
    const given = snapshot({ plans, products: [A], subscriptions: [subscription('a', part)] });
    entitlements.replace(given, clock.now);
    return entitlements;
  };
  const limits = (
    entitlements: Entitlements,
    tenant: string | null = 'acme',
    application: string | null = 'shop',
  ) => entitlements.plansFor(caller(tenant, application), GRAPH, operation);

  it('are those of the caller’s own subscriptions', () => {
    const entitlements = held([LIMITED]);
    expect(limits(entitlements)).toEqual([{ ...LIMITED.limits, subscriptionId: 'sub_a', productId: A.id }]);
    for (const [tenant, application] of [
      ['globex', 'app_2'],
      ['globex', 'shop'],
      [null, 'shop'],
      ['acme', null],
    ] as const)
      expect(limits(entitlements, tenant, application)).toEqual([]);
  });

  it('are none for a plan that limits nothing, and for one that is gone', () => {
    expect(limits(held([{ id: 'pln_1', limits: {} }]))).toEqual([]);
    expect(limits(held([]))).toEqual([]);
  });

  it('are told all where calls are told apart by product', () => {
    const unlimited = held([{ id: 'pln_1', limits: {} }], {}, { tellsAllPlans: true });
    expect(limits(unlimited)).toEqual([{ subscriptionId: 'sub_a', productId: A.id }]);
    expect(limits(unlimited, 'globex', 'shop')).toEqual([]);
  });

  it('begin and end with the subscription, by the clock of each call', () => {
    const entitlements = held([LIMITED], { startsAt: 50, endsAt: 200 });
    const at = (now: number) => {
      clock.now = now;
      return limits(entitlements).length;
    };
    expect([at(49), at(50), at(199), at(200), at(100)]).toEqual([0, 1, 1, 0, 1]);
  });

  it('are those of the last snapshot', () => {
    const entitlements = held([LIMITED]);
    expect(limits(entitlements)).toHaveLength(1);
    entitlements.replace(
      snapshot({ version: 2, products: [A], subscriptions: [subscription('a')] }),
      clock.now,
    );
    expect(limits(entitlements)).toEqual([]);
  });

  it('are not of a suspended subscription', () => {
    expect(limits(held([LIMITED], { state: 'SUSPENDED' }))).toEqual([]);
  });
});
