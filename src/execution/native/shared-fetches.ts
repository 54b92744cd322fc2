import type { Departure } from './departure.ts';

/** Starts work that several may wait for; returns how to cut it off. */
export type Start<T> = (done: (result: T) => void) => () => void;

type Waiter<T> = (result: T | null) => void;

interface SharedFetch<T> {
  readonly waiters: Waiter<T>[];
  cancel: () => void;
}

/** Runs equal work once while it is under way; nothing is kept afterwards. */
export class SharedFetches<T> {
  readonly #running = new Map<string, SharedFetch<T>>();

  /** Fetches under way. */
  get size(): number {
    return this.#running.size;
  }

  /**
   * Waits for the work of that key, starting it if nobody has; null where the caller left first. Work is cut off when the
   * last who waits for it has left.
   */
  join(key: string, start: Start<T>, departure: Departure): Promise<T | null> {
    if (departure.isOver) return Promise.resolve(null);
    return new Promise((resolve) => {
      const waiter: Waiter<T> = (result) => {
        departure.forget(onLeave);
        resolve(result);
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
