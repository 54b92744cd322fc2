/** When the shared store is given up, and when it is asked again. */
export interface OutageOptions {
  /** How long it is left alone after a failure, up to a half more or less by `random`. */
  readonly probeAfterMs: number;
  /** Units: milliseconds of a clock that does not step back. */
  readonly now: () => number;
  /** From 0 up to 1: gateways that lost Redis together do not ask for it together. */
  readonly random: () => number;
  /** Told once when the shared store is lost, with the cause, and once when it is back. */
  readonly alarm: (state: 'lost' | 'back', cause?: unknown) => void;
}

/**
 * Whether the shared store is out of reach.
 * Invariant: after a failure one call at a time asks it, and the others do not wait for that one.
 */
export class Outage {
  readonly #options: OutageOptions;
  #wasLost = false;
  #isLost = false;
  #isProbing = false;
  #probeAtMs = 0;

  constructor(options: OutageOptions) {
    this.#options = options;
  }

  /** Whether it ever was. */
  get wasLost(): boolean {
    return this.#wasLost;
  }

  /** Asks the shared store; what holds without it is the answer where it is lost or fails. */
  ask<T>(question: () => T | Promise<T>, otherwise: () => T | Promise<T>): T | Promise<T> {
    if (!this.#isLost) {
      const answer = question();
      return answer instanceof Promise ? this.#orElse(answer, otherwise) : answer;
    }
    if (this.#isProbing || this.#options.now() < this.#probeAtMs) return otherwise();
    return this.#probe(question, otherwise);
  }

  async #orElse<T>(answer: Promise<T>, otherwise: () => T | Promise<T>): Promise<T> {
    try {
      return await answer;
    } catch (cause) {
      this.#leaveAlone();
      if (!this.#isLost) {
        this.#isLost = true;
        this.#wasLost = true;
        this.#options.alarm('lost', cause);
      }
      return otherwise();
    }
  }

  async #probe<T>(question: () => T | Promise<T>, otherwise: () => T | Promise<T>): Promise<T> {
    this.#isProbing = true;
    try {
      const answer = question();
      const answered = await answer;
      // What was at hand says nothing of the store.
      if (answer instanceof Promise) {
        this.#isLost = false;
        this.#options.alarm('back');
      }
      return answered;
    } catch {
      this.#leaveAlone();
      return otherwise();
    } finally {
      this.#isProbing = false;
    }
  }

  #leaveAlone(): void {
    const { now, random, probeAfterMs } = this.#options;
    this.#probeAtMs = now() + probeAfterMs * (0.5 + random());
  }
}
