/**
 * A client going away: one listener for all that wait, since one for each costs more than the waiting. It stays for as long as
 * there is the signal, which may be that of a connection and so of many requests.
 */
export class Departure {
  readonly #signal: AbortSignal;
  readonly #waiting = new Set<() => void>();

  private constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** The departure that a signal tells of. */
  static of(signal: AbortSignal): Departure {
    const known = departures.get(signal);
    if (known !== undefined) return known;
    const departure = new Departure(signal);
    departures.set(signal, departure);
    return departure;
  }

  get isOver(): boolean {
    return this.#signal.aborted;
  }

  /** Calls back once if the client goes, until it is forgotten. */
  watch(onLeave: () => void): void {
    this.#waiting.add(onLeave);
  }

  forget(onLeave: () => void): void {
    this.#waiting.delete(onLeave);
  }

  readonly #onAbort = (): void => {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const onLeave of waiting) onLeave();
  };
}

const departures = new WeakMap<AbortSignal, Departure>();
