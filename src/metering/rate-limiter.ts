import { GatewayError } from '../errors.ts';
import type { Verdict } from './gcra.ts';
import type { LimitStore } from './limit-store.ts';
import {
  demandsOf,
  type LimitDemand,
  type LimitedCall,
  PLAN_LIMIT,
  type QuotaPlan,
  quotaDemandsOf,
  type RateLimit,
  throttledDemands,
} from './rate-limits.ts';
import type { Throttles, ThrottleTarget } from './throttles.ts';

/** Points taken before an operation runs. */
export interface Reservation {
  /** Header fields that tell the caller where it stands. */
  readonly headers: Readonly<Record<string, string>>;
  /** Corrects the estimate by what the operation did cost; only the first call counts. */
  settle(actual: number): void;
}

/** Failed authentications of one address before it has to wait. */
export interface FailureLimit {
  readonly failures: number;
  readonly perMs: number;
}

/** Limits by cost, and of failed authentications. */
export interface RateLimiter {
  /** Takes points for a call from all limits that hold for it, or from none. Throws: RATE_LIMITED, QUOTA_EXHAUSTED. */
  reserve(call: LimitedCall): Promise<Reservation>;
  /** Throws: RATE_LIMITED for an address that failed to authenticate too often. */
  requireFewFailures(remoteAddress: string): Promise<void>;
  noteFailure(remoteAddress: string): Promise<void>;
  /**
   * Holds every caller of a target to a share of each limit that is for its calls, besides the limits themselves, until a time;
   * factor 1 lets it go. Where no limit is for a call there is nothing to take a share of. For responders of incidents.
   * Units: milliseconds since the epoch. Throws: RangeError, SERVER_OVERLOADED; see Throttles.
   */
  throttle(target: ThrottleTarget, factor: number, untilMs: number): void;
  close(): Promise<void>;
}

const NOTHING: Reservation = Object.freeze({ headers: Object.freeze({}), settle: () => undefined });

/** What a limiter holds callers to, and where it counts. */
export interface RateLimiterOptions {
  readonly limits: readonly RateLimit[];
  readonly quotas: QuotaPlan | null;
  readonly failures: FailureLimit | null;
  readonly throttles: Throttles;
  readonly store: LimitStore;
}

/** Limits over a store of buckets. */
export class StoredRateLimiter implements RateLimiter {
  readonly #limits: readonly RateLimit[];
  readonly #quotas: QuotaPlan | null;
  readonly #failures: FailureLimit | null;
  readonly #throttles: Throttles;
  readonly #store: LimitStore;
  readonly #policy: string;

  constructor({ limits, quotas, failures, throttles, store }: RateLimiterOptions) {
    this.#limits = limits;
    this.#quotas = quotas;
    this.#failures = failures;
    this.#throttles = throttles;
    this.#store = store;
    this.#policy = limits.map(policyOf).join(', ');
  }

  async reserve(call: LimitedCall): Promise<Reservation> {
    const demands = demandsOf(call, this.#limits);
    if (this.#throttles.size > 0) demands.push(...throttledDemands(demands, this.#throttles.of(call)));
    if (this.#quotas !== null) demands.push(...quotaDemandsOf(call, this.#quotas));
    if (demands.length === 0) return NOTHING;
    const { permitted, verdicts } = await this.#store.take(demands);
    const headers = { 'ratelimit-policy': this.#policyFor(demands), ratelimit: standing(demands, verdicts) };
    if (!permitted) throw limited(demands, verdicts, headers);
    const byCost = demands.filter(({ isByCost }) => isByCost);
    let isSettled = byCost.length === 0;
    return {
      headers,
      settle: (actual) => {
        if (isSettled) return;
        isSettled = true;
        if (actual !== call.points) this.#store.settle(byCost, call.points - actual);
      },
    };
  }

  async requireFewFailures(remoteAddress: string): Promise<void> {
    const demand = this.#failureDemand(remoteAddress, 0);
    if (demand === null) return;
    // A point is asked for and not taken: only failures cost.
    const { verdicts } = await this.#store.take([demand]);
    const [verdict] = verdicts;
    if (verdict === undefined || verdict.remaining >= 1) return;
    const waitSeconds = Math.ceil(demand.rate.perMs / demand.rate.points / 1000);
    throw new GatewayError('RATE_LIMITED', { headers: { 'retry-after': String(waitSeconds) } });
  }

  async noteFailure(remoteAddress: string): Promise<void> {
    const demand = this.#failureDemand(remoteAddress, 1);
    if (demand !== null) await this.#store.take([demand]);
  }

  throttle(target: ThrottleTarget, factor: number, untilMs: number): void {
    this.#throttles.set(target, factor, untilMs);
  }

  close(): Promise<void> {
    return this.#store.close();
  }

  /** What the configuration says, with what holds for this caller in its place, and the plans and quotas of this call. */
  #policyFor(demands: readonly LimitDemand[]): string {
    const own = new Map<string, RateLimit>();
    for (const { limit, window } of demands) {
      const isOwn = limit.ofRole !== undefined || limit.isThrottled === true;
      if (isOwn || limit.name === PLAN_LIMIT || window !== undefined) own.set(limit.name, limit);
    }
    if (own.size === 0) return this.#policy;
    const policies = this.#limits.map((limit) => own.get(limit.name) ?? limit);
    for (const { name } of this.#limits) own.delete(name);
    return [...policies, ...own.values()].map(policyOf).join(', ');
  }

  #failureDemand(remoteAddress: string, cost: number) {
    if (this.#failures === null) return null;
    const { failures, perMs } = this.#failures;
    const rate = { points: failures, burst: failures, perMs };
    return { key: JSON.stringify(['failures', remoteAddress]).slice(0, 200), rate, cost };
  }
}

function policyOf({ name, burst, perMs }: RateLimit): string {
  return `"${name}";q=${Math.floor(burst)};w=${Math.ceil(perMs / 1000)}`;
}

/** Source: draft-ietf-httpapi-ratelimit-headers, `r` what is left and `t` seconds until something comes back. */
function standing(demands: readonly LimitDemand[], verdicts: readonly Verdict[]): string {
  const items = new Map<string, { readonly text: string; readonly remaining: number }>();
  for (const [index, { limit, window }] of demands.entries()) {
    const verdict = verdicts[index];
    const known = items.get(limit.name);
    // Of several buckets of one limit the emptiest.
    if (verdict === undefined || (known !== undefined && known.remaining <= verdict.remaining)) continue;
    const { remaining } = verdict;
    const seconds = Math.ceil((window?.leftMs ?? limit.perMs / limit.points) / 1000);
    items.set(limit.name, { text: `"${limit.name}";r=${remaining};t=${seconds}`, remaining });
  }
  return [...items.values()].map(({ text }) => text).join(', ');
}

function limited(
  demands: readonly LimitDemand[],
  verdicts: readonly Verdict[],
  headers: Readonly<Record<string, string>>,
): GatewayError {
  const refusing = demands.flatMap(({ limit, window }, index) => {
    const verdict = verdicts[index];
    return verdict === undefined || verdict.permitted
      ? []
      : [{ limit, window, retryAfterMs: verdict.retryAfterMs }];
  });
  const waitMs = Math.max(...refusing.map(({ retryAfterMs }) => retryAfterMs));
  const isPossible = Number.isFinite(waitMs);
  const isQuota = refusing.some(({ window }) => window !== undefined);
  return new GatewayError(isQuota ? 'QUOTA_EXHAUSTED' : 'RATE_LIMITED', {
    headers: {
      ...headers,
      ...(isPossible ? { 'retry-after': String(Math.max(1, Math.ceil(waitMs / 1000))) } : {}),
    },
    extensions: { limits: [...new Set(refusing.map(({ limit }) => limit.name))] },
  });
}
