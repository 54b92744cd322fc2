import { randomFillSync } from 'node:crypto';

const BYTES = 16;
const CHARS = 36;
/** Random bytes are had for many ids at once: a call costs more than they do. */
const RANDOM_BYTES = 512 * BYTES;
/** Printed at once, and fewer: whoever keeps one for long keeps the text of all. */
const PRINTED = 32;
const DASH = 0x2d;
const HEX = Buffer.from('0123456789abcdef');
/** Where each byte stands in the text, which has a dash after the fourth, sixth, eighth and tenth. */
const PLACES = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];

/**
 * A source of UUIDs of version 4 (RFC 9562 §5.4). Node's own are joined of twenty pieces, which whoever reads one has to put together
 * first; these are one piece.
 */
export function createRequestIds(): () => string {
  const ids = new RequestIds();
  return () => ids.next();
}

class RequestIds {
  readonly #random = new Uint8Array(RANDOM_BYTES);
  readonly #printed = Buffer.alloc(PRINTED * CHARS, DASH);
  #text = '';
  /** Where the next id begins in the text, and the next random bytes that none was made of. */
  #next = 0;
  #fresh = RANDOM_BYTES;

  next(): string {
    if (this.#next === this.#text.length) this.#print();
    const begin = this.#next;
    this.#next += CHARS;
    return this.#text.slice(begin, this.#next);
  }

  #print(): void {
    if (this.#fresh === RANDOM_BYTES) {
      randomFillSync(this.#random);
      this.#fresh = 0;
    }
    for (let at = 0; at < PRINTED * CHARS; at += CHARS) this.#printId(at);
    [this.#text, this.#next] = [this.#printed.toString('latin1'), 0];
  }

  #printId(at: number): void {
    const from = this.#fresh;
    this.#fresh += BYTES;
    for (let byte = 0; byte < BYTES; byte += 1) {
      const value = ofVersion4(byte, this.#random[from + byte] ?? 0);
      const to = at + (PLACES[byte] ?? 0);
      this.#printed[to] = HEX[value >> 4] ?? 0;
      this.#printed[to + 1] = HEX[value & 0x0f] ?? 0;
    }
  }
}

/** A random byte with the bits that version and variant have in its place. */
function ofVersion4(place: number, byte: number): number {
  if (place === 6) return (byte & 0x0f) | 0x40;
  return place === 8 ? (byte & 0x3f) | 0x80 : byte;
}
