import type { Demand, LimitStore, Settled, Taken } from './limit-store.ts';
import type { Outage } from './outage.ts';

/** How to go on without the shared buckets. */
export interface GuardOptions {
  /** Rejects where the shared buckets are out of reach; sees to its corrections by itself. */
  readonly shared: LimitStore;
  readonly local: LimitStore;
  /** The share of each rate and burst that this process admits by itself; above 0, up to 1. */
  readonly localShare: number;
  readonly outage: Outage;
}

/** The shared buckets while they answer, else local ones at a share of every limit: never unlimited. */
export class GuardedLimitStore implements LimitStore {
  readonly #options: GuardOptions;
  /** Demands met locally: what they give back must not fill a shared bucket. */
  readonly #metLocally = new WeakSet<object>();

  constructor(options: GuardOptions) {
    this.#options = options;
  }

  take(demands: readonly Demand[]): Taken | Promise<Taken> {
    const { shared, outage } = this.#options;
    return outage.ask(
      () => shared.take(demands),
      () => this.#local(demands),
    );
  }

  /** Asks for the demands that were taken, not for copies. */
  settle(demands: readonly Settled[], points: number): void {
    const { shared, local, localShare, outage } = this.#options;
    if (!outage.wasLost) {
      shared.settle(demands, points);
      return;
    }
    const { mine = [], theirs = [] } = Object.groupBy(demands, (demand) =>
      this.#metLocally.has(demand) ? 'mine' : 'theirs',
    );
    if (theirs.length > 0) shared.settle(theirs, points);
    if (mine.length > 0)
      local.settle(
        mine.map((demand) => scaled(demand, localShare)),
        points,
      );
  }

  async close(): Promise<void> {
    await Promise.all([this.#options.shared.close(), this.#options.local.close()]);
  }

  #local(demands: readonly Demand[]): Taken | Promise<Taken> {
    const { local, localShare } = this.#options;
    for (const demand of demands) this.#metLocally.add(demand);
    return local.take(demands.map((demand) => scaled(demand, localShare)));
  }
}

/** A burst stays at least one point: the share of a small limit is slow, not closed. */
function scaled<T extends Settled>(demand: T, share: number): T {
  const { points, perMs, burst } = demand.rate;
  const rate = { points: points * share, perMs, burst: Math.max(1, burst * share) };
  const { window } = demand;
  if (window === undefined) return { ...demand, rate };
  return { ...demand, rate, window: { ...window, points: Math.max(1, window.points * share) } };
}
