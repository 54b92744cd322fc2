import { type FullAt, left, type Verdict } from './gcra.ts';
import type { Settled } from './limit-store.ts';

/** Points of a bucket that were taken ahead of need, until a time. */
interface Grant {
  points: number;
  readonly untilMs: number;
}

/** Bounds of slices. */
export interface SliceBounds {
  /** How long points may be held. */
  readonly heldMs: number;
  /** Most that is held, as a share of the burst or of the quota. */
  readonly share: number;
}

/** Told of points that a slice can no longer hold. */
type GiveBack = (bucket: Settled, points: number) => void;

/** Growth from one taking to the next: a burst of two calls is not yet a stream of them. */
const GROWTH = 4;

/**
 * What one process holds of one shared bucket, and what it last heard of it.
 * Invariant: no point is used later than `heldMs` after it was asked for; what was held longer is given back.
 */
export class Slice {
  readonly #bounds: SliceBounds;
  readonly #giveBack: GiveBack;
  /** As it was asked for last: rates of plans change. */
  bucket: Settled;
  /** Whether a request for more is under way. */
  isAsking = false;
  /** Points to ask for ahead of need. */
  wanted = 0;
  /** The oldest first; two at most. */
  readonly #grants: Grant[] = [];
  #usedSince = 0;
  #askedAtMs = Number.NEGATIVE_INFINITY;
  /** When what is known of the bucket was asked for. */
  #knownAtMs = Number.NEGATIVE_INFINITY;
  #fullAt: FullAt = 0;
  #quotaLeft = 0;
  #refusedCost = Number.POSITIVE_INFINITY;
  #refusedUntilMs = Number.NEGATIVE_INFINITY;
  #retryAtMs = 0;

  constructor(bucket: Settled, bounds: SliceBounds, giveBack: GiveBack) {
    this.bucket = bucket;
    this.#bounds = bounds;
    this.#giveBack = giveBack;
  }

  /** Points at hand; what can no longer be used is given back. */
  pointsAt(nowMs: number): number {
    for (;;) {
      const oldest = this.#grants[0];
      if (oldest === undefined || (oldest.untilMs > nowMs && oldest.points > 0)) break;
      this.#grants.shift();
      if (oldest.points > 0) this.#giveBack(this.bucket, oldest.points);
    }
    let points = 0;
    for (const grant of this.#grants) points += grant.points;
    return points;
  }

  /** Whether what was last heard of the bucket still counts. */
  isKnownAt(nowMs: number): boolean {
    return nowMs - this.#knownAtMs < this.#bounds.heldMs;
  }

  /** Whether nothing is held and nothing is remembered that matters. */
  isIdleAt(nowMs: number): boolean {
    return !(this.isAsking || this.isKnownAt(nowMs) || nowMs < this.#refusedUntilMs);
  }

  /** Whether so much would be refused: it was a moment ago, and not enough has come back. */
  refusesAt(nowMs: number, cost: number): boolean {
    return nowMs < this.#refusedUntilMs && cost >= this.#refusedCost;
  }

  /** Uses points that are at hand; returns until when they could have been used. */
  use(points: number): number {
    this.#usedSince += points;
    let rest = points;
    let untilMs = Number.POSITIVE_INFINITY;
    for (const grant of this.#grants) {
      if (rest <= 0) break;
      const part = Math.min(grant.points, rest);
      grant.points -= part;
      rest -= part;
      untilMs = Math.min(untilMs, grant.untilMs);
    }
    return untilMs;
  }

  /** Takes back what was used for nothing; false where it can no longer be held. */
  restore(points: number, untilMs: number): boolean {
    const grant = this.#grants.find((each) => each.untilMs === untilMs);
    if (grant === undefined) return false;
    grant.points += points;
    return true;
  }

  /** Whether more should be asked for before it is needed. */
  isLowAt(nowMs: number, points: number): boolean {
    if (this.isAsking || this.wanted < 1 || this.#grants.length > 1) return false;
    const [grant] = this.#grants;
    return (
      points < this.wanted / 2 || (grant !== undefined && grant.untilMs - nowMs < this.#bounds.heldMs / 4)
    );
  }

  /** Points to ask for ahead of need: what was used since the last time would last for half of the time they may be held. */
  ask(bucket: Settled, cost: number, nowMs: number): number {
    this.bucket = bucket;
    const { heldMs, share } = this.#bounds;
    const elapsedMs = Math.max(1, nowMs - this.#askedAtMs);
    const steady = ((this.#usedSince + cost) / elapsedMs) * (heldMs / 2);
    const most = share * (bucket.window?.points ?? bucket.rate.burst);
    const grown = GROWTH * Math.max(this.wanted, cost, 1);
    this.wanted = elapsedMs >= heldMs ? 0 : Math.floor(Math.min(steady, most, grown));
    this.#askedAtMs = nowMs;
    this.#usedSince = cost;
    return this.wanted;
  }

  /** Takes what was given, and notes what was heard. A grant that makes room for it is given back. */
  hear(
    { verdict, extra, cost }: { readonly verdict: Verdict; readonly extra: number; readonly cost: number },
    { askedAtMs, nowMs }: { readonly askedAtMs: number; readonly nowMs: number },
  ): void {
    const { heldMs } = this.#bounds;
    if (askedAtMs >= this.#knownAtMs) {
      this.#knownAtMs = askedAtMs;
      this.#fullAt = nowMs + verdict.fullAt;
      this.#quotaLeft = verdict.remaining;
    }
    if (verdict.permitted) {
      this.#refusedUntilMs = Number.NEGATIVE_INFINITY;
      this.#refusedCost = Number.POSITIVE_INFINITY;
    } else {
      this.#refusedCost = cost;
      this.#retryAtMs = nowMs + verdict.retryAfterMs;
      this.#refusedUntilMs = Math.min(this.#retryAtMs, nowMs + heldMs);
    }
    if (extra <= 0) return;
    if (this.#grants.length > 1) this.#giveBack(this.bucket, this.#grants.shift()?.points ?? 0);
    this.#grants.push({ points: extra, untilMs: askedAtMs + heldMs });
  }

  /** A correction of this process comes: what was refused may be there again. */
  forgive(): void {
    this.#refusedUntilMs = Number.NEGATIVE_INFINITY;
  }

  /** What a caller who is given so much is told without asking anew: what is at hand, and what the bucket is thought to hold. */
  permit(points: number, nowMs: number): Verdict {
    return {
      permitted: true,
      fullAt: this.#fullAt,
      remaining: this.#remaining(points, nowMs),
      retryAfterMs: 0,
    };
  }

  /** What a caller is told who is refused so much as was refused before. */
  refuse(cost: number, nowMs: number): Verdict {
    const { window, rate } = this.bucket;
    const more = window === undefined ? ((cost - this.#refusedCost) * rate.perMs) / rate.points : 0;
    const isPossible = cost <= (window?.points ?? rate.burst);
    return {
      permitted: false,
      fullAt: this.#fullAt,
      remaining: this.#remaining(0, nowMs),
      retryAfterMs: isPossible ? this.#retryAtMs - nowMs + more : Number.POSITIVE_INFINITY,
    };
  }

  #remaining(points: number, nowMs: number): number {
    const { window, rate } = this.bucket;
    const shared = window === undefined ? left(this.#fullAt, rate, nowMs) : this.#quotaLeft;
    return Math.floor(shared + points + 0.001);
  }
}
