/** Numbers below a thousand with three digits each. */
const THREE_DIGITS = Array.from({ length: 1000 }, (_, number) => String(number).padStart(3, '0'));

/** A whole number from 0 to 999 with three digits. */
export function threeDigits(number: number): string {
  return THREE_DIGITS[number] ?? '';
}

/** Numbers that mostly follow one another: all digits but the last three are printed once for a thousand of them. */
export class CountingText {
  #thousands = 0;
  #digits = '';

  /** Takes a whole number that is not negative. */
  of(number: number): string {
    const thousands = Math.floor(number / 1000);
    if (thousands === 0) return String(number);
    if (thousands !== this.#thousands) [this.#thousands, this.#digits] = [thousands, String(thousands)];
    return this.#digits + threeDigits(number - 1000 * thousands);
  }
}
