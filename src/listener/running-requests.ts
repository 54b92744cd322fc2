import { setTimeout } from 'node:timers/promises';

/** Requests that run, for whoever has to wait until none does. */
export class RunningRequests {
  readonly #running = new Set<Promise<void>>();

  /** Counts work until it ends. */
  track(work: Promise<void>): Promise<void> {
    const counted = work.finally(() => this.#running.delete(counted));
    this.#running.add(counted);
    return counted;
  }

  /** Resolves when nothing runs any more, or after `timeoutMs`. */
  async settled(timeoutMs: number): Promise<void> {
    const bound = new AbortController();
    const timeout = setTimeout(timeoutMs, undefined, { signal: bound.signal }).catch(() => undefined);
    await Promise.race([Promise.all(this.#running), timeout]);
    bound.abort();
  }
}
