const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const RANDOM_CHARS = 16;
/** For as many ids as a busy process makes in a second. */
const CHANCE_BYTES = RANDOM_CHARS * 256;

/**
 * Makes ids that sort in the order in which this process made them, also within a millisecond and when the clock steps
 * back: a prefix, ten characters of time and sixteen of chance.
 * Source: the ULID specification, monotonic ids. Units: milliseconds since the epoch.
 */
export function ulids(
  now: () => number,
  randomBytes: (length: number) => Uint8Array,
): (prefix: string) => string {
  let lastMs = -1;
  let time = '';
  const digits: number[] = [];
  const chance = createChance(randomBytes);
  return (prefix) => {
    const ms = now();
    if (ms > lastMs) {
      lastMs = ms;
      time = encodeTime(ms);
      for (let place = 0; place < RANDOM_CHARS; place += 1) digits[place] = chance() & 31;
      // Leaves room to count within the millisecond.
      digits[0] = (digits[0] ?? 0) & 15;
    } else {
      increment(digits);
    }
    let text = `${prefix}_${time}`;
    for (const digit of digits) text += ALPHABET.charAt(digit);
    return text;
  };
}

/** A byte at a time, of as many as are asked for at once: asking costs more than all the rest of an id. */
function createChance(randomBytes: (length: number) => Uint8Array): () => number {
  let bytes = new Uint8Array(0);
  let used = 0;
  return () => {
    if (used === bytes.length) {
      bytes = new Uint8Array(randomBytes(CHANCE_BYTES));
      used = 0;
    }
    const byte = bytes[used] ?? 0;
    used += 1;
    return byte;
  };
}

function increment(digits: number[]): void {
  for (let at = digits.length - 1; at >= 0; at -= 1) {
    const digit = digits[at] ?? 0;
    digits[at] = digit === 31 ? 0 : digit + 1;
    if (digit !== 31) return;
  }
}

function encodeTime(ms: number): string {
  let time = '';
  for (let rest = ms, place = 0; place < 10; place += 1) {
    time = ALPHABET.charAt(rest % 32) + time;
    rest = Math.floor(rest / 32);
  }
  return time;
}
