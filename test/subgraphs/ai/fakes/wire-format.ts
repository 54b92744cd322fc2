import type { ProviderKind } from '../../../../subgraphs/ai/provider-config.ts';

export type Json = Record<string, unknown>;

/** How one provider speaks: its paths, its answers, its streams and its errors. */
export interface WireFormat {
  readonly kind: ProviderKind;
  readonly base: string;
  readonly chatPath: string;
  /** Null where the provider has no embedding models. */
  readonly embedPath: string | null;
  /** Texts that the provider embeds in one call. */
  readonly embedTextsMax: number;
  readonly keyHeader: string;
  readonly keyValue: (key: string) => string;
  /** Where the bound of the output stands in a chat request. */
  readonly outputTokensMax: (body: Json) => unknown;
  readonly chat: (text: string) => unknown;
  readonly cut: (text: string) => unknown;
  /** A call of the tool `weather` for Oslo. */
  readonly toolCall: unknown;
  /** An answer by a schema, in the way in which the provider was asked for it. */
  readonly structured: (json: string, request: Json) => unknown;
  /** What the provider withholds; null where it never does. */
  readonly filtered: ((text: string) => unknown) | null;
  /** What the model refuses; null where its provider does not tell that apart. */
  readonly refusal: ((text: string) => unknown) | null;
  /** How a request says how hard to think; null where only models of certain names are told. */
  readonly thinks: RegExp | null;
  readonly embed: (vectors: readonly (readonly number[])[]) => unknown;
  /** Whether embeddings come without a count of tokens. */
  readonly embedUsageMissing: boolean;
  readonly error: (status: number, message: string) => unknown;
  /** The status by which the provider says that it has too much to do. */
  readonly overloaded: number;
  readonly stream: StreamScript;
}

/** Frames of what a provider streams. The text is `Hello world` throughout. */
export interface StreamScript {
  readonly text: readonly string[];
  readonly cut: readonly string[];
  readonly toolCall: readonly string[];
  readonly structured: (json: string, request: Json) => readonly string[];
  /** An error after a first text. */
  readonly broken: readonly string[];
}

/** One server-sent event without a name. */
export const data = (value: unknown): string => `data: ${JSON.stringify(value)}\n\n`;

/** The words that the provider says of its errors. */
export const PROVIDER_TEXT = 'provider says things';
