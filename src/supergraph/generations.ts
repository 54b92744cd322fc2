/** What a generation must be able to do when nobody uses it any more. */
export interface Closable {
  close(): Promise<void>;
}

interface Held<T> {
  readonly value: T;
  users: number;
  readonly retirement: AbortController;
}

/** One use of a generation; released exactly once. */
export interface Lease<T> {
  readonly value: T;
  /** Fires when a newer generation takes over: who stays for long makes room. */
  readonly retired: AbortSignal;
  release(): void;
}

/**
 * Holds the current generation of the graph: a new one takes over at once for new requests, the old one is closed when
 * the last request that runs on it is done.
 */
export class Generations<T extends Closable> {
  readonly #onCloseFault: (error: unknown) => void;
  #current: Held<T> | null = null;
  #builds = 0;
  /** Turn of the build in place. */
  #placed = 0;
  readonly #closing = new Set<Promise<void>>();

  constructor(onCloseFault: (error: unknown) => void) {
    this.#onCloseFault = onCloseFault;
  }

  get current(): T | null {
    return this.#current?.value ?? null;
  }

  replace(next: T): void {
    const previous = this.#current;
    this.#current = { value: next, users: 0, retirement: new AbortController() };
    if (previous !== null) this.#retire(previous);
  }

  /** Builds the next generation and puts it in place, unless one begun later is in place already. */
  async succeed(build: () => Promise<T>): Promise<'replaced' | 'overtaken'> {
    this.#builds += 1;
    const turn = this.#builds;
    const next = await build();
    // One begun later that did not start must not keep out one begun earlier that did.
    if (turn > this.#placed) {
      this.#placed = turn;
      this.replace(next);
      return 'replaced';
    }
    this.#close(next);
    return 'overtaken';
  }

  /** Null before the first generation and after the end. */
  lease(): Lease<T> | null {
    const held = this.#current;
    if (held === null) return null;
    held.users += 1;
    let released = false;
    return {
      value: held.value,
      retired: held.retirement.signal,
      release: () => {
        if (released) return;
        released = true;
        held.users -= 1;
        if (held.retirement.signal.aborted && held.users === 0) this.#close(held.value);
      },
    };
  }

  async close(): Promise<void> {
    this.#placed = Number.POSITIVE_INFINITY;
    const last = this.#current;
    this.#current = null;
    if (last !== null) this.#retire(last);
    while (this.#closing.size > 0) await Promise.all(this.#closing);
  }

  #retire(held: Held<T>): void {
    held.retirement.abort();
    if (held.users === 0) this.#close(held.value);
  }

  #close(value: T): void {
    const closing = value
      .close()
      .catch(this.#onCloseFault)
      .finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
  }
}
