/** What must not go on past its time. */
export interface Expiring {
  /** Units: milliseconds of the clock that watches. */
  readonly untilMs: number;
  /** Told once its time is over, unless it was forgotten before. */
  expire(): void;
  /** Kept by who watches: where it stands among what is watched. */
  place?: number;
}

/** How late something may end; reason: one timer for all instead of one for each, which costs as much as all else about a wait. */
const SWEEP_MS = 20;

/** Ends what runs when its time is over. */
export class Deadlines {
  /** In no order: a set costs four times as much, since almost all is forgotten as soon as it is watched. */
  readonly #watched: Expiring[] = [];
  readonly #now: () => number;
  #timer: NodeJS.Timeout | null = null;

  /** `now` in milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Watches until it is forgotten or over. */
  watch(expiring: Expiring): void {
    expiring.place = this.#watched.push(expiring) - 1;
    this.#timer ??= setTimeout(this.#sweep, SWEEP_MS);
  }

  forget(expiring: Expiring): void {
    const { place } = expiring;
    if (place === undefined || this.#watched[place] !== expiring) return;
    const last = this.#watched.pop() as Expiring;
    if (last === expiring) return;
    this.#watched[place] = last;
    last.place = place;
  }

  /** Goes on while there is anything to watch, and once more, so that a steady load starts no timers. */
  readonly #sweep = (): void => {
    this.#timer = this.#watched.length === 0 ? null : setTimeout(this.#sweep, SWEEP_MS);
    const now = this.#now();
    for (const { untilMs } of this.#watched) {
      if (untilMs > now) continue;
      // What came while the process was busy is read first: its own delay is not that of others.
      setImmediate(this.#expire, now);
      return;
    }
  };

  readonly #expire = (now: number): void => {
    for (const expiring of this.#watched.filter(({ untilMs }) => untilMs <= now)) {
      // One that ended may have ended others.
      if (this.#watched[expiring.place ?? -1] !== expiring) continue;
      this.forget(expiring);
      expiring.expire();
    }
  };
}
