import model from 'wink-eng-lite-web-model';
import winkNLP, {
  type Detail,
  type Document,
  type ItemSentence,
  type ItsHelpers,
  type WinkMethods,
} from 'wink-nlp';

/**
 * Longest run without white space that is read as one piece; longer ones are read as several.
 * Units: UTF-16 code units. Source: the tokenizer's expressions take cubic time in a run (20,000 characters took 76 s).
 */
export const RUN_LENGTH_MAX = 128;

/**
 * Tokens after which the reader starts afresh, because the library keeps every new word it has ever seen.
 * Units: tokens. Invariant: far below the million words at which its packed indexes would run out.
 */
export const VOCABULARY_TOKENS_MAX = 200_000;

/** One token of a text, with what the language model knows of it. */
export interface TextToken {
  /** As it stands in the text. */
  readonly value: string;
  readonly lemma: string;
  readonly stem: string;
  readonly partOfSpeech: string;
  readonly kind: string;
  readonly stopWord: boolean;
  /** White space before it, at most one character. */
  readonly space: string;
}

/** One sentence: its text, its tokens and its sentiment from -1 to 1. */
export interface TextSentence {
  readonly text: string;
  readonly tokens: readonly TextToken[];
  readonly sentiment: number;
}

/** A text that has been read. Invariant: the sentences hold every token once, in order. */
export interface ReadText {
  readonly sentences: readonly TextSentence[];
  readonly tokens: readonly TextToken[];
  readonly sentiment: number;
  /** Dates, amounts, addresses and other patterns that the language model recognises. */
  readonly patterns: readonly Detail[];
}

/** Reads English text; other languages are cut into tokens and sentences as far as white space allows. */
export interface TextReader {
  read(text: string): ReadText;
  /** Tokens of the text, counted the same way for every use. */
  countTokens(text: string): number;
}

const LONG_RUN = new RegExp(`\\S{${RUN_LENGTH_MAX}}(?=\\S)`, 'gu');

/** Makes every white space one blank and breaks runs that the tokenizer could not read in linear time. */
export function normaliseText(text: string): string {
  return text.trim().replaceAll(/\s+/gu, ' ').replaceAll(LONG_RUN, '$& ');
}

/** Makes a reader whose memory is bounded however many different words it is given. */
export function createTextReader(vocabularyTokensMax = VOCABULARY_TOKENS_MAX): TextReader {
  let library: WinkMethods = winkNLP(model);
  let tokensRead = 0;
  const open = (text: string): Document => {
    if (tokensRead > vocabularyTokensMax) {
      library = winkNLP(model);
      tokensRead = 0;
    }
    const document = library.readDoc(normaliseText(text));
    tokensRead += document.tokens().length();
    return document;
  };
  return {
    read: (text) => toReadText(open(text), library.its),
    countTokens: (text) => open(text).tokens().length(),
  };
}

function toReadText(document: Document, its: ItsHelpers): ReadText {
  const column = <T>(itsFunction: (...parts: never[]) => T): readonly T[] =>
    document.tokens().out(itsFunction as Parameters<typeof document.out>[0]) as unknown as readonly T[];
  const lemmas = column(its.lemma);
  const stems = column(its.stem);
  const partsOfSpeech = column(its.pos);
  const kinds = column(its.type);
  const stopWords = column(its.stopWordFlag);
  const spaces = column(its.precedingSpaces);
  const tokens = column(its.value).map((value, index) => ({
    value,
    lemma: lemmas[index] ?? value,
    stem: stems[index] ?? value,
    partOfSpeech: partsOfSpeech[index] ?? 'X',
    kind: kinds[index] ?? 'unk',
    stopWord: stopWords[index] ?? false,
    space: spaces[index] ?? '',
  }));
  const sentences: TextSentence[] = [];
  let start = 0;
  document.sentences().each((sentence: ItemSentence) => {
    const end = start + sentence.tokens().length();
    sentences.push({
      text: sentence.out().trim(),
      tokens: tokens.slice(start, end),
      sentiment: clampSentiment(sentence.out(its.sentiment)),
    });
    start = end;
  });
  return {
    tokens,
    sentences: tokens.length === 0 ? [] : sentences,
    sentiment: tokens.length === 0 ? 0 : clampSentiment(document.out(its.sentiment)),
    patterns: document.entities().out(its.detail) as unknown as readonly Detail[],
  };
}

function clampSentiment(score: unknown): number {
  return typeof score === 'number' && Number.isFinite(score) ? Math.max(-1, Math.min(1, score)) : 0;
}

/** The text up to a number of tokens, cut between tokens. */
export function takeTokens(text: ReadText, tokensMax: number): string {
  return text.tokens
    .slice(0, tokensMax)
    .map((token) => token.space + token.value)
    .join('')
    .trim();
}
