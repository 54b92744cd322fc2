import { type EmbeddingModel, embedMany, generateText, type LanguageModel, streamText } from 'ai';
import type { ChatInput, ToolCall } from './ai-input.ts';
import type { ChatFinishReason } from './chat-answer.ts';
import { chatCall, outputOf } from './chat-call.ts';
import { failureOfSent, marking } from './routing/sent-mark.ts';
import type { TextReader } from './text-reader.ts';
import { countAll, countForModel, type ReportedUsage, readUsage, type TokenUsage } from './token-usage.ts';

/** What one model answered. */
export interface ModelAnswer {
  readonly text: string;
  readonly toolCalls: readonly ToolCall[];
  readonly finishReason: ChatFinishReason;
  readonly usage: TokenUsage;
}

/** A part of what one model answers: a text, a call of a tool, or the end. */
export type AnswerPart =
  | { readonly text: string }
  | { readonly toolCall: ToolCall }
  | { readonly finishReason: ChatFinishReason; readonly usage: TokenUsage };

/** How one model is asked, once. */
export interface Asking<M> {
  readonly model: M;
  readonly reader: TextReader;
  readonly abortSignal: AbortSignal;
}

const FINISH_REASONS: ReadonlyMap<string, ChatFinishReason> = new Map([
  ['stop', 'STOP'],
  ['tool-calls', 'TOOL_CALLS'],
  ['length', 'LENGTH'],
  ['content-filter', 'CONTENT_FILTER'],
]);

/** A model that refuses ends as one that is done, or in Anthropic's own word, and the library calls both a filter. */
const REFUSALS: ReadonlySet<string | undefined> = new Set(['stop', 'refusal']);

function finishOf(end: {
  readonly finishReason: string;
  readonly rawFinishReason: string | undefined;
}): ChatFinishReason {
  const reason = FINISH_REASONS.get(end.finishReason) ?? 'OTHER';
  return reason === 'CONTENT_FILTER' && REFUSALS.has(end.rawFinishReason) ? 'REFUSAL' : reason;
}

/** Asks a model once. Throws: whatever the library does; see `judgeProviderError`. */
export async function askForAnswer(
  input: ChatInput,
  { model, reader, abortSignal }: Asking<LanguageModel>,
): Promise<ModelAnswer> {
  const call = { ...chatCall(model, input), ...structured(input), abortSignal };
  const result = await sending(() => generateText(call));
  return {
    text: result.text,
    toolCalls: result.toolCalls.map(toolCallOf),
    finishReason: finishOf(result),
    usage: usageOf(result.usage, { reader, input, text: result.text }),
  };
}

/** Asks a model once, and tells its answer as it comes. Throws: as `askForAnswer`, also while it is read. */
export async function* askForParts(
  input: ChatInput,
  { model, reader, abortSignal }: Asking<LanguageModel>,
): AsyncGenerator<AnswerPart, void, undefined> {
  let text = '';
  const call = { ...chatCall(model, input), ...structured(input), abortSignal };
  // What it would print of an error holds the prompt.
  const mark = { isSent: false };
  const { stream } = marking(mark, () => streamText({ ...call, onError: () => undefined }));
  for await (const part of stream) {
    if (part.type === 'text-delta') {
      text += part.text;
      if (part.text !== '') yield { text: part.text };
    } else if (part.type === 'tool-call') yield { toolCall: toolCallOf(part) };
    else if (part.type === 'error') throw failureOfSent(mark, part.error);
    else if (part.type === 'abort') throw new Error('aborted');
    else if (part.type === 'finish') {
      requireEnd(part);
      yield {
        finishReason: finishOf(part),
        usage: usageOf(part.totalUsage, { reader, input, text }),
      };
    }
  }
}

/** An answer without its end, or without a part of it. The library takes it for whole. */
class UnfinishedAnswerError extends Error {
  override readonly name = 'AI_EmptyResponseBodyError';
}

function requireEnd({ finishReason, rawFinishReason }: Parameters<typeof finishOf>[0]): void {
  if (rawFinishReason === undefined && !FINISH_REASONS.has(finishReason))
    throw new UnfinishedAnswerError('The answer has no end.');
}

/** Texts that a model embeds in one call; as many as there are where it does not say. */
export async function textsPerCall(model: Exclude<EmbeddingModel, string>): Promise<number> {
  return (await model.maxEmbeddingsPerCall) ?? Number.POSITIVE_INFINITY;
}

/** Asks a model once for the vectors of texts, no more than it embeds in one call. Throws: as `askForAnswer`. */
export async function askForVectors(
  texts: readonly string[],
  { model, reader, abortSignal }: Asking<EmbeddingModel>,
): Promise<{ readonly vectors: readonly (readonly number[])[]; readonly usage: TokenUsage }> {
  const call = { model, values: [...texts], maxRetries: 0, abortSignal };
  const result = await sending(() => embedMany(call));
  if (result.embeddings.length !== texts.length) throw new UnfinishedAnswerError('Vectors are missing.');
  const reported = { inputTokens: result.usage.tokens, outputTokens: 0 };
  const usage = readUsage(reported, { input: () => countAll(reader, texts), output: () => 0 });
  return { vectors: result.embeddings, usage };
}

/** Throws: NotSentError where no provider was called, else what the call throws. */
async function sending<T>(call: () => Promise<T>): Promise<T> {
  const mark = { isSent: false };
  try {
    return await marking(mark, call);
  } catch (thrown) {
    throw failureOfSent(mark, thrown);
  }
}

function structured(input: ChatInput) {
  const output = outputOf(input);
  return output === undefined ? {} : { output };
}

interface ToolCallPart {
  readonly toolCallId: string;
  readonly toolName: string;
  readonly input: unknown;
}

function toolCallOf({ toolCallId, toolName, input }: ToolCallPart): ToolCall {
  return {
    id: toolCallId,
    name: toolName,
    arguments: typeof input === 'string' ? input : JSON.stringify(input ?? {}),
  };
}

function usageOf(
  reported: ReportedUsage,
  { reader, input, text }: { readonly reader: TextReader; readonly input: ChatInput; readonly text: string },
): TokenUsage {
  const said = input.messages.map(({ content }) => content);
  return readUsage(reported, {
    input: () => countAll(reader, said),
    output: () => countForModel(reader, text),
  });
}
