/** Bits of one count. Reason: up to twice as many values are told apart within a few percent, in 256 bytes. */
const BITS = 2048;
const WORD_BITS = 32;
const BASE64URL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/**
 * Counts how many different digests it has seen, in a fixed size. Digests are keyed, so that nobody can make two that collide.
 * Source: linear counting (Whang, Vander-Zanden, Taylor 1990).
 */
export class DistinctCount {
  readonly #words = new Uint32Array(BITS / WORD_BITS);
  #zeros = BITS;

  /** Takes a digest in base64url; true where it changed the count. */
  add(digest: string): boolean {
    const bit = bitOf(digest);
    const index = Math.floor(bit / WORD_BITS);
    const word = this.#words[index] ?? 0;
    const mask = 1 << (bit % WORD_BITS);
    if ((word & mask) !== 0) return false;
    this.#words[index] = word | mask;
    this.#zeros -= 1;
    return true;
  }

  /** About how many there were. */
  get estimate(): number {
    // With no bit left nothing but that there were very many is known.
    return Math.round(BITS * Math.log(BITS / Math.max(1, this.#zeros)));
  }
}

/** Eleven bits of the first two characters; what is no digest falls on some bit too. */
function bitOf(digest: string): number {
  const high = Math.max(0, BASE64URL.indexOf(digest.charAt(0)));
  const low = Math.max(0, BASE64URL.indexOf(digest.charAt(1)));
  return (high * BASE64URL.length + low) % BITS;
}
