import { giveBack, judge, judgeWindow, type Verdict } from '../../src/metering/gcra.ts';
import {
  type Correction,
  EXTRA_SHARE,
  type SharedBuckets,
  type SharedDemand,
  type SharedTaken,
} from '../../src/metering/shared-buckets.ts';

/** What Redis does for buckets, in this process: the contract holds for both. */
export class SharedModel implements SharedBuckets {
  readonly #now: () => number;
  readonly #fullAt = new Map<string, number>();
  readonly #used = new Map<string, { points: number; endsAt: number }>();
  readonly #batches = new Set<string>();
  readonly #taken = new Map<string, number>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Points that were taken from a bucket and not given back. */
  taken(key: string): number {
    return this.#taken.get(key) ?? 0;
  }

  async take(demands: readonly SharedDemand[]): Promise<SharedTaken> {
    const nowMs = this.#now();
    const state = new Map<string, number>();
    const before = demands.map((demand) => this.#stands(demand, nowMs));
    const verdicts = demands.map((demand, index): Verdict => {
      const known = state.get(demand.key) ?? before[index] ?? 0;
      const verdict = judged(demand, known, nowMs);
      state.set(demand.key, after(demand, known, verdict, demand.cost));
      return verdict;
    });
    const permitted = verdicts.every((verdict) => verdict.permitted);
    const extras = demands.map((demand) => {
      if (!permitted) return 0;
      const known = state.get(demand.key) ?? 0;
      const free = judged({ ...demand, cost: 0 }, known, nowMs).remaining;
      const given = Math.max(0, Math.min(demand.extra, Math.floor(free * EXTRA_SHARE)));
      state.set(demand.key, after(demand, known, { permitted: true }, given));
      return given;
    });
    if (permitted) {
      for (const [index, demand] of demands.entries()) {
        this.#store(demand, state.get(demand.key) ?? 0, nowMs);
        this.#count(demand.key, demand.cost + (extras[index] ?? 0));
      }
    }
    return {
      permitted,
      extras,
      verdicts: verdicts.map((verdict, index) => {
        const demand = demands[index];
        if (demand === undefined) return verdict;
        const shown = permitted ? (state.get(demand.key) ?? 0) : (before[index] ?? 0);
        const { remaining, fullAt } = judged({ ...demand, cost: 0 }, shown, nowMs);
        return { ...verdict, remaining, fullAt: fullAt - nowMs };
      }),
    };
  }

  async settle(corrections: readonly Correction[], batchId: string): Promise<void> {
    if (this.#batches.has(batchId)) return;
    this.#batches.add(batchId);
    const nowMs = this.#now();
    for (const correction of corrections) {
      const { window, points, rate } = correction;
      const known = this.#stands(correction, nowMs);
      this.#count(correction.key, -points);
      this.#store(
        correction,
        window === undefined
          ? Math.min(giveBack(known, points, rate), nowMs + (rate.burst * rate.perMs) / rate.points)
          : Math.max(0, known - points),
        nowMs,
      );
    }
  }

  async close(): Promise<void> {
    this.#fullAt.clear();
  }

  #count(key: string, points: number): void {
    this.#taken.set(key, this.taken(key) + points);
  }

  #stands({ key, window }: Pick<SharedDemand, 'key' | 'window'>, nowMs: number): number {
    if (window === undefined) return Math.max(nowMs, this.#fullAt.get(key) ?? nowMs);
    const used = this.#used.get(key);
    return used === undefined || used.endsAt <= nowMs ? 0 : used.points;
  }

  #store({ key, window }: Pick<SharedDemand, 'key' | 'window'>, stands: number, nowMs: number): void {
    if (window === undefined) this.#fullAt.set(key, stands);
    else this.#used.set(key, { points: stands, endsAt: nowMs + window.leftMs });
  }
}

function judged({ rate, cost, window }: SharedDemand, known: number, nowMs: number): Verdict {
  return window === undefined ? judge(known, cost, rate, nowMs) : judgeWindow(known, cost, window, nowMs);
}

function after(
  { rate, window }: SharedDemand,
  known: number,
  { permitted }: Pick<Verdict, 'permitted'>,
  points: number,
): number {
  if (!permitted) return known;
  return window === undefined ? giveBack(known, -points, rate) : known + points;
}
