import type { Demand, LimitStore, Settled, Taken } from './limit-store.ts';
import type { SettlementQueue } from './settlement-queue.ts';
import type { SharedBuckets } from './shared-buckets.ts';

/** Shared buckets that are asked for each call, and nothing ahead of need. */
export class StrictLimitStore implements LimitStore {
  readonly #shared: SharedBuckets;
  readonly #queue: SettlementQueue;

  constructor(shared: SharedBuckets, queue: SettlementQueue) {
    this.#shared = shared;
    this.#queue = queue;
  }

  take(demands: readonly Demand[]): Promise<Taken> {
    return this.#shared.take(demands.map((demand) => ({ ...demand, extra: 0 })));
  }

  settle(demands: readonly Settled[], points: number): void {
    for (const demand of demands) this.#queue.add(demand, points);
  }

  async close(): Promise<void> {
    await this.#queue.close();
    await this.#shared.close();
  }
}
