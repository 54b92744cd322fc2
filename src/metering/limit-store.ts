import { type FullAt, giveBack, judge, judgeWindow, left, type Rate, type Verdict } from './gcra.ts';

/** A quota: so many points until a time, and none comes back before. */
export interface Window {
  readonly points: number;
  /** Time until it ends. */
  readonly leftMs: number;
}

/** One bucket that a request takes points from. */
export interface Demand {
  /** Names the bucket; bounded in length. */
  readonly key: string;
  /** Buckets of one slot can be taken from at once in a cluster: those of one tenant; any other bucket is its own. */
  readonly slot: string;
  readonly rate: Rate;
  readonly cost: number;
  /** In place of the rate, for a quota; the key names its day or month. */
  readonly window?: Window;
}

/** What a store says to all demands of one request, in their order. */
export interface Taken {
  readonly permitted: boolean;
  readonly verdicts: readonly Verdict[];
}

/** A demand that was met. */
export type Settled = Pick<Demand, 'key' | 'slot' | 'rate' | 'window'>;

/** Where buckets stand. */
export interface LimitStore {
  /** Takes all or none. */
  take(demands: readonly Demand[]): Taken | Promise<Taken>;
  /** Gives points back, or takes more where they are negative; a bucket that is not known is full. */
  settle(demands: readonly Settled[], points: number): void;
  close(): Promise<void>;
}

const NO_DEMAND: Demand = { key: '', slot: '', rate: { points: 1, perMs: 1, burst: 1 }, cost: 0 };

/** Buckets looked at for one that is full, when there is no room for another. */
const LOOKED_AT = 64;

/**
 * Buckets of one process. Only a full bucket is forgotten: it says the same as none. Where there is no room for a new one,
 * what needs it is not permitted, since forgetting an empty one would let its caller start anew.
 */
export class MemoryLimitStore implements LimitStore {
  readonly #buckets = new Map<string, FullAt>();
  /** Points taken from quotas, whose bucket is full again when they end. */
  readonly #used = new Map<string, number>();
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
    let permitted = true;
    for (const demand of demands) {
      const verdict = this.#judge(demand, demands, { verdicts, nowMs });
      verdicts.push(verdict);
      if (!verdict.permitted) permitted = false;
    }
    if (!permitted) return { permitted, verdicts: verdicts.map(untaken(demands, nowMs)) };
    for (let index = 0; index < demands.length; index += 1) {
      const { key, cost, window } = demands[index] ?? NO_DEMAND;
      const fullAt = verdicts[index]?.fullAt ?? 0;
      if (window !== undefined) this.#used.set(key, this.#usedOf(key, nowMs) + cost);
      // A full bucket says the same as none.
      if (fullAt > nowMs) this.#buckets.set(key, fullAt);
    }
    return { permitted, verdicts };
  }

  /** Judges one demand after those before it, which may be of the same bucket. */
  #judge(
    { key, rate, cost, window }: Demand,
    demands: readonly Demand[],
    { verdicts, nowMs }: { readonly verdicts: readonly Verdict[]; readonly nowMs: number },
  ): Verdict {
    let known = this.#buckets.get(key);
    let before = 0;
    for (let index = 0; index < verdicts.length; index += 1) {
      const verdict = verdicts[index];
      if (verdict === undefined || demands[index]?.key !== key) continue;
      known = verdict.fullAt;
      if (verdict.permitted) before += demands[index]?.cost ?? 0;
    }
    if (known === undefined && !this.#hasRoom(verdicts.length, nowMs))
      return { permitted: false, fullAt: nowMs, remaining: 0, retryAfterMs: rate.perMs };
    if (window === undefined) return judge(known, cost, rate, nowMs);
    return judgeWindow(this.#usedOf(key, nowMs) + before, cost, window, nowMs);
  }

  settle(demands: readonly Settled[], points: number): void {
    const nowMs = this.#now();
    for (const { key, rate, window } of demands) {
      const known = this.#buckets.get(key);
      if (known === undefined && (points > 0 || !this.#hasRoom(0, nowMs))) continue;
      if (window === undefined) {
        // A bucket that has been full for a while gives no more than it can hold.
        this.#buckets.set(key, giveBack(Math.max(known ?? nowMs, nowMs), points, rate));
      } else {
        this.#buckets.set(key, known ?? nowMs + window.leftMs);
        this.#used.set(key, Math.max(0, this.#usedOf(key, nowMs) - points));
      }
    }
  }

  /** What ended is as if it had never been. */
  #usedOf(key: string, nowMs: number): number {
    const endsAt = this.#buckets.get(key);
    return endsAt === undefined || endsAt <= nowMs ? 0 : (this.#used.get(key) ?? 0);
  }

  async close(): Promise<void> {
    this.#buckets.clear();
    this.#used.clear();
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
      else this.#used.delete(key);
    }
    return this.#buckets.size + more < this.#bucketsMax;
  }
}

/** Nothing was taken after all: a demand that would have been met says what is left without it. */
function untaken(demands: readonly Demand[], nowMs: number) {
  return (verdict: Verdict, index: number): Verdict => {
    const demand = demands[index];
    if (!verdict.permitted || demand === undefined) return verdict;
    if (demand.window !== undefined) return { ...verdict, remaining: verdict.remaining + demand.cost };
    const fullAt = giveBack(verdict.fullAt, demand.cost, demand.rate);
    return { ...verdict, fullAt, remaining: left(fullAt, demand.rate, nowMs) };
  };
}
