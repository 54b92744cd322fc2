import { setTimeout } from 'node:timers/promises';

/** Requests that run, for whoever has to wait until none does. */
export class RunningRequests {
  #running = 0;
  #idle = Promise.withResolvers<void>();

  /** Counts one more, until `end`. */
  begin(): void {
    this.#running += 1;
  }

  end(): void {
    this.#running -= 1;
    if (this.#running > 0) return;
    this.#idle.resolve();
    this.#idle = Promise.withResolvers<void>();
  }

  /** Counts work until it ends. */
  async track(work: Promise<void>): Promise<void> {
    this.begin();
    try {
      await work;
    } finally {
      this.end();
    }
  }

  /** Resolves when nothing runs any more, or after `timeoutMs`. */
  async settled(timeoutMs: number): Promise<void> {
    if (this.#running === 0) return;
    const bound = new AbortController();
    const timeout = setTimeout(timeoutMs, undefined, { signal: bound.signal }).catch(() => undefined);
    await Promise.race([this.#idle.promise, timeout]);
    bound.abort();
  }
}
