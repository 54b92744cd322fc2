import { type EmbeddingModel, embedMany } from 'ai';
import type { ChatInput, ToolCall } from './ai-input.ts';
import type { ChatFinishReason } from './chat-answer.ts';
import { type ChatModel, chatCall } from './chat-call.ts';
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

type Generated = Awaited<ReturnType<ChatModel['doGenerate']>>;
type FinishReason = Generated['finishReason'];

const FINISH_REASONS: ReadonlyMap<string, ChatFinishReason> = new Map([
  ['stop', 'STOP'],
  ['tool-calls', 'TOOL_CALLS'],
  ['length', 'LENGTH'],
  ['content-filter', 'CONTENT_FILTER'],
]);

/** A model that refuses ends as one that is done, or in Anthropic's own word, and the library calls both a filter. */
const REFUSALS: ReadonlySet<string | undefined> = new Set(['stop', 'refusal']);

function finishOf({ unified, raw }: FinishReason): ChatFinishReason {
  const reason = FINISH_REASONS.get(unified) ?? 'OTHER';
  return reason === 'CONTENT_FILTER' && REFUSALS.has(raw) ? 'REFUSAL' : reason;
}

/** Asks a model once. Throws: whatever the library does; see `judgeProviderError`. */
export async function askForAnswer(
  input: ChatInput,
  { model, reader, abortSignal }: Asking<ChatModel>,
): Promise<ModelAnswer> {
  const { content, finishReason, usage } = await sending(async () =>
    model.doGenerate(chatCall(input, abortSignal)),
  );
  let text = '';
  const toolCalls: ToolCall[] = [];
  for (const part of content) {
    if (part.type === 'text') text += part.text;
    else if (part.type === 'tool-call') toolCalls.push(toolCallOf(part));
  }
  const ended = { text, toolCalls, finishReason: finishOf(finishReason) };
  return { ...ended, usage: usageOf(usage, { reader, input, text }) };
}

/** Asks a model once, and tells its answer as it comes. Throws: as `askForAnswer`, also while it is read. */
export async function* askForParts(
  input: ChatInput,
  { model, reader, abortSignal }: Asking<ChatModel>,
): AsyncGenerator<AnswerPart, void, undefined> {
  let text = '';
  let isEnded = false;
  const { stream } = await sending(async () => model.doStream(chatCall(input, abortSignal)));
  for await (const part of stream) {
    if (part.type === 'text-delta') {
      text += part.delta;
      if (part.delta !== '') yield { text: part.delta };
    } else if (part.type === 'tool-call') yield { toolCall: toolCallOf(part) };
    else if (part.type === 'error') throw part.error;
    else if (part.type === 'finish') {
      requireEnd(part.finishReason);
      isEnded = true;
      yield {
        finishReason: finishOf(part.finishReason),
        usage: usageOf(part.usage, { reader, input, text }),
      };
    }
  }
  if (!isEnded) throw new UnfinishedAnswerError('The answer has no end.');
}

/** An answer without its end, or without a part of it. The library takes it for whole. */
class UnfinishedAnswerError extends Error {
  override readonly name = 'AI_EmptyResponseBodyError';
}

function requireEnd({ unified, raw }: FinishReason): void {
  if (raw === undefined && !FINISH_REASONS.has(unified))
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

/** As it was written, but for blanks; what is no JSON is handed on all the same. */
function toolCallOf(part: {
  readonly toolCallId: string;
  readonly toolName: string;
  readonly input: string;
}): ToolCall {
  const { toolCallId: id, toolName: name, input } = part;
  return { id, name, arguments: input.trim() === '' ? '{}' : compact(input) };
}

function compact(json: string): string {
  try {
    return JSON.stringify(JSON.parse(json));
  } catch {
    return json;
  }
}

function usageOf(
  { inputTokens, outputTokens }: Generated['usage'],
  { reader, input, text }: { readonly reader: TextReader; readonly input: ChatInput; readonly text: string },
): TokenUsage {
  const said = input.messages.map(({ content }) => content);
  const reported: ReportedUsage = {
    ...{ inputTokens: inputTokens.total, outputTokens: outputTokens.total },
    inputTokenDetails: { cacheReadTokens: inputTokens.cacheRead, cacheWriteTokens: inputTokens.cacheWrite },
    outputTokenDetails: { reasoningTokens: outputTokens.reasoning },
  };
  return readUsage(reported, {
    input: () => countAll(reader, said),
    output: () => countForModel(reader, text),
  });
}
