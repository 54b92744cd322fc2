import type { ReadText, TextSentence, TextToken } from './text-reader.ts';

/** Sentences of a summary at most; shorter texts give up to a third of theirs. */
export const SUMMARY_SENTENCES_MAX = 3;

/** A word the text is about, by its lemma. */
export interface Keyword {
  readonly text: string;
  readonly occurrences: number;
}

/** A name or pattern in the text: its words as they stand there, and what kind of thing it is. */
export interface TextEntity {
  readonly text: string;
  readonly type: string;
}

/** Sizes of a text by the Unicode segmentation rules, the same for every language. */
export interface TextCounts {
  readonly characters: number;
  readonly words: number;
  readonly sentences: number;
}

/** How much a word of this part of speech says about the subject of a text. */
const SUBJECT_WEIGHTS: ReadonlyMap<string, number> = new Map([
  ['PROPN', 1],
  ['NOUN', 1],
  ['VERB', 0.5],
  ['ADJ', 0.5],
]);
/** Added to a sentence's length so that two-word sentences do not win by density. Units: words. */
const LENGTH_SMOOTHING = 4;
/** What the first sentence gains over the last: texts state their subject early. */
const POSITION_WEIGHT = 0.25;

/** Whether the token carries meaning of its own: a word or number that is no stop word. */
export function isContent(token: TextToken): boolean {
  return (
    !token.stopWord &&
    token.kind !== 'punctuation' &&
    token.kind !== 'symbol' &&
    /[\p{L}\p{N}]/u.test(token.value)
  );
}

/** How often each content lemma occurs. */
export function termFrequencies(tokens: readonly TextToken[]): Map<string, number> {
  const frequencies = new Map<string, number>();
  for (const token of tokens) {
    if (isContent(token)) frequencies.set(token.lemma, (frequencies.get(token.lemma) ?? 0) + 1);
  }
  return frequencies;
}

/**
 * The sentences that say most of what the text says, as they stand, in the order of the text.
 * Source: Luhn 1958, scoring by term frequency, with Edmundson's weight for position.
 */
export function summarize(text: ReadText): string {
  const frequencies = termFrequencies(text.tokens);
  const frequencyMax = Math.max(1, ...frequencies.values());
  const size = Math.min(SUMMARY_SENTENCES_MAX, Math.ceil(text.sentences.length / 3));
  const ranked = distinct(text.sentences)
    .map(({ sentence, index }) => ({
      index,
      text: sentence.text,
      score:
        density(sentence, frequencies) / frequencyMax + POSITION_WEIGHT * (1 - index / text.sentences.length),
    }))
    .sort((left, right) => right.score - left.score || left.index - right.index);
  return ranked
    .slice(0, size)
    .sort((left, right) => left.index - right.index)
    .map((sentence) => sentence.text)
    .join(' ');
}

function distinct(sentences: readonly TextSentence[]): { sentence: TextSentence; index: number }[] {
  const seen = new Set<string>();
  return sentences.flatMap((sentence, index) => {
    if (seen.has(sentence.text)) return [];
    seen.add(sentence.text);
    return [{ sentence, index }];
  });
}

function density(sentence: TextSentence, frequencies: ReadonlyMap<string, number>): number {
  const content = sentence.tokens.filter(isContent);
  const total = content.reduce((sum, token) => sum + (frequencies.get(token.lemma) ?? 0), 0);
  return total / (content.length + LENGTH_SMOOTHING);
}

/** The words the text is about, most telling first; equals in the order of the text. */
export function keywords(text: ReadText, first: number): readonly Keyword[] {
  const found = new Map<string, { occurrences: number; score: number }>();
  for (const token of text.tokens) {
    const weight = SUBJECT_WEIGHTS.get(token.partOfSpeech) ?? 0;
    if (weight === 0 || token.kind !== 'word' || !isContent(token)) continue;
    const entry = found.get(token.lemma) ?? { occurrences: 0, score: 0 };
    found.set(token.lemma, { occurrences: entry.occurrences + 1, score: entry.score + weight });
  }
  return [...found]
    .sort(([, left], [, right]) => right.score - left.score)
    .slice(0, first)
    .map(([lemma, { occurrences }]) => ({ text: lemma, occurrences }));
}

/** Recognised patterns (dates, amounts, addresses), then runs of proper nouns as `NAME`; each once. */
export function entities(text: ReadText, first: number): readonly TextEntity[] {
  const patterns = text.patterns.map(({ value, type }) => ({ text: value, type }));
  const inPatterns = new Set(patterns.flatMap((pattern) => pattern.text.split(/[\s,]+/u)));
  const names: TextEntity[] = [];
  let run: TextToken[] = [];
  const endRun = (): void => {
    if (run.length > 0) names.push({ text: spell(run), type: 'NAME' });
    run = [];
  };
  for (const sentence of text.sentences) {
    for (const token of sentence.tokens) {
      const named = token.partOfSpeech === 'PROPN' && token.kind === 'word' && !inPatterns.has(token.value);
      if (named) run.push(token);
      else endRun();
    }
    endRun();
  }
  const unique = new Map([...patterns, ...names].map((entity) => [`${entity.type} ${entity.text}`, entity]));
  return [...unique.values()].slice(0, first);
}

function spell(tokens: readonly TextToken[]): string {
  return tokens
    .map((token) => token.space + token.value)
    .join('')
    .trim();
}

/**
 * The one or two sentences that share most with the question, in the order given, or null when none shares a word.
 * A word counts the more, the fewer sentences have it.
 */
export function findAnswer(question: ReadText, passages: readonly TextSentence[]): string | null {
  const asked = termFrequencies(question.tokens);
  const candidates = distinct(passages).map(({ sentence, index }) => ({
    index,
    text: sentence.text,
    shared: new Set(sentence.tokens.map((token) => token.lemma).filter((lemma) => asked.has(lemma))),
  }));
  const having = new Map<string, number>();
  for (const { shared } of candidates) {
    for (const lemma of shared) having.set(lemma, (having.get(lemma) ?? 0) + 1);
  }
  const rarity = (lemma: string): number => Math.log(1 + candidates.length / (having.get(lemma) ?? 1));
  const ranked = candidates
    .map(({ index, text, shared }) => ({
      index,
      text,
      score: [...shared].reduce((sum, lemma) => sum + rarity(lemma), 0),
    }))
    .filter((candidate) => candidate.score > 0)
    .sort((left, right) => right.score - left.score || left.index - right.index);
  const best = ranked[0];
  if (best === undefined) return null;
  return ranked
    .slice(0, 2)
    .filter((candidate) => candidate.score >= best.score / 2)
    .sort((left, right) => left.index - right.index)
    .map((candidate) => candidate.text)
    .join(' ');
}

const GRAPHEMES = new Intl.Segmenter('und', { granularity: 'grapheme' });
const WORDS = new Intl.Segmenter('und', { granularity: 'word' });
const SENTENCES = new Intl.Segmenter('und', { granularity: 'sentence' });

/**
 * Counts a text without knowing its language.
 * Source: Unicode UAX 29.
 */
export function countText(text: string): TextCounts {
  const count = (segments: Iterable<unknown>): number => [...segments].length;
  return {
    characters: count(GRAPHEMES.segment(text)),
    words: [...WORDS.segment(text)].filter((segment) => segment.isWordLike).length,
    sentences: [...SENTENCES.segment(text)].filter((segment) => segment.segment.trim() !== '').length,
  };
}
