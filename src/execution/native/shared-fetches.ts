import type { Departure } from './departure.ts';

/** Starts work that several may wait for; returns how to cut it off. */
export type Start<T> = (done: (result: T) => void) => () => void;

type Waiter<T> = (result: T | null) => void;

interface SharedFetch<T> {
  readonly waiters: Waiter<T>[];
  cancel: () => void;
}

/** How one of those who wait for some work joins it. */
export interface Joining<T, Read> {
  readonly start: Start<T>;
  readonly departure: Departure;
  /** Reads the result for this one alone; null where it left first. Never throws. */
  readonly read: (result: T | null) => Read;
}

/** Runs equal work once while it is under way; nothing is kept afterwards. */
export class SharedFetches<T> {
  readonly #running = new Map<string, SharedFetch<T>>();

  /** Fetches under way. */
  get size(): number {
    return this.#running.size;
  }

  /**
   * Waits for the work of that key, starting it if nobody has. Work is cut off when the last who waits for it has left.
   */
  join<Read>(key: string, { start, departure, read }: Joining<T, Read>): Promise<Read> {
    if (departure.isOver) return Promise.resolve(read(null));
    return new Promise((resolve) => {
      const waiter: Waiter<T> = (result) => {
        departure.forget(onLeave);
        resolve(read(result));
      };
      const onLeave = (): void => {
        waiter(null);
        this.#leave(key, fetch, waiter);
      };
      departure.watch(onLeave);
      const running = this.#running.get(key);
      const fetch: SharedFetch<T> = running ?? { waiters: [], cancel: () => undefined };
      fetch.waiters.push(waiter);
      if (running === undefined) this.#start(key, fetch, start);
    });
  }

  #start(key: string, fetch: SharedFetch<T>, start: Start<T>): void {
    this.#running.set(key, fetch);
    try {
      fetch.cancel = start((result) => {
        this.#forget(key, fetch);
        for (const waiter of fetch.waiters) waiter(result);
      });
    } catch (fault) {
      // Who comes next must not wait for what never began.
      this.#forget(key, fetch);
      throw fault;
    }
  }

  #leave(key: string, fetch: SharedFetch<T>, waiter: Waiter<T>): void {
    fetch.waiters.splice(fetch.waiters.indexOf(waiter), 1);
    if (fetch.waiters.length > 0) return;
    // Who comes now must not join what is being cut off.
    this.#forget(key, fetch);
    fetch.cancel();
  }

  #forget(key: string, fetch: SharedFetch<T>): void {
    if (this.#running.get(key) === fetch) this.#running.delete(key);
  }
}
