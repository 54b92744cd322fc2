import type { Demand, LimitStore, Settled, Taken } from './limit-store.ts';

/** How to go on without the shared buckets. */
export interface GuardOptions {
  /** Rejects where the shared buckets are out of reach; sees to its corrections by itself. */
  readonly shared: LimitStore;
  readonly local: LimitStore;
  /** The share of each rate and burst that this process admits by itself; above 0, up to 1. */
  readonly localShare: number;
  /** How long the shared buckets are left alone after a failure, up to a half more or less by `random`. */
  readonly probeAfterMs: number;
  /** Units: milliseconds of a clock that does not step back. */
  readonly now: () => number;
  /** From 0 up to 1: gateways that lost Redis together do not ask for it together. */
  readonly random: () => number;
  /** Told once when the shared buckets are lost, with the cause, and once when they are back. */
  readonly alarm: (state: 'lost' | 'back', cause?: unknown) => void;
}

/**
 * The shared buckets while they answer, else local ones at a share of every limit: never unlimited.
 * Invariant: after a failure one call at a time asks the shared buckets, and the others do not wait for it.
 */
export class GuardedLimitStore implements LimitStore {
  readonly #options: GuardOptions;
  /** Demands met locally: what they give back must not fill a shared bucket. */
  readonly #metLocally = new WeakSet<object>();
  #wasLost = false;
  #isLost = false;
  #isProbing = false;
  #probeAtMs = 0;

  constructor(options: GuardOptions) {
    this.#options = options;
  }

  take(demands: readonly Demand[]): Taken | Promise<Taken> {
    const { shared, now } = this.#options;
    if (!this.#isLost) {
      const taken = shared.take(demands);
      return taken instanceof Promise ? this.#orLocal(taken, demands) : taken;
    }
    if (this.#isProbing || now() < this.#probeAtMs) return this.#local(demands);
    return this.#probe(demands);
  }

  /** Asks for the demands that were taken, not for copies. */
  settle(demands: readonly Settled[], points: number): void {
    const { shared, local, localShare } = this.#options;
    if (!this.#wasLost) {
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

  async #orLocal(taken: Promise<Taken>, demands: readonly Demand[]): Promise<Taken> {
    const { alarm } = this.#options;
    try {
      return await taken;
    } catch (cause) {
      this.#leaveAlone();
      if (!this.#isLost) {
        this.#isLost = true;
        this.#wasLost = true;
        alarm('lost', cause);
      }
      return this.#local(demands);
    }
  }

  async #probe(demands: readonly Demand[]): Promise<Taken> {
    const { shared, alarm } = this.#options;
    this.#isProbing = true;
    try {
      const answer = shared.take(demands);
      const taken = await answer;
      // What was at hand says nothing of Redis.
      if (answer instanceof Promise) {
        this.#isLost = false;
        alarm('back');
      }
      return taken;
    } catch {
      this.#leaveAlone();
      return this.#local(demands);
    } finally {
      this.#isProbing = false;
    }
  }

  #leaveAlone(): void {
    const { now, random, probeAfterMs } = this.#options;
    this.#probeAtMs = now() + probeAfterMs * (0.5 + random());
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
