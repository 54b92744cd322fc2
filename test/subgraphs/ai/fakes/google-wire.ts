import { data, type Json, type WireFormat } from './wire-format.ts';

const WEATHER_CALL = { functionCall: { name: 'weather', args: { city: 'Oslo' } } };

function answer(parts: readonly object[], more: object = {}): object {
  return {
    candidates: [{ content: { role: 'model', parts }, index: 0, ...more }],
    usageMetadata: { promptTokenCount: 11, candidatesTokenCount: 7, totalTokenCount: 18 },
    ...{ modelVersion: 'model-1', responseId: 'response-1' },
  };
}

const saying = (text: string, finishReason: string) => answer([{ text }], { finishReason });
const frames = (texts: readonly string[], finishReason: string) =>
  texts.map((text, index) => data(answer([{ text }], index === texts.length - 1 ? { finishReason } : {})));

/** Source: Gemini API reference, "Generating content" and "Embeddings". */
export const GOOGLE: WireFormat = {
  kind: 'google',
  base: '/v1beta',
  chatPath: '/v1beta/models/model-1:generateContent',
  embedPath: '/v1beta/models/embedder:batchEmbedContents',
  embedTextsMax: 100,
  keyHeader: 'x-goog-api-key',
  keyValue: (key) => key,
  outputTokensMax: (body) => (body['generationConfig'] as Json)['maxOutputTokens'],
  chat: (text) => saying(text, 'STOP'),
  cut: (text) => saying(text, 'MAX_TOKENS'),
  toolCall: answer([WEATHER_CALL], { finishReason: 'STOP' }),
  structured: (json) => saying(json, 'STOP'),
  filtered: (text) => saying(text, 'SAFETY'),
  refusal: null,
  thinks: /"thinkingConfig":/u,
  embed: (vectors) => ({ embeddings: vectors.map((values) => ({ values })) }),
  embedUsageMissing: true,
  error: (status, message) => ({
    error: { code: status, message, status: 'INVALID_ARGUMENT', details: [] },
  }),
  overloaded: 503,
  stream: {
    text: frames(['Hello', ' world'], 'STOP'),
    cut: frames(['Hello', ' world'], 'MAX_TOKENS'),
    toolCall: [data(answer([WEATHER_CALL], { finishReason: 'STOP' }))],
    structured: (json) => frames([json.slice(0, 5), json.slice(5)], 'STOP'),
    broken: [data(answer([{ text: 'Hello' }])), 'data: {"not json\n\n'],
  },
};
