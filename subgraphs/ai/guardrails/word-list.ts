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

/** Joins letters that stand alone, as in `i g n o r e`, into the one word that they spell. */
export function joinLetters(words: readonly Word[]): Word[] {
  const result: Word[] = [];
  let from = 0;
  const isLetter = (word: Word | undefined): boolean => word !== undefined && /^\p{L}$/u.test(word.text);
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
