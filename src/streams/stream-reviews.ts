/** Looked at before requests are served again. */
const AT_ONCE = 64;

/**
 * Streams that are looked at again when what decides about their callers has changed, so that none waits for an event to
 * learn that it may have no more.
 */
export class StreamReviews {
  readonly #reviews = new Set<() => void>();
  #running = false;
  #again = false;

  /** Takes what looks at one stream, which must not throw, and returns what gives it up. */
  add(review: () => void): () => void {
    this.#reviews.add(review);
    return () => void this.#reviews.delete(review);
  }

  /** Looks at all streams again, some at a time; a change during that is looked at afterwards, once. */
  changed(): void {
    this.#again = true;
    if (!this.#running) void this.#run();
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (this.#again) {
      this.#again = false;
      const reviews = [...this.#reviews];
      for (let from = 0; from < reviews.length; from += AT_ONCE) {
        // Those that ended meanwhile were given up.
        for (const review of reviews.slice(from, from + AT_ONCE)) if (this.#reviews.has(review)) review();
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
    this.#running = false;
  }
}
