/** A fetch that several callers wait for; cut off only when the last of them has left. */
interface SharedFetch<T> {
  readonly result: Promise<T>;
  readonly abort: AbortController;
  waiting: number;
}

/** Runs equal work once while it is under way; nothing is kept afterwards. */
export class SharedFetches<T> {
  readonly #running = new Map<string, SharedFetch<T>>();

  /** Number of fetches under way. */
  get size(): number {
    return this.#running.size;
  }

  /** Waits for the work of that key, starting it if nobody has; null where the caller left before it was done. */
  async join(
    key: string,
    start: (signal: AbortSignal) => Promise<T>,
    signal: AbortSignal,
  ): Promise<T | null> {
    if (signal.aborted) return null;
    const fetch = this.#running.get(key) ?? this.#start(key, start);
    fetch.waiting += 1;
    const left = Promise.withResolvers<null>();
    const onAbort = (): void => left.resolve(null);
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      return await Promise.race([fetch.result, left.promise]);
    } finally {
      signal.removeEventListener('abort', onAbort);
      fetch.waiting -= 1;
      if (fetch.waiting === 0) {
        // A caller who comes now must not join what is being cut off.
        if (this.#running.get(key) === fetch) this.#running.delete(key);
        fetch.abort.abort();
      }
    }
  }

  #start(key: string, start: (signal: AbortSignal) => Promise<T>): SharedFetch<T> {
    const abort = new AbortController();
    const result = start(abort.signal).finally(() => {
      if (this.#running.get(key) === fetch) this.#running.delete(key);
    });
    const fetch: SharedFetch<T> = { result, abort, waiting: 0 };
    this.#running.set(key, fetch);
    return fetch;
  }
}
