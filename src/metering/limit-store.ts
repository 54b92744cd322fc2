import { type FullAt, giveBack, judge, left, type Rate, type Verdict } from './gcra.ts';

/** One bucket that a request takes points from. */
export interface Demand {
  /** Names the bucket; bounded in length. */
  readonly key: string;
  readonly rate: Rate;
  readonly cost: number;
}

/** What a store says to all demands of one request, in their order. */
export interface Taken {
  readonly permitted: boolean;
  readonly verdicts: readonly Verdict[];
}

/** Where buckets stand. */
export interface LimitStore {
  /** Takes all or none. */
  take(demands: readonly Demand[]): Taken | Promise<Taken>;
  /** Gives points back, or takes more where they are negative; what is no longer known is let be. */
  settle(demands: readonly Pick<Demand, 'key' | 'rate'>[], points: number): void;
  close(): Promise<void>;
}

/** Buckets looked at for one that is full, when there is no room for another. */
const LOOKED_AT = 64;

/**
 * Buckets of one process. Only a full bucket is forgotten: it says the same as none. Where there is no room for a new one,
 * what needs it is not permitted, since forgetting an empty one would let its caller start anew.
 */
export class MemoryLimitStore implements LimitStore {
  readonly #buckets = new Map<string, FullAt>();
  readonly #bucketsMax: number;
  readonly #now: () => number;

  /** `now` in milliseconds of a clock that does not step back. */
  constructor(bucketsMax: number, now: () => number) {
    this.#bucketsMax = bucketsMax;
    this.#now = now;
  }

  get size(): number {
    return this.#buckets.size;
  }

  take(demands: readonly Demand[]): Taken {
    const nowMs = this.#now();
    const verdicts: Verdict[] = [];
    const taken = new Map<string, FullAt>();
    let permitted = true;
    for (const { key, rate, cost } of demands) {
      const known = taken.get(key) ?? this.#buckets.get(key);
      const verdict =
        known === undefined && !this.#hasRoom(taken.size, nowMs)
          ? { permitted: false, fullAt: nowMs, remaining: 0, retryAfterMs: rate.perMs }
          : judge(known, cost, rate, nowMs);
      verdicts.push(verdict);
      if (!verdict.permitted) permitted = false;
      taken.set(key, verdict.fullAt);
    }
    if (permitted) {
      // A full bucket says the same as none.
      for (const [key, fullAt] of taken) if (fullAt > nowMs) this.#buckets.set(key, fullAt);
    }
    return { permitted, verdicts: permitted ? verdicts : verdicts.map(untaken(demands, nowMs)) };
  }

  settle(demands: readonly Pick<Demand, 'key' | 'rate'>[], points: number): void {
    for (const { key, rate } of demands) {
      const known = this.#buckets.get(key);
      if (known !== undefined) this.#buckets.set(key, giveBack(known, points, rate));
    }
  }

  async close(): Promise<void> {
    this.#buckets.clear();
  }

  #hasRoom(more: number, nowMs: number): boolean {
    if (this.#buckets.size + more < this.#bucketsMax) return true;
    let looked = 0;
    for (const [key, fullAt] of this.#buckets) {
      if (looked === LOOKED_AT) break;
      looked += 1;
      this.#buckets.delete(key);
      // The others go to the end, so that the next look finds those not seen for longest.
      if (fullAt > nowMs) this.#buckets.set(key, fullAt);
    }
    return this.#buckets.size + more < this.#bucketsMax;
  }
}

/** Nothing was taken after all: a demand that would have been met says what is left without it. */
function untaken(demands: readonly Demand[], nowMs: number) {
  return (verdict: Verdict, index: number): Verdict => {
    const demand = demands[index];
    if (!verdict.permitted || demand === undefined) return verdict;
    const fullAt = giveBack(verdict.fullAt, demand.cost, demand.rate);
    return { ...verdict, fullAt, remaining: left(fullAt, demand.rate, nowMs) };
  };
}
