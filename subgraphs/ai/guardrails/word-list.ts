/** A word of a text as it is compared, and where it stands. */
export interface Word {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

const WORD = /[\p{L}\p{N}]+/gu;
/** Digits and signs that stand for letters inside of words. */
const LEET: ReadonlyMap<string, string> = new Map([
  ...([
    ['0', 'o'],
    ['1', 'i'],
    ['3', 'e'],
    ['4', 'a'],
    ['5', 's'],
    ['7', 't'],
  ] as const),
]);

/** The words of a text, in lower case. */
export function wordsOf(text: string): Word[] {
  return ASCII.test(text) ? asciiWords(text) : anyWords(text);
}

const ASCII = /^[\0-\x7f]*$/u;
/** By code: 1 for letters and digits of ASCII, and for nothing else. */
const IN_WORDS = Uint8Array.from({ length: 128 }, (_, code) =>
  /[A-Za-z0-9]/u.test(String.fromCharCode(code)) ? 1 : 0,
);

/** As `anyWords`, of a text in which characters and their small letters have the same places. */
function asciiWords(text: string): Word[] {
  const words: Word[] = [];
  const small = text.toLowerCase();
  let start = -1;
  for (let at = 0; at <= small.length; at += 1) {
    const isIn = at < small.length && IN_WORDS[small.charCodeAt(at)] === 1;
    if (isIn && start < 0) start = at;
    if (isIn || start < 0) continue;
    words.push({ text: small.slice(start, at), start, end: at });
    start = -1;
  }
  return words;
}

function anyWords(text: string): Word[] {
  return [...text.matchAll(WORD)].map(({ index, 0: word }) => ({
    text: word.toLowerCase(),
    ...{ start: index, end: index + word.length },
  }));
}

/** A word with the letters that its digits stand for; numbers stay what they are. */
export function withoutLeet(word: string): string {
  if (!/[0-9]/u.test(word) || !/\p{L}/u.test(word)) return word;
  return word.replace(/[0-9]/gu, (digit) => LEET.get(digit) ?? digit);
}

const SPACED_LETTERS_MIN = 4;
/** Letters of other planes have two. Units: UTF-16 code units. */
const LETTER_UNITS_MAX = 2;

/** Joins letters that stand alone, as in `i g n o r e`, into the one word that they spell. */
export function joinLetters(words: readonly Word[]): readonly Word[] {
  if (!hasSpacedLetters(words)) return words;
  const result: Word[] = [];
  let from = 0;
  while (from < words.length) {
    let to = from;
    while (isLetter(words[to])) to += 1;
    const [first, last] = [words[from], words[to - 1]];
    if (to - from >= SPACED_LETTERS_MIN && first !== undefined && last !== undefined) {
      const text = words
        .slice(from, to)
        .map((word) => word.text)
        .join('');
      result.push({ text, start: first.start, end: last.end });
      from = to;
    } else {
      result.push(...words.slice(from, Math.max(to, from + 1)));
      from = Math.max(to, from + 1);
    }
  }
  return result;
}

function hasSpacedLetters(words: readonly Word[]): boolean {
  let run = 0;
  for (const word of words) {
    run = isLetter(word) ? run + 1 : 0;
    if (run >= SPACED_LETTERS_MIN) return true;
  }
  return false;
}

function isLetter(word: Word | undefined): boolean {
  return word !== undefined && word.text.length <= LETTER_UNITS_MAX && /^\p{L}$/u.test(word.text);
}
