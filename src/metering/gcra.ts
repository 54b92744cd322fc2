/** A limit: points come back evenly, and as many as `burst` can be saved up. */
export interface Rate {
  readonly points: number;
  readonly perMs: number;
  readonly burst: number;
}

/**
 * Where a bucket stands: the time at which it is full again. An empty one is `burst` points of time ahead of now.
 * Units: milliseconds, fractions included, on the clock that is passed in.
 * Source: the generic cell rate algorithm in its virtual scheduling form (ITU-T I.371).
 */
export type FullAt = number;

/** What a bucket would say to a request. */
export interface Verdict {
  readonly permitted: boolean;
  /** The state after the request; that before it where it is not permitted. */
  readonly fullAt: FullAt;
  /** Whole points left. */
  readonly remaining: number;
  /** Time until the same request would be permitted; infinite where it never can be. */
  readonly retryAfterMs: number;
}

/** Time in which one point comes back. */
function interval({ points, perMs }: Rate): number {
  return perMs / points;
}

/** Judges one request; a clock that steps back finds the bucket as it was, never fuller. */
export function judge(fullAt: FullAt | undefined, cost: number, rate: Rate, nowMs: number): Verdict {
  const each = interval(rate);
  const depth = rate.burst * each;
  // What a clock that stepped back left in the future is not more than empty.
  const known = Math.min(fullAt ?? nowMs, nowMs + depth);
  const from = Math.max(known, nowMs);
  const next = from + cost * each;
  const over = next - (nowMs + depth);
  // A thousandth of a point is rounding, not a request.
  if (over <= each / 1000)
    return { permitted: true, fullAt: next, remaining: left(next, rate, nowMs), retryAfterMs: 0 };
  return {
    permitted: false,
    fullAt: from,
    remaining: left(from, rate, nowMs),
    retryAfterMs: cost > rate.burst ? Number.POSITIVE_INFINITY : over,
  };
}

/** Judges one request on a quota, of which so much was used. */
export function judgeWindow(
  used: number,
  cost: number,
  { points, leftMs }: { readonly points: number; readonly leftMs: number },
  nowMs: number,
): Verdict {
  const fullAt = nowMs + leftMs;
  const next = used + cost;
  // A thousandth of a point is rounding here too.
  const permitted = next <= points + 0.001;
  const remaining = Math.max(0, Math.floor(points - (permitted ? next : used) + 0.001));
  if (permitted) return { permitted, fullAt, remaining, retryAfterMs: 0 };
  return { permitted, fullAt, remaining, retryAfterMs: cost > points ? Number.POSITIVE_INFINITY : leftMs };
}

/** Whole points that a bucket has. */
export function left(fullAt: FullAt, rate: Rate, nowMs: number): number {
  const each = interval(rate);
  const points = rate.burst - (fullAt - nowMs) / each;
  return Math.max(0, Math.min(rate.burst, Math.floor(points + 0.001)));
}

/** The state after points are given back, or taken past empty where they are negative. */
export function giveBack(fullAt: FullAt, points: number, rate: Rate): FullAt {
  return fullAt - points * interval(rate);
}
