import type { TextReader } from './text-reader.ts';

/** Tokens that a call took, and whether they were counted here for want of the provider's figures. */
export interface TokenUsage {
  /** All of the input, what came from or went to a cache of the provider included. */
  readonly inputTokens: number;
  /** All of the output, what the model thought included. */
  readonly outputTokens: number;
  readonly totalTokens: number;
  readonly cacheReadTokens: number;
  readonly cacheWriteTokens: number;
  readonly reasoningTokens: number;
  readonly estimated: boolean;
}

/** Of a call that came to nothing. */
export const NO_USAGE: TokenUsage = Object.freeze({
  ...{ inputTokens: 0, outputTokens: 0, totalTokens: 0 },
  ...{ cacheReadTokens: 0, cacheWriteTokens: 0, reasoningTokens: 0, estimated: true },
});

/** What several calls took together. */
export function sumOf(usages: readonly TokenUsage[]): TokenUsage {
  const sum = (count: Exclude<keyof TokenUsage, 'estimated'>): number =>
    usages.reduce((total, usage) => total + usage[count], 0);
  return {
    ...{
      inputTokens: sum('inputTokens'),
      outputTokens: sum('outputTokens'),
      totalTokens: sum('totalTokens'),
    },
    ...{ cacheReadTokens: sum('cacheReadTokens'), cacheWriteTokens: sum('cacheWriteTokens') },
    ...{ reasoningTokens: sum('reasoningTokens'), estimated: usages.some(({ estimated }) => estimated) },
  };
}

/** What a provider says a call took; it may leave anything out. */
export interface ReportedUsage {
  readonly inputTokens: number | undefined;
  readonly outputTokens: number | undefined;
  readonly inputTokenDetails?: {
    readonly cacheReadTokens: number | undefined;
    readonly cacheWriteTokens: number | undefined;
  };
  readonly outputTokenDetails?: { readonly reasoningTokens: number | undefined };
}

/** A number of tokens that fits the schema and leaves room for a sum. */
const TOKENS_MAX = 0x3fff_ffff;

/** A provider's figures where they are whole numbers that fit the schema, else our own count. */
export function readUsage(
  reported: ReportedUsage,
  count: { readonly input: () => number; readonly output: () => number },
): TokenUsage {
  const inputTokens = usable(reported.inputTokens) ? reported.inputTokens : count.input();
  const outputTokens = usable(reported.outputTokens) ? reported.outputTokens : count.output();
  const part = (value: number | undefined, whole: number): number =>
    usable(value) ? Math.min(value, whole) : 0;
  return {
    inputTokens,
    outputTokens,
    totalTokens: inputTokens + outputTokens,
    cacheReadTokens: part(reported.inputTokenDetails?.cacheReadTokens, inputTokens),
    cacheWriteTokens: part(reported.inputTokenDetails?.cacheWriteTokens, inputTokens),
    reasoningTokens: part(reported.outputTokenDetails?.reasoningTokens, outputTokens),
    estimated: !usable(reported.inputTokens) || !usable(reported.outputTokens),
  };
}

/** No tokens of a model are longer on average, in any script. */
const BYTES_PER_TOKEN = 4;

/** Tokens of a text as a model may have them: the reader's words are far longer where a script has no blanks, or a text is no language. */
export function countForModel(reader: Pick<TextReader, 'countTokens'>, text: string): number {
  return Math.max(reader.countTokens(text), Math.ceil(Buffer.byteLength(text) / BYTES_PER_TOKEN));
}

/** Tokens of texts, counted one by one. */
export function countAll(reader: TextReader, texts: readonly string[]): number {
  return texts.reduce((sum, text) => sum + countForModel(reader, text), 0);
}

function usable(value: number | undefined): value is number {
  return value !== undefined && Number.isInteger(value) && value >= 0 && value <= TOKENS_MAX;
}
