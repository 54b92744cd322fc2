import type { ProviderKind } from '../../../subgraphs/ai/provider-config.ts';

/** How one provider speaks: its paths, its answers and its errors. */
export interface WireFormat {
  readonly kind: ProviderKind;
  readonly base: string;
  readonly chatPath: string;
  /** Null where the provider has no embedding models. */
  readonly embedPath: string | null;
  readonly keyHeader: string;
  readonly keyValue: (key: string) => string;
  /** Where the bound of the output stands in a chat request. */
  readonly outputTokensMax: (body: Record<string, unknown>) => unknown;
  readonly chat: (text: string) => unknown;
  readonly cut: (text: string) => unknown;
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
}

type Json = Record<string, unknown>;

function chatCompletion(text: string, finishReason: string): unknown {
  return {
    id: 'chatcmpl-1',
    object: 'chat.completion',
    created: 1_700_000_000,
    model: 'model-1',
    choices: [{ index: 0, message: { role: 'assistant', content: text }, finish_reason: finishReason }],
    usage: { prompt_tokens: 11, completion_tokens: 7, total_tokens: 18 },
  };
}

const openAiLike = {
  base: '/v1',
  chatPath: '/v1/chat/completions',
  embedPath: '/v1/embeddings',
  keyHeader: 'authorization',
  keyValue: (key: string) => `Bearer ${key}`,
  outputTokensMax: (body: Json) => body['max_tokens'] ?? body['max_completion_tokens'],
  chat: (text: string) => chatCompletion(text, 'stop'),
  cut: (text: string) => chatCompletion(text, 'length'),
  filtered: (text: string) => chatCompletion(text, 'content_filter'),
  refusal: (refusal: string) => {
    const completion = chatCompletion('', 'stop');
    const choice = {
      index: 0,
      message: { role: 'assistant', content: null, refusal },
      finish_reason: 'stop',
    };
    return { ...(completion as object), choices: [choice] };
  },
  thinks: /"reasoning_effort":"low"/u,
  embed: (vectors: readonly (readonly number[])[]) => ({
    id: 'embd-1',
    object: 'list',
    model: 'embedder',
    data: vectors.map((embedding, index) => ({ object: 'embedding', index, embedding })),
    usage: { prompt_tokens: 5, total_tokens: 5 },
  }),
  embedUsageMissing: false,
  error: (_status: number, message: string) => ({
    error: { message, type: 'invalid_request_error', param: null, code: null },
  }),
};

function anthropicMessage(text: string, stopReason: string): unknown {
  return {
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model: 'model-1',
    content: [{ type: 'text', text }],
    stop_reason: stopReason,
    stop_sequence: null,
    usage: {
      input_tokens: 11,
      output_tokens: 7,
      cache_creation_input_tokens: 0,
      cache_read_input_tokens: 0,
    },
  };
}

function geminiAnswer(text: string, finishReason: string): unknown {
  return {
    candidates: [{ content: { role: 'model', parts: [{ text }] }, finishReason, index: 0 }],
    usageMetadata: { promptTokenCount: 11, candidatesTokenCount: 7, totalTokenCount: 18 },
    modelVersion: 'model-1',
    responseId: 'response-1',
  };
}

/** The wire formats of every provider, as their official clients and servers speak them. */
export const WIRE_FORMATS: readonly WireFormat[] = [
  { ...openAiLike, kind: 'openai' },
  { ...openAiLike, kind: 'openai-compatible' },
  {
    ...openAiLike,
    kind: 'mistral',
    ...{ filtered: null, refusal: null, thinks: null },
    error: (_status, message) => ({ object: 'error', message, type: 'invalid', param: null, code: '1' }),
  },
  {
    kind: 'anthropic',
    base: '/v1',
    chatPath: '/v1/messages',
    embedPath: null,
    keyHeader: 'x-api-key',
    keyValue: (key) => key,
    outputTokensMax: (body) => body['max_tokens'],
    chat: (text) => anthropicMessage(text, 'end_turn'),
    cut: (text) => anthropicMessage(text, 'max_tokens'),
    filtered: null,
    refusal: (text) => anthropicMessage(text, 'refusal'),
    thinks: /"thinking":/u,
    embed: () => ({}),
    embedUsageMissing: false,
    error: (_status, message) => ({
      type: 'error',
      error: { type: 'invalid_request_error', message },
      request_id: 'req_1',
    }),
  },
  {
    kind: 'google',
    base: '/v1beta',
    chatPath: '/v1beta/models/model-1:generateContent',
    embedPath: '/v1beta/models/embedder:batchEmbedContents',
    keyHeader: 'x-goog-api-key',
    keyValue: (key) => key,
    outputTokensMax: (body) => (body['generationConfig'] as Json)['maxOutputTokens'],
    chat: (text) => geminiAnswer(text, 'STOP'),
    cut: (text) => geminiAnswer(text, 'MAX_TOKENS'),
    filtered: (text) => geminiAnswer(text, 'SAFETY'),
    refusal: null,
    thinks: /"thinkingConfig":/u,
    embed: (vectors) => ({ embeddings: vectors.map((values) => ({ values })) }),
    embedUsageMissing: true,
    error: (status, message) => ({
      error: { code: status, message, status: 'INVALID_ARGUMENT', details: [] },
    }),
  },
];
