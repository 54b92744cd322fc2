import { describe, expect, it } from 'vitest';
import {
  createTextReader,
  normaliseText,
  RUN_LENGTH_MAX,
  takeTokens,
} from '../../../subgraphs/ai/text-reader.ts';
import { cpuMsOf } from '../../cpu-time.ts';

const reader = createTextReader();

describe('createTextReader', () => {
  it('gives every token to exactly one sentence, in order', () => {
    const read = reader.read("Don't panic. It works!  Mr. Smith\nleft at 5 p.m. on Monday.");
    expect(read.sentences.flatMap((sentence) => sentence.tokens)).toEqual(read.tokens);
    expect(read.sentences.length).toBe(3);
  });

  it('reads nothing into a text without words', () => {
    for (const text of ['', '   \n']) {
      expect(reader.read(text)).toMatchObject({ sentences: [], tokens: [], sentiment: 0, patterns: [] });
      expect(reader.countTokens(text)).toBe(0);
    }
  });

  it('reads names of object members like any other word', () => {
    const read = reader.read('constructor toString __proto__ hasOwnProperty');
    expect(read.tokens.map((token) => token.value).join('')).toBe(
      'constructortoString__proto__hasOwnProperty',
    );
  });

  it('reads a text that is hostile to the tokenizer in bounded time', async () => {
    // Without broken runs this takes more than a minute.
    expect(await cpuMsOf(() => reader.read('http://a'.repeat(2500)))).toBeLessThan(5000);
  });

  it('reads the same before and after it has started afresh', () => {
    const forgetful = createTextReader(3);
    const text = 'The zorbly phone is terrible. I love Berlin.';
    const first = forgetful.read(text);
    expect(forgetful.read(text)).toEqual(first);
    expect(reader.read(text)).toEqual(first);
  });
});

describe('normaliseText', () => {
  it('keeps a run of the longest length and breaks a longer one', () => {
    expect(normaliseText('a'.repeat(RUN_LENGTH_MAX))).toBe('a'.repeat(RUN_LENGTH_MAX));
    expect(normaliseText('a'.repeat(RUN_LENGTH_MAX + 1))).toBe(`${'a'.repeat(RUN_LENGTH_MAX)} a`);
  });

  it('never breaks a character in two', () => {
    expect(normaliseText('😀'.repeat(RUN_LENGTH_MAX + 1)).isWellFormed()).toBe(true);
  });
});

describe('takeTokens', () => {
  it('cuts between tokens and keeps a text that is short enough', () => {
    const read = reader.read('Well, it works.');
    expect(takeTokens(read, 3)).toBe('Well, it');
    expect(takeTokens(read, 5)).toBe('Well, it works.');
  });
});
