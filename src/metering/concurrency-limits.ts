import type { PlaceDemand, PlaceStore } from './places.ts';
import { callsFor, type Dimension, keyOf, type LimitedCall, PLAN_LIMIT, slotOf } from './rate-limits.ts';

/** How many operations may run at once. */
export interface ConcurrencyLimit {
  readonly name: string;
  readonly by: readonly Exclude<Dimension, 'rootField'>[];
  readonly kinds: readonly ('query' | 'mutation' | 'subscription')[];
  readonly max: number;
}

/** Limits on what runs at once, besides those of plans, and where it is counted. */
export interface ConcurrencyPlan {
  readonly limits: readonly ConcurrencyLimit[];
  readonly places: PlaceStore;
}

/** The places that a call needs while it runs. */
export function placeDemandsOf(call: LimitedCall, limits: readonly ConcurrencyLimit[]): PlaceDemand[] {
  const demands: PlaceDemand[] = [];
  for (const { name, by, kinds, max } of limits) {
    if (!kinds.includes(call.kind)) continue;
    for (const one of callsFor(call, by)) {
      const key = keyOf(one, { name, by }, null);
      demands.push({ key, slot: slotOf(call.principal, by, key), name, max });
    }
  }
  for (const { subscriptionId, concurrent } of call.plans) {
    if (concurrent === undefined) continue;
    const key = JSON.stringify([PLAN_LIMIT, subscriptionId]);
    demands.push({
      key,
      slot: slotOf(call.principal, ['application'], key),
      name: PLAN_LIMIT,
      max: concurrent,
    });
  }
  return demands;
}
