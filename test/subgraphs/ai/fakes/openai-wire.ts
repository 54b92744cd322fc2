import { data, type Json, PROVIDER_TEXT, type StreamScript, type WireFormat } from './wire-format.ts';

const WEATHER_CALL = {
  id: 'call_1',
  type: 'function',
  function: { name: 'weather', arguments: '{"city":"Oslo"}' },
};
const USAGE = { prompt_tokens: 11, completion_tokens: 7, total_tokens: 18 };

function completion(message: object, finishReason: string): object {
  return {
    ...{ id: 'chatcmpl-1', object: 'chat.completion', created: 1_700_000_000, model: 'model-1' },
    choices: [{ index: 0, message: { role: 'assistant', ...message }, finish_reason: finishReason }],
    usage: USAGE,
  };
}

function chunk(delta: object, more: object = {}, top: object = {}): string {
  return data({
    ...{ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'model-1', ...top },
    choices: [{ index: 0, delta, finish_reason: null, ...more }],
  });
}

const saying = (...texts: readonly string[]) => [
  chunk({ role: 'assistant', content: '' }),
  ...texts.map((content) => chunk({ content })),
];
const calling = chunk({ role: 'assistant', content: '', tool_calls: [{ index: 0, ...WEATHER_CALL }] });

/** The usage comes by itself, after the last choice. */
const ending = (reason: string) => [
  chunk({}, { finish_reason: reason }),
  data({
    ...{ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'model-1', choices: [] },
    usage: USAGE,
  }),
  'data: [DONE]\n\n',
];
/** The usage comes with the last choice. */
const endingAtOnce = (reason: string) => [
  chunk({ content: '' }, { finish_reason: reason }, { usage: USAGE }),
  'data: [DONE]\n\n',
];

function scriptWith(end: (reason: string) => readonly string[]): StreamScript {
  return {
    text: [...saying('Hello', ' world'), ...end('stop')],
    cut: [...saying('Hello', ' world'), ...end('length')],
    toolCall: [calling, ...end('tool_calls')],
    structured: (json) => [...saying(json.slice(0, 5), json.slice(5)), ...end('stop')],
    broken: [
      ...saying('Hello'),
      data({ error: { message: PROVIDER_TEXT, type: 'server_error', param: null, code: null } }),
    ],
  };
}

const openAi = {
  base: '/v1',
  chatPath: '/v1/chat/completions',
  embedPath: '/v1/embeddings',
  embedTextsMax: 2048,
  keyHeader: 'authorization',
  keyValue: (key: string) => `Bearer ${key}`,
  outputTokensMax: (body: Json) => body['max_tokens'] ?? body['max_completion_tokens'],
  chat: (content: string) => completion({ content }, 'stop'),
  cut: (content: string) => completion({ content }, 'length'),
  toolCall: completion({ content: null, tool_calls: [WEATHER_CALL] }, 'tool_calls'),
  structured: (content: string) => completion({ content }, 'stop'),
  filtered: (content: string) => completion({ content }, 'content_filter'),
  refusal: (refusal: string) => completion({ content: null, refusal }, 'stop'),
  thinks: /"reasoning_effort":"low"/u,
  embed: (vectors: readonly (readonly number[])[]) => ({
    ...{ id: 'embd-1', object: 'list', model: 'embedder' },
    data: vectors.map((embedding, index) => ({ object: 'embedding', index, embedding })),
    usage: { prompt_tokens: 5, total_tokens: 5 },
  }),
  embedUsageMissing: false,
  error: (_status: number, message: string) => ({
    error: { message, type: 'invalid_request_error', param: null, code: null },
  }),
  overloaded: 503,
  stream: scriptWith(ending),
};

/** Source: OpenAI API reference, "Chat" and "Embeddings". */
export const OPENAI: WireFormat = { ...openAi, kind: 'openai' };

/** As Ollama, vLLM and others speak it. */
export const OPENAI_COMPATIBLE: WireFormat = { ...openAi, kind: 'openai-compatible' };

/** Source: Mistral API reference, "Chat Completion" and "Embeddings". */
export const MISTRAL: WireFormat = {
  ...openAi,
  kind: 'mistral',
  embedTextsMax: 32,
  ...{ filtered: null, refusal: null, thinks: null },
  error: (_status, message) => ({ object: 'error', message, type: 'invalid', param: null, code: '1' }),
  stream: scriptWith(endingAtOnce),
};
