const [ZERO, NINE] = [0x30, 0x39];
/** By code: 1 for what no value of a secret has in it, which is blanks, quotes and brackets of ASCII. */
const SEPARATES = new Uint8Array(128);
for (const separator of '\t\n\v\f\r "\'`,;<>{}()[]') SEPARATES[separator.charCodeAt(0)] = 1;

/** How many digits of ASCII a text has, up to a number that is enough. */
export function digitsIn(text: string, enough: number): number {
  let digits = 0;
  for (let at = 0; at < text.length && digits < enough; at += 1) {
    const code = text.charCodeAt(at);
    if (code >= ZERO && code <= NINE) digits += 1;
  }
  return digits;
}

/** Whether a digit stands among so many characters without a separator: most texts have no such place, and no secret is without one. */
export function hasRunWithDigit(text: string, length: number): boolean {
  let run = 0;
  let hasDigit = false;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (SEPARATES[code] === 1) {
      run = 0;
      hasDigit = false;
      continue;
    }
    run += 1;
    if (code >= ZERO && code <= NINE) hasDigit = true;
    if (hasDigit && run >= length) return true;
  }
  return false;
}
