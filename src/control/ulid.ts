const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const RANDOM_CHARS = 16;

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
  let digits: number[] = [];
  return (prefix) => {
    const ms = now();
    if (ms > lastMs) {
      lastMs = ms;
      digits = [...randomBytes(RANDOM_CHARS)].map((byte) => byte & 31);
      // Leaves room to count within the millisecond.
      digits[0] = (digits[0] ?? 0) & 15;
    } else {
      increment(digits);
    }
    return `${prefix}_${encodeTime(lastMs)}${digits.map((digit) => ALPHABET.charAt(digit)).join('')}`;
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
