import { embedMany, generateText, streamText } from 'ai';
import type { GraphQLErrorExtensions } from 'graphql';
import { aiError, judgeProviderError, type ProviderFailure } from './ai-error.ts';
import type { ChatInput, EmbedInput, ToolCall } from './ai-input.ts';
import { chatCall, outputOf } from './chat-call.ts';
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
  readonly toolCalls: readonly ToolCall[];
  readonly finishReason: 'STOP' | 'TOOL_CALLS' | 'LENGTH' | 'CONTENT_FILTER' | 'OTHER';
  readonly usage: TokenUsage;
  readonly model: AiModel;
}

/** One part of an answer that is told as it goes. */
export interface ChatEvent {
  readonly text?: string;
  readonly toolCall?: ToolCall;
  readonly finishReason?: ChatResult['finishReason'];
  readonly usage?: TokenUsage;
  readonly failure?: {
    readonly code: string;
    readonly retryable: boolean;
    /** Null where the provider did not say. */
    readonly retryAfterSeconds: number | null;
  };
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
  /** As `chat`; what fails once it has begun is an event. Whoever leaves ends the call of the provider. */
  chatStream(input: ChatInput): AsyncIterableIterator<ChatEvent>;
  embed(input: EmbedInput): Promise<EmbeddingResult>;
}

const EMBED_CALLS_AT_ONCE_MAX = 2;

const FINISH_REASONS: ReadonlyMap<string, ChatResult['finishReason']> = new Map([
  ['stop', 'STOP'],
  ['tool-calls', 'TOOL_CALLS'],
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
        generateText({ ...chatCall(model, input), ...structured(input), abortSignal }),
      );
      return {
        text: result.text,
        toolCalls: result.toolCalls.map(toolCallOf),
        finishReason: FINISH_REASONS.get(result.finishReason) ?? 'OTHER',
        usage: usageOf(result.usage, reader, input, result.text),
        model: description,
      };
    },
    chatStream(input) {
      const model = catalog.languageModel(input.model);
      if (model === null) throw aiError('AI_MODEL_UNKNOWN');
      const left = new AbortController();
      const timeout = AbortSignal.timeout(options.timeoutMs);
      const abortSignal = AbortSignal.any([left.signal, timeout]);
      const failed = (thrown: unknown): ChatEvent => {
        const { error, failure } = judgeProviderError(thrown, {
          model: input.model,
          timedOut: timeout.aborted,
        });
        if (!left.signal.aborted) options.onProviderFailure(failure);
        return failureEvent(failure.code, error.extensions);
      };
      return leaving(
        chatEvents(
          { ...chatCall(model, input), ...structured(input), abortSignal },
          { input, reader, failed },
        ),
        left,
      );
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

function structured(input: ChatInput) {
  const output = outputOf(input);
  return output === undefined ? {} : { output };
}

function toolCallOf({ toolCallId, toolName, input }: ToolCallPart): ToolCall {
  return {
    id: toolCallId,
    name: toolName,
    arguments: typeof input === 'string' ? input : JSON.stringify(input ?? {}),
  };
}

interface ToolCallPart {
  readonly toolCallId: string;
  readonly toolName: string;
  readonly input: unknown;
}

interface Telling {
  readonly input: ChatInput;
  readonly reader: TextReader;
  readonly failed: (thrown: unknown) => ChatEvent;
}

async function* chatEvents(
  call: Parameters<typeof streamText>[0],
  { input, reader, failed }: Telling,
): AsyncGenerator<ChatEvent, void, undefined> {
  let text = '';
  try {
    // What it would print of an error holds the prompt.
    const { stream } = streamText({ ...call, onError: () => undefined });
    for await (const part of stream) {
      if (part.type === 'text-delta') {
        text += part.text;
        if (part.text !== '') yield { text: part.text };
      } else if (part.type === 'tool-call') yield { toolCall: toolCallOf(part) };
      else if (part.type === 'error') return void (yield failed(part.error));
      else if (part.type === 'abort') return void (yield failed(new Error('aborted')));
      else if (part.type === 'finish')
        yield {
          finishReason: FINISH_REASONS.get(part.finishReason) ?? 'OTHER',
          usage: usageOf(part.totalUsage, reader, input, text),
        };
    }
  } catch (thrown) {
    yield failed(thrown);
  }
}

function failureEvent(code: string, { retryable, retryAfterSeconds }: GraphQLErrorExtensions): ChatEvent {
  return {
    failure: {
      code,
      retryable: retryable === true,
      retryAfterSeconds: typeof retryAfterSeconds === 'number' ? retryAfterSeconds : null,
    },
  };
}

/** Ends the call of the provider at once when nobody listens any more, also while it is silent. */
function leaving(
  events: AsyncGenerator<ChatEvent, void, undefined>,
  left: AbortController,
): AsyncIterableIterator<ChatEvent> {
  return {
    next: () => events.next(),
    return: async () => {
      left.abort();
      await events.return();
      return { value: undefined, done: true };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

function usageOf(reported: ReportedUsage, reader: TextReader, input: ChatInput, text: string): TokenUsage {
  return readUsage(reported, {
    input: () =>
      countAll(
        reader,
        input.messages.map(({ content }) => content),
      ),
    output: () => reader.countTokens(text),
  });
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
