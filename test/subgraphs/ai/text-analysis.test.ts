import { describe, expect, it } from 'vitest';
import {
  countText,
  entities,
  findAnswer,
  keywords,
  SUMMARY_SENTENCES_MAX,
  summarize,
} from '../../../subgraphs/ai/text-analysis.ts';
import { createTextReader } from '../../../subgraphs/ai/text-reader.ts';
import { STORY } from './story.ts';

const reader = createTextReader();
const story = reader.read(STORY);

describe('summarize', () => {
  it('takes fewer sentences than the text has, as they stand and in its order', () => {
    const chosen = reader.read(summarize(story)).sentences.map((sentence) => sentence.text);
    const all = story.sentences.map((sentence) => sentence.text);
    expect(chosen.length).toBeLessThan(all.length);
    expect(all.filter((sentence) => chosen.includes(sentence))).toEqual(chosen);
  });

  it('keeps what the text repeats rather than its aside', () => {
    expect(summarize(story)).toContain('battery');
    expect(summarize(story)).not.toContain('aside');
  });

  it('never takes more sentences than the bound, however long the text', () => {
    const long = Array.from({ length: 40 }, (_, index) => `Sentence ${index} is about a machine.`).join(' ');
    expect(reader.read(summarize(reader.read(long))).sentences.length).toBe(SUMMARY_SENTENCES_MAX);
  });

  it('says a repeated sentence once', () => {
    const repeated = reader.read('The machine works well today. '.repeat(9));
    expect(summarize(repeated)).toBe('The machine works well today.');
  });
});

describe('sentiment', () => {
  it.each([
    ['I love this wonderful product, it works great.', 1],
    ['This is a terrible, broken and disappointing thing.', -1],
    ['The box is on the table.', 0],
  ])('of "%s" has the sign %i', (text, sign) => {
    expect(Math.sign(reader.read(text).sentiment)).toBe(sign);
  });

  it('turns with a negation', () => {
    expect(reader.read('It is not good.').sentiment).toBeLessThan(reader.read('It is good.').sentiment);
  });
});

describe('keywords', () => {
  it('names what the text repeats first, by its base form', () => {
    expect(keywords(story, 1)).toEqual([{ text: 'battery', occurrences: 4 }]);
  });

  it('leaves out stop words and punctuation', () => {
    expect(
      keywords(reader.read('And so it was, of course: the!'), 10).map((keyword) => keyword.text),
    ).toEqual(['course']);
  });

  it('gives no more than asked for', () => {
    expect(keywords(story, 0)).toEqual([]);
    expect(keywords(story, 2)).toHaveLength(2);
  });
});

describe('entities', () => {
  it('finds patterns and names, each once', () => {
    const found = entities(story, 20);
    expect(found).toContainEqual({ text: '$200', type: 'MONEY' });
    expect(found).toContainEqual({ text: 'January 5, 2024', type: 'DATE' });
    expect(found).toContainEqual({ text: 'Peter Smith', type: 'NAME' });
    expect(new Set(found.map((entity) => entity.text)).size).toBe(found.length);
  });

  it('gives no more than asked for', () => {
    expect(entities(story, 0)).toEqual([]);
    expect(entities(story, 1)).toHaveLength(1);
  });
});

describe('findAnswer', () => {
  it('gives the sentence that shares most with the question', () => {
    expect(findAnswer(reader.read('Who refunded the money?'), story.sentences)).toContain('refunded $200');
  });

  it('gives nothing where no sentence shares a word', () => {
    expect(findAnswer(reader.read('Which volcano erupted?'), story.sentences)).toBeNull();
    expect(findAnswer(reader.read('Which volcano erupted?'), [])).toBeNull();
  });
});

describe('countText', () => {
  it('counts languages without spaces', () => {
    expect(countText('今天天气很好。我们去公园。')).toMatchObject({ characters: 13, sentences: 2 });
    expect(countText('今天天气很好。我们去公园。').words).toBeGreaterThan(2);
  });

  it('counts a composed character as one', () => {
    expect(countText('👩‍👩‍👧 né')).toEqual({ characters: 4, words: 1, sentences: 1 });
  });

  it('counts nothing in an empty text', () => {
    expect(countText('')).toEqual({ characters: 0, words: 0, sentences: 0 });
  });
});
