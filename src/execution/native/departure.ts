/**
 * A client going away: one listener for all that wait, since one for each costs more than the waiting. It stays for as long as
 * there is the signal, which may be that of a connection and so of many requests.
 */
export class Departure {
  /** Few at a time, in no order. */
  #waiting: (() => void)[] = [];
  #isOver: boolean;

  private constructor(signal: AbortSignal) {
    this.#isOver = signal.aborted;
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
    return this.#isOver;
  }

  /** Calls back once if the client goes, until it is forgotten. */
  watch(onLeave: () => void): void {
    this.#waiting.push(onLeave);
  }

  forget(onLeave: () => void): void {
    const place = this.#waiting.lastIndexOf(onLeave);
    if (place < 0) return;
    const last = this.#waiting.pop();
    if (last !== undefined && last !== onLeave) this.#waiting[place] = last;
  }

  readonly #onAbort = (): void => {
    this.#isOver = true;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const onLeave of waiting) onLeave();
  };
}

const departures = new WeakMap<AbortSignal, Departure>();
