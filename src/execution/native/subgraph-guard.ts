export interface GuardOptions {
  /** Share of failing calls at which a subgraph is left alone for a while. Units: percent. */
  readonly failurePercent: number;
  /** Fewer calls than this in a window decide nothing. */
  readonly callsMin: number;
  readonly windowMs: number;
  /** How long nothing is sent before one call may try again. */
  readonly openMs: number;
  /** Share of calls that may be sent a second time. Units: percent. */
  readonly retryPercent: number;
}

/** As what a call is sent: as one of many, or alone, to see whether its subgraph is well again. */
export type Admission = 'call' | 'probe';

/** How a call ended; `left` where its caller went before that was known. */
export type CallOutcome = 'answered' | 'failed' | 'left';

/** Retries that may be used at once after a quiet time, so that a single lost connection is always made good. */
const RETRIES_SAVED_MAX = 10;

/**
 * Watches one subgraph: opens the circuit when too many calls fail, lets one through after a pause to see, and holds
 * retries to a share of the calls, so that neither callers nor the gateway pile up on a subgraph that is down.
 */
export class SubgraphGuard {
  readonly #options: GuardOptions;
  readonly #now: () => number;
  #windowStartMs = 0;
  #calls = 0;
  #failures = 0;
  #openUntilMs = 0;
  #probing = false;
  #retriesSaved = RETRIES_SAVED_MAX;

  /** `now` in milliseconds. */
  constructor(options: GuardOptions, now: () => number) {
    this.#options = options;
    this.#now = now;
  }

  /** Null where a call may not be sent; each admitted call is settled exactly once, as what it was admitted as. */
  admit(): Admission | null {
    if (this.#openUntilMs === 0) return 'call';
    if (this.#probing || this.#now() < this.#openUntilMs) return null;
    this.#probing = true;
    return 'probe';
  }

  /** Tells how an admitted call ended. */
  settle(outcome: CallOutcome, admission: Admission): void {
    if (admission === 'probe') {
      this.#settleProbe(outcome);
      return;
    }
    // Calls that were under way when the circuit opened say nothing new: the probe decides.
    if (this.#openUntilMs !== 0) return;
    if (outcome === 'left') return;
    const now = this.#now();
    if (now - this.#windowStartMs >= this.#options.windowMs) {
      this.#windowStartMs = now;
      this.#calls = 0;
      this.#failures = 0;
    }
    this.#calls += 1;
    this.#retriesSaved = Math.min(RETRIES_SAVED_MAX, this.#retriesSaved + this.#options.retryPercent / 100);
    if (outcome === 'answered') return;
    this.#failures += 1;
    const { callsMin, failurePercent, openMs } = this.#options;
    const tooMany = this.#failures * 100 >= this.#calls * failurePercent;
    if (this.#calls >= callsMin && tooMany) this.#openUntilMs = now + openMs;
  }

  /** Takes one retry from the budget, if there is one. */
  takeRetry(): boolean {
    if (this.#retriesSaved < 1 || this.#openUntilMs !== 0) return false;
    this.#retriesSaved -= 1;
    return true;
  }

  #settleProbe(outcome: CallOutcome): void {
    this.#probing = false;
    if (outcome === 'answered') {
      this.#openUntilMs = 0;
      this.#calls = 0;
      this.#failures = 0;
    } else if (outcome === 'failed') {
      this.#openUntilMs = this.#now() + this.#options.openMs;
    }
  }
}
