import { PLACEHOLDER_BEGINS } from './placeholders.ts';
import { wordsOf } from './word-list.ts';

/** Nothing that is looked for goes on over a blank, or over a letter of these scripts; nor over more blanks than its groups have. */
const ENDS_RUN =
  /[\s\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}\u3000-\u303f]/u;
/** A group of a number that is written in groups: digits, signs, or a few letters. */
const GROUP = /^(?:[^\s]{0,24}\p{Nd}[^\s]{0,24}|[^\p{L}\p{N}\s]{1,4}|[\p{L}\p{N}]{1,4})$/u;
/** A whole number in one group is shorter. */
const GROUP_CHARACTERS_MAX = 40;
/** A group that a number begins with. */
const BEGINS = /[\p{Nd}+(\uff0b\uff08]|^\p{Lu}{1,2}$/u;
/** All that a blank may be written as. */
const BLANK = /\p{Zs}/u;
/** An IBAN in groups has 42 characters, a number of a telephone fewer. */
const GROUPS_CHARACTERS_MAX = 64;
const KEY_MARK = /-{1,5}(?:B[A-Z0-9 ]{0,50}-{0,5})?$/u;
const KEY_MARK_CHARACTERS_MAX = 64;
const PHRASE_CHARACTERS_MAX = 1024;

/** What answers are searched for, as far as it says how much of them to hold back. */
export interface Holding {
  /** Whether anything is looked for besides placeholders. */
  readonly looks: boolean;
  /** Words of the longest phrase; 0 where none is looked for. */
  readonly phraseWordsMax: number;
}

/** Where the part of a text begins that could still become something with what follows. */
export function heldFrom(text: string, { looks, phraseWordsMax }: Holding): number {
  const tail = text.slice(-KEY_MARK_CHARACTERS_MAX);
  const offset = text.length - tail.length;
  const from = [text.length, beginOf(tail, PLACEHOLDER_BEGINS, offset)];
  if (looks) from.push(groupsFrom(text), beginOf(tail, KEY_MARK, offset));
  if (phraseWordsMax > 0) from.push(phraseFrom(text, phraseWordsMax));
  return Math.min(...from);
}

function beginOf(tail: string, pattern: RegExp, offset: number): number {
  const found = pattern.exec(tail);
  return found === null ? Number.POSITIVE_INFINITY : offset + found.index;
}

function runFrom(text: string, end: number): number {
  let start = end;
  while (start > 0 && !ENDS_RUN.test(text.charAt(start - 1))) start -= 1;
  return start;
}

/** The last run, and groups before it that it may belong to, from the first that something can begin with. */
function groupsFrom(text: string): number {
  let held = runFrom(text, text.length);
  let from = held;
  for (;;) {
    let end = from;
    while (end > 0 && from - end < 3 && BLANK.test(text.charAt(end - 1))) end -= 1;
    if (end === from && from !== text.length) return held;
    const start = runFrom(text, end);
    const group = text.slice(start, end);
    if (group === '' || text.length - end > GROUPS_CHARACTERS_MAX) return held;
    if (!GROUP.test(group)) {
      // The end of something longer may be the first group.
      const last = group.slice(-GROUP_CHARACTERS_MAX);
      return BEGINS.test(last) ? end - last.length : held;
    }
    if (BEGINS.test(group)) held = start;
    from = start;
  }
}

/** Of a phrase all words but the last may be there already, and a part of that. */
function phraseFrom(text: string, wordsMax: number): number {
  const tail = text.slice(-PHRASE_CHARACTERS_MAX);
  const words = wordsOf(tail);
  const first = words.at(-wordsMax);
  return text.length - tail.length + (words.length < wordsMax ? 0 : (first?.start ?? tail.length));
}
