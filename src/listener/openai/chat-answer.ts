import type { GatewayResponse, GraphQLResponseBody } from '../request.ts';
import type { StreamFormat } from '../stream-format.ts';
import type { ChatRequest } from './chat-request.ts';
import { type OpenAiError, openAiError, openAiErrorOf } from './openai-error.ts';

/** What tells one completion from another. */
export interface CompletionFrame {
  readonly id: string;
  /** Units: seconds since the epoch. */
  readonly created: number;
  readonly model: string;
}

interface ToolCall {
  readonly id: string;
  readonly name: string;
  readonly arguments: string;
}

interface Usage {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly totalTokens: number;
}

interface Failure {
  readonly code: string;
  readonly retryAfterSeconds?: number | null;
}

interface ChatResult {
  readonly text: string;
  readonly toolCalls: readonly ToolCall[];
  readonly finishReason: string;
  readonly usage: Usage;
  readonly failure: Failure | null;
}

interface ChatEvent {
  readonly text: string | null;
  readonly toolCall: ToolCall | null;
  readonly finishReason: string | null;
  readonly usage: Usage | null;
  readonly failure: Failure | null;
}

const FINISH: ReadonlyMap<string, string> = new Map([
  ['STOP', 'stop'],
  ['LENGTH', 'length'],
  ['TOOL_CALLS', 'tool_calls'],
  ['CONTENT_FILTER', 'content_filter'],
]);
const finishOf = (reason: string): string => FINISH.get(reason) ?? 'stop';

/** The answer to a chat that was not streamed; null where the graph gave none. Source: OpenAI API reference, "Chat". */
export function completion(data: GraphQLResponseBody['data'], frame: CompletionFrame): object | null {
  const result = data?.['chat'] as ChatResult | null | undefined;
  if (result == null) return null;
  const { text, toolCalls, finishReason, usage } = result;
  const refused = finishReason === 'REFUSAL';
  const message = {
    role: 'assistant',
    content: refused || (text === '' && toolCalls.length > 0) ? null : text,
    refusal: refused ? text : null,
    ...(toolCalls.length === 0 ? {} : { tool_calls: toolCalls.map(callOf) }),
  };
  return {
    ...{ id: frame.id, object: 'chat.completion', created: frame.created, model: frame.model },
    choices: [{ index: 0, message, logprobs: null, finish_reason: finishOf(finishReason) }],
    usage: usageOf(usage),
  };
}

/** Why there is no completion; null where there is one. */
export function chatError({ status, body }: Pick<GatewayResponse, 'status' | 'body'>): OpenAiError | null {
  const result = body.data?.['chat'] as ChatResult | null | undefined;
  return result?.failure == null ? openAiErrorOf({ status, body }) : failureError(status, result.failure);
}

function failureError(status: number, failure: Failure): OpenAiError | null {
  const { message } = BROKEN.body.error;
  return openAiErrorOf({ status, body: { errors: [{ message, extensions: { ...failure } }] } });
}

/** How the events of one chat are written; each chat has its own, since the first chunk differs and calls are numbered. */
export function chunkFormat(
  request: Pick<ChatRequest, 'includeUsage'>,
  frame: CompletionFrame,
): StreamFormat {
  let begun = false;
  let calls = 0;
  const chunk = (choices: readonly object[], more: object = {}): string =>
    data({
      ...{ id: frame.id, object: 'chat.completion.chunk', created: frame.created, model: frame.model },
      choices,
      ...more,
    });
  const choice = (delta: object, finish: string | null = null): string => {
    const role = begun ? {} : { role: 'assistant' };
    begun = true;
    return chunk([{ index: 0, delta: { ...role, ...delta }, logprobs: null, finish_reason: finish }]);
  };
  const eventOf = ({ text, toolCall, finishReason, usage }: ChatEvent): string => {
    if (toolCall !== null) return choice({ tool_calls: [{ index: calls++, ...callOf(toolCall) }] });
    if (finishReason === null) return text === null ? '' : choice({ content: text });
    const end = choice({}, finishOf(finishReason));
    return request.includeUsage && usage !== null ? end + chunk([], { usage: usageOf(usage) }) : end;
  };
  return {
    name: 'sse',
    contentType: 'text/event-stream; charset=utf-8',
    start: ':\n\n',
    heartbeat: ':\n\n',
    end: 'data: [DONE]\n\n',
    event: (body) => {
      const error = chatEventError({ status: 200, body });
      // Clients take a chunk with an error for the end.
      return error === null ? eventOf(chatEventOf(body) as ChatEvent) : data(error.body);
    },
  };
}

function chatEventOf(body: GraphQLResponseBody): ChatEvent | null {
  return (body.data?.['chatStream'] as ChatEvent | null | undefined) ?? null;
}

const BROKEN: OpenAiError = openAiError(502, {
  ...{ message: 'The model broke off.', type: 'server_error' },
  ...{ param: null, code: 'provider_error' },
});

/** Why one event of a chat is its last; null where it says something. */
export function chatEventError({
  status,
  body,
}: Pick<GatewayResponse, 'status' | 'body'>): OpenAiError | null {
  const event = chatEventOf(body);
  if (event === null) return openAiErrorOf({ status, body }) ?? BROKEN;
  return event.failure === null ? null : failureError(status, event.failure);
}

const data = (value: object): string => `data: ${JSON.stringify(value)}\n\n`;

function callOf({ id, name, arguments: json }: ToolCall) {
  return { id, type: 'function', function: { name, arguments: json } };
}

function usageOf({ inputTokens, outputTokens, totalTokens }: Usage) {
  return { prompt_tokens: inputTokens, completion_tokens: outputTokens, total_tokens: totalTokens };
}
