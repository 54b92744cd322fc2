import type { ToolCall } from './ai-input.ts';
import type { Finding } from './guardrails/finding.ts';
import type { AiModel } from './model-catalog.ts';
import type { Moderation } from './moderation.ts';
import type { AttemptRecord } from './routing/run-attempts.ts';
import type { TokenUsage } from './token-usage.ts';

/** Why an answer ended, in the terms of the schema. */
export type ChatFinishReason =
  | 'STOP'
  | 'TOOL_CALLS'
  | 'LENGTH'
  | 'REFUSAL'
  | 'CONTENT_FILTER'
  | 'ERROR'
  | 'OTHER';

/** What became of a chat, in the terms of the schema. */
export interface ChatResult {
  readonly id: string;
  readonly text: string;
  readonly toolCalls: readonly ToolCall[];
  readonly finishReason: ChatFinishReason;
  readonly usage: TokenUsage;
  readonly model: AiModel;
  /** Null but where the finish reason is `ERROR`. */
  readonly failure: ChatFailure | null;
  readonly attempts: readonly AttemptRecord[];
  /** Null where a model was asked. */
  readonly cache?: ChatCacheHit | null;
  /** What guardrails found; absent where there are none. */
  readonly guardrails?: readonly Finding[];
}

/** An answer that was kept from before, in the terms of the schema. */
export interface ChatCacheHit {
  readonly match: 'EXACT' | 'SEMANTIC';
  readonly model: AiModel;
  readonly ageSeconds: number;
  readonly savedTokens: number;
}

/** Why there is no answer, or no more of it. */
export interface ChatFailure {
  readonly code: string;
  readonly retryable: boolean;
  /** Null where the provider did not say. */
  readonly retryAfterSeconds: number | null;
}

/** One part of an answer that is told as it goes. */
export interface ChatEvent {
  readonly text?: string;
  readonly toolCall?: ToolCall;
  readonly finishReason?: ChatFinishReason;
  readonly usage?: TokenUsage;
  readonly failure?: ChatFailure | null;
  /** With the end. */
  readonly attempts?: readonly AttemptRecord[];
  readonly cache?: ChatCacheHit;
  /** With the end. */
  readonly guardrails?: readonly Finding[];
}

/** Vectors of texts in the terms of the schema. */
export interface EmbeddingResult {
  readonly embeddings: readonly { readonly index: number; readonly vector: readonly number[] }[];
  readonly dimensions: number;
  /** Texts whose vector was kept from before. */
  readonly cachedTexts: number;
  /** Tokens that asking the model for those would have taken, as they are counted here. */
  readonly savedTokens: number;
  readonly usage: TokenUsage;
  readonly model: AiModel;
  readonly attempts: readonly AttemptRecord[];
  /** What guardrails found; absent where there are none. */
  readonly guardrails?: readonly Finding[];
}

/** What is wrong with texts, in the terms of the schema. */
export interface ModerationResult {
  readonly results: readonly Moderation[];
  readonly model: AiModel;
  readonly attempts: readonly AttemptRecord[];
  /** What guardrails found; absent where there are none. */
  readonly guardrails?: readonly Finding[];
}
