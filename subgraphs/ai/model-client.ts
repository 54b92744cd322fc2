import { embedMany, generateText } from 'ai';
import { aiError, judgeProviderError, type ProviderFailure } from './ai-error.ts';
import type { ChatInput, EmbedInput } from './ai-input.ts';
import type { AiModel, ModelCatalog } from './providers.ts';
import type { TextReader } from './text-reader.ts';

/** Tokens that a call took, and whether they were counted here for want of the provider's figures. */
export interface TokenUsage {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly totalTokens: number;
  readonly estimated: boolean;
}

/** A model's answer in the terms of the schema. */
export interface ChatResult {
  readonly text: string;
  readonly finishReason: 'STOP' | 'LENGTH' | 'CONTENT_FILTER' | 'OTHER';
  readonly usage: TokenUsage;
  readonly model: AiModel;
}

/** Vectors of texts in the terms of the schema. */
export interface EmbeddingResult {
  readonly embeddings: readonly { readonly index: number; readonly vector: readonly number[] }[];
  readonly dimensions: number;
  readonly usage: TokenUsage;
  readonly model: AiModel;
}

/** What asking models needs. */
export interface ModelClientOptions {
  readonly catalog: ModelCatalog;
  readonly reader: TextReader;
  /** Bound of one call, its retries included (there are none). Units: milliseconds. */
  readonly timeoutMs: number;
  /** Told of every failed provider call. */
  readonly onProviderFailure: (failure: ProviderFailure) => void;
}

/** Asks models. Throws: AI_MODEL_UNKNOWN, AI_TIMEOUT, AI_PROVIDER_RATE_LIMITED, AI_PROVIDER_ERROR. */
export interface ModelClient {
  chat(input: ChatInput): Promise<ChatResult>;
  embed(input: EmbedInput): Promise<EmbeddingResult>;
}

const EMBED_CALLS_AT_ONCE_MAX = 2;

const FINISH_REASONS: ReadonlyMap<string, ChatResult['finishReason']> = new Map([
  ['stop', 'STOP'],
  ['length', 'LENGTH'],
  ['content-filter', 'CONTENT_FILTER'],
]);

/** Makes the one place from which models are called: bounded in time, never retried, errors from the closed set. */
export function createModelClient(options: ModelClientOptions): ModelClient {
  const { catalog, reader } = options;
  const guard = async <T>(model: string, call: (abortSignal: AbortSignal) => Promise<T>): Promise<T> => {
    const abortSignal = AbortSignal.timeout(options.timeoutMs);
    try {
      return await call(abortSignal);
    } catch (thrown) {
      const { error, failure } = judgeProviderError(thrown, { model, timedOut: abortSignal.aborted });
      options.onProviderFailure(failure);
      throw error;
    }
  };
  return {
    async chat(input) {
      const description = catalog.find(input.model);
      const model = catalog.languageModel(input.model);
      if (description === null || model === null) throw aiError('AI_MODEL_UNKNOWN');
      const result = await guard(input.model, (abortSignal) =>
        generateText({
          model,
          ...toPrompt(input),
          maxOutputTokens: input.maxOutputTokens,
          maxRetries: 0,
          abortSignal,
          ...(input.temperature == null ? {} : { temperature: input.temperature }),
        }),
      );
      return {
        text: result.text,
        finishReason: FINISH_REASONS.get(result.finishReason) ?? 'OTHER',
        usage: readUsage(result.usage, {
          input: () =>
            countAll(
              reader,
              input.messages.map((message) => message.content),
            ),
          output: () => reader.countTokens(result.text),
        }),
        model: description,
      };
    },
    async embed(input) {
      const description = catalog.find(input.model);
      const model = catalog.embeddingModel(input.model);
      if (description === null || model === null) throw aiError('AI_MODEL_UNKNOWN');
      const result = await guard(input.model, (abortSignal) =>
        embedMany({
          model,
          values: [...input.texts],
          maxRetries: 0,
          maxParallelCalls: EMBED_CALLS_AT_ONCE_MAX,
          abortSignal,
        }),
      );
      return {
        embeddings: result.embeddings.map((vector, index) => ({ index, vector })),
        dimensions: result.embeddings[0]?.length ?? 0,
        usage: readUsage(
          { inputTokens: result.usage.tokens, outputTokens: 0 },
          { input: () => countAll(reader, input.texts), output: () => 0 },
        ),
        model: description,
      };
    },
  };
}

function toPrompt(input: ChatInput): Pick<Parameters<typeof generateText>[0], 'instructions' | 'messages'> & {
  messages: { role: 'user' | 'assistant'; content: string }[];
} {
  const instructions = input.messages.filter((message) => message.role === 'SYSTEM');
  return {
    ...(instructions.length === 0
      ? {}
      : { instructions: instructions.map(({ content }) => content).join('\n\n') }),
    messages: input.messages.flatMap(({ role, content }) =>
      role === 'SYSTEM'
        ? []
        : [{ role: role === 'USER' ? ('user' as const) : ('assistant' as const), content }],
    ),
  };
}

function countAll(reader: TextReader, texts: readonly string[]): number {
  return texts.reduce((sum, text) => sum + reader.countTokens(text), 0);
}

interface ReportedUsage {
  readonly inputTokens: number | undefined;
  readonly outputTokens: number | undefined;
}

/** A provider's figures where they are whole numbers that fit the schema, else our own count. */
function readUsage(
  reported: ReportedUsage,
  count: { readonly input: () => number; readonly output: () => number },
): TokenUsage {
  const usable = (value: number | undefined): value is number =>
    Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 0x3fff_ffff;
  const inputTokens = usable(reported.inputTokens) ? reported.inputTokens : count.input();
  const outputTokens = usable(reported.outputTokens) ? reported.outputTokens : count.output();
  return {
    inputTokens,
    outputTokens,
    totalTokens: inputTokens + outputTokens,
    estimated: !usable(reported.inputTokens) || !usable(reported.outputTokens),
  };
}
