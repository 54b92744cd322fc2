import { GatewayError } from '../errors.ts';
import type { BehaviourWatch } from './behaviour-watch.ts';
import { type ConcurrencyPlan, placeDemandsOf } from './concurrency-limits.ts';
import { type FailureLimit, FailureQuestions, type FailureSource, failureDemands } from './failure-limits.ts';
import type { Verdict } from './gcra.ts';
import type { Demand, LimitStore, Taken } from './limit-store.ts';
import type { PlaceDemand, Places } from './places.ts';
import { policyFor, policyOf, standing } from './rate-headers.ts';
import {
  demandsOf,
  type LimitDemand,
  type LimitedCall,
  type QuotaPlan,
  quotaDemandsOf,
  type RateLimit,
  throttledDemands,
} from './rate-limits.ts';
import type { Throttle, Throttles, ThrottleTarget } from './throttles.ts';

/** Points taken before an operation runs. */
export interface Reservation {
  /** Header fields that tell the caller where it stands. */
  readonly headers: Readonly<Record<string, string>>;
  /** Corrects the estimate by what the operation did cost; only the first call counts. */
  settle(actual: number): void;
  /** Gives back the places that it needs while it runs, once it does no more; only the first call counts. */
  release(): void;
}

/** Limits by cost, and of failed authentications. */
export interface RateLimiter {
  /** What tightens limits by what callers do; null where nothing does. */
  readonly behaviour: BehaviourWatch | null;
  /**
   * Takes points for a call from all limits that hold for it, or from none; at once where it need not ask.
   * Throws (or rejects with): RATE_LIMITED, QUOTA_EXHAUSTED.
   */
  reserve(call: LimitedCall): Reservation | Promise<Reservation>;
  /** Takes points for one event of a stream that was reserved for, where events are charged. Throws (or rejects with): as `reserve`. */
  reserveEvent(call: LimitedCall): Reservation | Promise<Reservation>;
  /** Throws (or rejects with): RATE_LIMITED for an address or a credential that failed to authenticate too often. */
  requireFewFailures(source: FailureSource): undefined | Promise<undefined>;
  noteFailure(source: FailureSource): undefined | Promise<undefined>;
  /**
   * Holds every caller of a target to a share of each limit that is for its calls, besides the limits themselves, until a time;
   * factor 1 lets it go. Where no limit is for a call there is nothing to take a share of. For responders of incidents.
   * Units: milliseconds since the epoch. Throws: RangeError, SERVER_OVERLOADED; see Throttles.
   */
  throttle(target: ThrottleTarget, factor: number, untilMs: number): void;
  close(): Promise<void>;
}

const NOTHING: Reservation = Object.freeze({
  headers: Object.freeze({}),
  settle: () => undefined,
  release: () => undefined,
});

/** What a limiter holds callers to, and where it counts. */
export interface RateLimiterOptions {
  readonly limits: readonly RateLimit[];
  readonly quotas: QuotaPlan | null;
  readonly failures: FailureLimit | null;
  /** Whether each event of a subscription takes its estimate. */
  readonly chargesEvents: boolean;
  /** Set by responders of incidents. */
  readonly throttles: Throttles;
  /** Null where limits do not change with what callers do. */
  readonly behaviour: { readonly watch: BehaviourWatch; readonly throttles: Throttles } | null;
  readonly concurrency: ConcurrencyPlan;
  readonly store: LimitStore;
}

/** Limits over a store of buckets. */
export class StoredRateLimiter implements RateLimiter {
  readonly #limits: readonly RateLimit[];
  readonly #quotas: QuotaPlan | null;
  readonly #failures: { readonly limit: FailureLimit; readonly questions: FailureQuestions } | null;
  readonly #chargesEvents: boolean;
  readonly behaviour: BehaviourWatch | null;
  readonly #throttles: Throttles;
  readonly #byBehaviour: Throttles | null;
  readonly #concurrency: ConcurrencyPlan;
  readonly #store: LimitStore;
  /** The limits of the configuration, and what is said of them. */
  readonly #policy: { readonly limits: readonly RateLimit[]; readonly text: string };

  constructor(options: RateLimiterOptions) {
    const { limits, quotas, failures, throttles, concurrency, store } = options;
    this.#chargesEvents = options.chargesEvents;
    this.#limits = limits;
    this.#quotas = quotas;
    this.#failures =
      failures === null ? null : { limit: failures, questions: new FailureQuestions(failures) };
    this.#throttles = throttles;
    this.behaviour = options.behaviour?.watch ?? null;
    this.#byBehaviour = options.behaviour?.throttles ?? null;
    this.#concurrency = concurrency;
    this.#store = store;
    this.#policy = { limits, text: limits.map(policyOf).join(', ') };
  }

  reserve(call: LimitedCall): Reservation | Promise<Reservation> {
    const { limits, places } = this.#concurrency;
    const needed = placeDemandsOf(call, limits);
    if (needed.length === 0) return this.#reservePoints(call);
    return once<Places, Reservation>(places.acquire(needed), (taken) => {
      if (!taken.permitted) throw crowded(taken.refusing);
      return whilePlaced(taken.release, () => this.#reservePoints(call));
    });
  }

  #reservePoints(call: LimitedCall): Reservation | Promise<Reservation> {
    const demands = demandsOf(call, this.#limits);
    const throttles = this.#throttlesOf(call);
    if (throttles.length > 0) demands.push(...throttledDemands(demands, throttles));
    if (this.#quotas !== null) demands.push(...quotaDemandsOf(call, this.#quotas));
    if (demands.length === 0) return NOTHING;
    return once(this.#store.take(demands), (taken) => this.#reserved(call.points, demands, taken));
  }

  reserveEvent(call: LimitedCall): Reservation | Promise<Reservation> {
    return this.#chargesEvents ? this.#reservePoints(call) : NOTHING;
  }

  requireFewFailures(source: FailureSource): undefined | Promise<undefined> {
    if (this.#failures === null) return undefined;
    // A point is asked for and not taken: only failures cost.
    const demands = this.#failures.questions.of(source);
    return once(this.#store.take(demands), (taken) => requireOneLeft(taken, demands));
  }

  noteFailure(source: FailureSource): undefined | Promise<undefined> {
    if (this.#failures === null) return undefined;
    const taken = failureDemands(source, this.#failures.limit, 1).map((demand) => this.#store.take([demand]));
    // Each by itself: an address that has none left counts against the credential all the same.
    const waiting = taken.filter((each) => each instanceof Promise);
    return waiting.length === 0 ? undefined : Promise.all(waiting).then(() => undefined);
  }

  throttle(target: ThrottleTarget, factor: number, untilMs: number): void {
    this.#throttles.set(target, factor, untilMs);
  }

  async close(): Promise<void> {
    await this.#concurrency.places.close();
    await this.#store.close();
  }

  #throttlesOf(call: LimitedCall): readonly Throttle[] {
    const set = this.#throttles.of(call);
    if (this.#byBehaviour === null || this.#byBehaviour.size === 0) return set;
    return [...set, ...this.#byBehaviour.of(call)];
  }

  #reserved(points: number, demands: readonly LimitDemand[], { permitted, verdicts }: Taken): Reservation {
    const headers = {
      'ratelimit-policy': policyFor(demands, this.#policy),
      ratelimit: standing(demands, verdicts),
    };
    if (!permitted) throw limited(demands, verdicts, headers);
    const byCost = demands.every(isByCost) ? demands : demands.filter(isByCost);
    let isSettled = byCost.length === 0;
    return {
      headers,
      settle: (actual) => {
        if (isSettled) return;
        isSettled = true;
        if (actual !== points) this.#store.settle(byCost, points - actual);
      },
      release: () => undefined,
    };
  }
}

const isByCost = (demand: LimitDemand): boolean => demand.isByCost;

/** Goes on with what is there, or with what comes. */
function once<Given, Made>(
  given: Given | Promise<Given>,
  next: (value: Given) => Made | Promise<Made>,
): Made | Promise<Made> {
  return given instanceof Promise ? given.then(next) : next(given);
}

/** Points for a call that has its places; without them it gives the places back. */
function whilePlaced(
  release: () => void,
  reserve: () => Reservation | Promise<Reservation>,
): Reservation | Promise<Reservation> {
  const placed = (reservation: Reservation): Reservation => ({ ...reservation, release });
  const refuse = (refusal: unknown): never => {
    release();
    throw refusal;
  };
  try {
    const reservation = reserve();
    return reservation instanceof Promise ? reservation.then(placed, refuse) : placed(reservation);
  } catch (refusal) {
    return refuse(refusal);
  }
}

/** When a place gets free nobody knows: who comes back in a second finds out. */
function crowded(refusing: readonly PlaceDemand[]): GatewayError {
  return new GatewayError('RATE_LIMITED', {
    headers: { 'retry-after': '1' },
    extensions: { limits: [...new Set(refusing.map(({ name }) => name))] },
  });
}

function requireOneLeft({ verdicts }: Taken, demands: readonly Demand[]): undefined {
  let waitSeconds = 0;
  for (let index = 0; index < demands.length; index += 1) {
    const rate = demands[index]?.rate;
    if (rate === undefined || (verdicts[index]?.remaining ?? 1) >= 1) continue;
    waitSeconds = Math.max(waitSeconds, Math.ceil(rate.perMs / rate.points / 1000));
  }
  if (waitSeconds > 0)
    throw new GatewayError('RATE_LIMITED', { headers: { 'retry-after': String(waitSeconds) } });
  return undefined;
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
