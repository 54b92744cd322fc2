import type { Verdict } from './gcra.ts';
import type { Demand, LimitStore, Settled, Taken } from './limit-store.ts';
import type { SettlementQueue } from './settlement-queue.ts';
import type { SharedBuckets, SharedTaken } from './shared-buckets.ts';
import { Slice, type SliceBounds } from './slice.ts';

/** What slices are taken from, and their bounds. */
export interface LeasedOptions extends SliceBounds {
  readonly shared: SharedBuckets;
  readonly queue: SettlementQueue;
  /** Buckets that slices are held of; of more, each call asks. */
  readonly slicesMax: number;
  /** Units: milliseconds of a clock that does not step back. */
  readonly now: () => number;
}

const REFILLS_MAX = 64;

/** One demand of a call, and where it is met. */
interface Part {
  readonly demand: Demand;
  /** Null where there is no room for one. */
  readonly slice: Slice | null;
  /** Until when what is held for it could have been used; null where the shared bucket is asked. */
  readonly heldUntilMs: number | null;
  /** Asked for ahead of need. */
  readonly extra: number;
}

/**
 * Shared buckets, of which each process takes slices ahead of need: a call waits only where its slice is short.
 * Invariant: every point was taken from the shared bucket before it is used, and at most `heldMs` before. So all processes
 * together admit in any window what the bucket admits in one that is `heldMs` longer: `rate × heldMs` more, and of quotas nothing.
 */
export class LeasedLimitStore implements LimitStore {
  readonly #options: LeasedOptions;
  /** Those asked for last are at the end. */
  readonly #slices = new Map<string, Slice>();
  /** Slices that are to be filled up. */
  readonly #low: Slice[] = [];
  readonly #sweeper: NodeJS.Timeout;
  readonly #giveBack = (bucket: Settled, points: number): void => this.#options.queue.add(bucket, points);

  constructor(options: LeasedOptions) {
    this.#options = options;
    this.#sweeper = setInterval(() => this.sweep(), options.heldMs / 2);
    this.#sweeper.unref();
  }

  get size(): number {
    return this.#slices.size;
  }

  take(demands: readonly Demand[]): Taken | Promise<Taken> {
    const nowMs = this.#options.now();
    const slices: Slice[] = [];
    let isAtHand = true;
    for (const { key, cost } of demands) {
      const slice = this.#slices.get(key);
      if (slice === undefined) isAtHand = false;
      else if (slice.refusesAt(nowMs, cost)) return this.#refused(demands, nowMs);
      else if (isAtHand) isAtHand = this.#holds(slice, cost + costBefore(slice, slices, demands), nowMs);
      if (slice !== undefined) slices.push(slice);
    }
    if (!isAtHand) return this.#ask(demands, nowMs);
    const verdicts: Verdict[] = [];
    for (let index = 0; index < slices.length; index += 1) {
      const slice = slices[index];
      const cost = demands[index]?.cost ?? 0;
      if (slice !== undefined) verdicts.push(this.#use(slice, cost, nowMs));
    }
    return { permitted: true, verdicts };
  }

  settle(demands: readonly Settled[], points: number): void {
    for (const demand of demands) {
      if (points > 0) this.#slices.get(demand.key)?.forgive();
      this.#options.queue.add(demand, points);
    }
  }

  /** Gives back what was held too long, and forgets what is not used. */
  sweep(): void {
    const nowMs = this.#options.now();
    for (const [key, slice] of this.#slices) {
      // Whoever was asked for later holds later.
      if (!slice.isIdleAt(nowMs)) break;
      slice.pointsAt(nowMs);
      this.#slices.delete(key);
    }
  }

  async close(): Promise<void> {
    clearInterval(this.#sweeper);
    for (const slice of this.#slices.values()) slice.pointsAt(Number.POSITIVE_INFINITY);
    this.#slices.clear();
    await this.#options.queue.close();
    await this.#options.shared.close();
  }

  #use(slice: Slice, cost: number, nowMs: number): Verdict {
    slice.use(cost);
    const points = slice.pointsAt(nowMs);
    if (slice.isLowAt(nowMs, points)) this.#refill(slice, nowMs);
    return slice.permit(points, nowMs);
  }

  #holds(slice: Slice, cost: number, nowMs: number): boolean {
    return cost > 0 ? slice.pointsAt(nowMs) >= cost : slice.isKnownAt(nowMs);
  }

  #refused(demands: readonly Demand[], nowMs: number): Taken {
    const verdicts = demands.map(({ key, rate, window, cost }) => {
      const slice = this.#slices.get(key);
      if (slice?.refusesAt(nowMs, cost) === true) return slice.refuse(cost, nowMs);
      if (slice !== undefined) return slice.permit(slice.pointsAt(nowMs), nowMs);
      return { permitted: true, fullAt: nowMs, remaining: window?.points ?? rate.burst, retryAfterMs: 0 };
    });
    return { permitted: false, verdicts };
  }

  /** Holds what is at hand, and asks the shared buckets for the rest. */
  async #ask(demands: readonly Demand[], askedAtMs: number): Promise<Taken> {
    const parts = demands.map((demand) => this.#part(demand, askedAtMs));
    const asked = parts.filter(({ heldUntilMs }) => heldUntilMs === null);
    try {
      const taken = await this.#options.shared.take(asked.map(({ demand, extra }) => ({ ...demand, extra })));
      this.#hear(asked, taken, askedAtMs);
      if (!taken.permitted) this.#restore(parts);
      return this.#told(parts, taken);
    } catch (cause) {
      this.#restore(parts);
      throw cause;
    } finally {
      for (const { slice, extra } of asked) if (slice !== null && extra > 0) slice.isAsking = false;
    }
  }

  #part(demand: Demand, nowMs: number): Part {
    const slice = this.#sliceFor(demand);
    if (slice === null) return { demand, slice, heldUntilMs: null, extra: 0 };
    if (this.#holds(slice, demand.cost, nowMs))
      return { demand, slice, heldUntilMs: slice.use(demand.cost), extra: 0 };
    const extra = slice.isAsking ? 0 : slice.ask(demand, demand.cost, nowMs);
    slice.isAsking ||= extra > 0;
    return { demand, slice, heldUntilMs: null, extra };
  }

  #sliceFor(demand: Demand): Slice | null {
    const known = this.#slices.get(demand.key);
    if (known !== undefined) return known;
    if (this.#slices.size >= this.#options.slicesMax) return null;
    const slice = new Slice(demand, this.#options, this.#giveBack);
    this.#slices.set(demand.key, slice);
    return slice;
  }

  #hear(asked: readonly Part[], { verdicts, extras }: SharedTaken, askedAtMs: number): void {
    const times = { askedAtMs, nowMs: this.#options.now() };
    for (const [index, { demand, slice }] of asked.entries()) {
      const verdict = verdicts[index];
      if (verdict === undefined || slice === null) continue;
      const heard = { verdict, extra: extras[index] ?? 0, cost: demand.cost };
      slice.hear(heard, times);
      this.#slices.delete(demand.key);
      this.#slices.set(demand.key, slice);
    }
  }

  #restore(parts: readonly Part[]): void {
    for (const { demand, slice, heldUntilMs } of parts) {
      if (slice === null || heldUntilMs === null) continue;
      if (!slice.restore(demand.cost, heldUntilMs)) this.#options.queue.add(demand, demand.cost);
    }
  }

  /** The answer to all demands, in their order: what slices held, and what was asked. */
  #told(parts: readonly Part[], { permitted, verdicts }: SharedTaken): Taken {
    const nowMs = this.#options.now();
    let next = 0;
    const told = parts.map(({ slice, heldUntilMs }): Verdict => {
      const points = slice === null ? 0 : slice.pointsAt(nowMs);
      if (slice !== null && heldUntilMs !== null) return slice.permit(points, nowMs);
      const verdict = verdicts[next];
      next += 1;
      if (verdict === undefined) throw new TypeError('the shared buckets answer every demand');
      return { ...verdict, remaining: verdict.remaining + Math.floor(points) };
    });
    return { permitted, verdicts: told };
  }

  /** Asks for more before it is needed: once for each bucket at a time, and for all that are low together. */
  #refill(slice: Slice, nowMs: number): void {
    if (slice.ask(slice.bucket, 0, nowMs) < 1) return;
    slice.isAsking = true;
    this.#low.push(slice);
    if (this.#low.length === 1) setImmediate(() => void this.#refillAll());
  }

  async #refillAll(): Promise<void> {
    const low = this.#low.splice(0, REFILLS_MAX);
    if (this.#low.length > 0) setImmediate(() => void this.#refillAll());
    const askedAtMs = this.#options.now();
    const asked = low.map((slice): Part => {
      return { demand: { ...slice.bucket, cost: 0 }, slice, heldUntilMs: null, extra: slice.wanted };
    });
    try {
      const taken = await this.#options.shared.take(asked.map(({ demand, extra }) => ({ ...demand, extra })));
      this.#hear(asked, taken, askedAtMs);
    } catch {
      // The next call that is short asks by itself, and tells what came of it.
    } finally {
      for (const slice of low) slice.isAsking = false;
    }
  }
}

/** What demands before need of the same slice; as many slices as there were demands. */
function costBefore(slice: Slice, slices: readonly Slice[], demands: readonly Demand[]): number {
  let cost = 0;
  for (let index = 0; index < slices.length; index += 1)
    if (slices[index] === slice) cost += demands[index]?.cost ?? 0;
  return cost;
}
