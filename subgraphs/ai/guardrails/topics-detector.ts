import type { Detector } from './finding.ts';
import { foldText } from './fold-text.ts';
import { joined, type Span } from './span.ts';
import { type Word, wordsOf } from './word-list.ts';

/** Words of the longest pattern. */
export const TOPIC_WORDS_MAX = 8;
const PATTERN = /^[\p{L}\p{N}]+\*?(?:[ -][\p{L}\p{N}]+\*?)*$/u;

/** Whether a pattern is words, each with a star at its end or without: a star stands for any ending. Nothing else is special. */
export function isTopicPattern(pattern: string): boolean {
  return PATTERN.test(pattern) && pattern.split(/[ -]/u).length <= TOPIC_WORDS_MAX;
}

interface PatternWord {
  readonly text: string;
  readonly isBeginning: boolean;
}

/** Patterns by what their first word begins with, so that most words of a text are compared with none. */
type Compiled = ReadonlyMap<string, readonly (readonly PatternWord[])[]>;

/** Finds the patterns in a text; made once, matched word by word. */
export function createTopicsDetector(patterns: readonly string[]): Detector {
  const compiled = compile(patterns);
  return {
    name: 'topics',
    find({ text, originOf }) {
      const words = wordsOf(text);
      return joined(words.flatMap((_, at) => matchesAt(words, at, compiled))).map(originOf);
    },
  };
}

function compile(patterns: readonly string[]): Compiled {
  const compiled = new Map<string, (readonly PatternWord[])[]>();
  for (const pattern of patterns) {
    const words = foldText(pattern)
      .text.toLowerCase()
      .split(/[ -]/u)
      .map((word) => ({ text: word.replace(/\*$/u, ''), isBeginning: word.endsWith('*') }));
    const key = words[0]?.text.charAt(0) ?? '';
    compiled.set(key, [...(compiled.get(key) ?? []), words]);
  }
  return compiled;
}

function matchesAt(words: readonly Word[], at: number, compiled: Compiled): Span[] {
  const first = words[at];
  if (first === undefined) return [];
  const found = compiled.get(first.text.charAt(0))?.find((pattern) =>
    pattern.every(({ text, isBeginning }, index) => {
      const word = words[at + index]?.text ?? '';
      return isBeginning ? word.startsWith(text) : word === text;
    }),
  );
  const end = words[at + (found?.length ?? 0) - 1]?.end ?? first.end;
  return found === undefined ? [] : [{ start: first.start, end, kind: 'DENIED_TOPIC' }];
}
