import type { Demand, LimitStore, Settled, Taken } from './limit-store.ts';

/** Buckets that may be out of reach. */
export interface SharedLimitStore {
  take(demands: readonly Demand[]): Promise<Taken>;
  settle(demands: readonly Settled[], points: number): Promise<void>;
  close(): Promise<void>;
}

/** How to go on without the shared buckets. */
export interface GuardOptions {
  readonly shared: SharedLimitStore;
  readonly local: LimitStore;
  /** The share of each rate and burst that this process admits by itself; above 0, up to 1. */
  readonly localShare: number;
  /** How long the shared buckets are left alone after a failure. */
  readonly probeAfterMs: number;
  /** Units: milliseconds of a clock that does not step back. */
  readonly now: () => number;
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
  #isLost = false;
  #isProbing = false;
  #probeAtMs = 0;

  constructor(options: GuardOptions) {
    this.#options = options;
  }

  async take(demands: readonly Demand[]): Promise<Taken> {
    const { shared, local, localShare } = this.#options;
    const taken = await this.#ask(() => shared.take(demands));
    if (taken !== undefined) return taken;
    for (const demand of demands) this.#metLocally.add(demand);
    return local.take(demands.map((demand) => scaled(demand, localShare)));
  }

  /** Asks for the demands that were taken, not for copies. What cannot be delivered while the shared buckets are lost is dropped. */
  settle(demands: readonly Settled[], points: number): void {
    const { shared, local, localShare } = this.#options;
    const mine = demands.filter((demand) => this.#metLocally.has(demand));
    if (mine.length > 0) {
      local.settle(
        mine.map((demand) => scaled(demand, localShare)),
        points,
      );
    }
    const theirs = demands.filter((demand) => !this.#metLocally.has(demand));
    if (theirs.length > 0) {
      void this.#ask(async () => {
        await shared.settle(theirs, points);
        return true;
      });
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.#options.shared.close(), this.#options.local.close()]);
  }

  async #ask<T>(question: () => Promise<T>): Promise<T | undefined> {
    const { now, alarm, probeAfterMs } = this.#options;
    const isProbe = this.#isLost;
    if (isProbe && (this.#isProbing || now() < this.#probeAtMs)) return undefined;
    this.#isProbing = isProbe;
    try {
      const answer = await question();
      if (isProbe) {
        this.#isLost = false;
        alarm('back');
      }
      return answer;
    } catch (cause) {
      this.#probeAtMs = now() + probeAfterMs;
      if (!this.#isLost) {
        this.#isLost = true;
        alarm('lost', cause);
      }
      return undefined;
    } finally {
      if (isProbe) this.#isProbing = false;
    }
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
