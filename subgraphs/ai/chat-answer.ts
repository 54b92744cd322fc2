import type { ToolCall } from './ai-input.ts';
import type { AiModel } from './providers.ts';
import type { TokenUsage } from './token-usage.ts';

/** Why an answer ended, in the terms of the schema. */
export type ChatFinishReason = 'STOP' | 'TOOL_CALLS' | 'LENGTH' | 'CONTENT_FILTER' | 'OTHER';

/** A model's answer in the terms of the schema. */
export interface ChatResult {
  readonly text: string;
  readonly toolCalls: readonly ToolCall[];
  readonly finishReason: ChatFinishReason;
  readonly usage: TokenUsage;
  readonly model: AiModel;
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
  readonly failure?: ChatFailure;
}

/** Vectors of texts in the terms of the schema. */
export interface EmbeddingResult {
  readonly embeddings: readonly { readonly index: number; readonly vector: readonly number[] }[];
  readonly dimensions: number;
  readonly usage: TokenUsage;
  readonly model: AiModel;
}
