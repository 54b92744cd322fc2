/** The client of one execution going away: one listener for all that wait, since one for each costs more than the waiting. */
export class Departure {
  readonly #signal: AbortSignal;
  readonly #waiting = new Set<() => void>();
  #listening = false;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  get isOver(): boolean {
    return this.#signal.aborted;
  }

  /** Calls back once if the client goes, until it is forgotten. */
  watch(onLeave: () => void): void {
    this.#waiting.add(onLeave);
    if (this.#listening) return;
    this.#listening = true;
    this.#signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  forget(onLeave: () => void): void {
    this.#waiting.delete(onLeave);
  }

  /** The execution is over: nobody waits any more. */
  end(): void {
    if (this.#listening) this.#signal.removeEventListener('abort', this.#onAbort);
  }

  readonly #onAbort = (): void => {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const onLeave of waiting) onLeave();
  };
}
