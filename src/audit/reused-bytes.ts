/** Enough for most groups. */
const FIRST_BYTES = 65_536;

/**
 * Bytes that each group is written into anew: new ones for each would have the collector look at everything again and again.
 * Invariant: less than twice as large as the largest group.
 */
export class ReusedBytes {
  #bytes = Buffer.allocUnsafeSlow(FIRST_BYTES);

  /** With room up to an end, and with what was there before. */
  upTo(end: number): Buffer {
    if (end > this.#bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(end, 2 * this.#bytes.length));
      this.#bytes.copy(larger);
      this.#bytes = larger;
    }
    return this.#bytes;
  }
}
