import type { ProviderKind } from '../../../subgraphs/ai/provider-config.ts';

/** How one provider streams: frames of a text, of a call of a tool, and an error after some text. */
export interface StreamScript {
  readonly kind: ProviderKind;
  readonly base: string;
  readonly text: readonly string[];
  readonly toolCall: readonly string[];
  readonly broken: readonly string[];
}

const data = (value: unknown): string => `data: ${JSON.stringify(value)}\n\n`;
const named = (type: string, value: object = {}): string => `event: ${type}\n${data({ type, ...value })}`;

const chunk = (delta: object, more: object = {}) =>
  data({
    ...{ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'model-1' },
    choices: [{ index: 0, delta, finish_reason: null, ...more }],
  });
const usage = { prompt_tokens: 11, completion_tokens: 7, total_tokens: 18 };
const call = {
  index: 0,
  id: 'call_1',
  type: 'function',
  function: { name: 'weather', arguments: '{"city":"Oslo"}' },
};
const last = (reason: string) => [
  chunk({}, { finish_reason: reason }),
  data({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'model-1', choices: [], usage }),
  'data: [DONE]\n\n',
];
const openAi = {
  base: '/v1',
  text: [
    chunk({ role: 'assistant', content: '' }),
    chunk({ content: 'Hello' }),
    chunk({ content: ' world' }),
    ...last('stop'),
  ],
  toolCall: [chunk({ role: 'assistant', tool_calls: [call] }), ...last('tool_calls')],
  broken: [
    chunk({ role: 'assistant', content: 'Hello' }),
    data({ error: { message: 'provider says things', type: 'server_error', param: null, code: null } }),
  ],
};
const withUsage = (reason: string) => [
  data({
    ...{ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'model-1', usage },
    choices: [{ index: 0, delta: { content: '' }, finish_reason: reason }],
  }),
  'data: [DONE]\n\n',
];

const started = named('message_start', {
  message: {
    ...{ id: 'm', type: 'message', role: 'assistant', model: 'model-1', content: [], stop_reason: null },
    usage: { input_tokens: 11, output_tokens: 1 },
  },
});
const block = (content: object, deltas: readonly object[]) => [
  named('content_block_start', { index: 0, content_block: content }),
  'event: ping\ndata: {"type":"ping"}\n\n',
  ...deltas.map((delta) => named('content_block_delta', { index: 0, delta })),
  named('content_block_stop', { index: 0 }),
];
const stopped = (reason: string) => [
  named('message_delta', {
    delta: { stop_reason: reason, stop_sequence: null },
    usage: { output_tokens: 7 },
  }),
  named('message_stop'),
];
const texts = ['Hello', ' world'].map((text) => ({ type: 'text_delta', text }));

const gemini = (parts: readonly object[], more: object = {}) =>
  data({
    candidates: [{ content: { role: 'model', parts }, index: 0, ...more }],
    usageMetadata: { promptTokenCount: 11, candidatesTokenCount: 7, totalTokenCount: 18 },
    modelVersion: 'model-1',
  });

/** All that the schema can be asked of by streaming, in each provider's words. */
export const STREAM_SCRIPTS: readonly StreamScript[] = [
  { kind: 'openai', ...openAi },
  { kind: 'openai-compatible', ...openAi },
  {
    kind: 'mistral',
    ...openAi,
    text: [
      chunk({ role: 'assistant', content: 'Hello' }),
      chunk({ content: ' world' }),
      ...withUsage('stop'),
    ],
    toolCall: [chunk({ role: 'assistant', content: '', tool_calls: [call] }), ...withUsage('tool_calls')],
  },
  {
    kind: 'anthropic',
    base: '/v1',
    text: [started, ...block({ type: 'text', text: '' }, texts), ...stopped('end_turn')],
    toolCall: [
      started,
      ...block({ type: 'tool_use', id: 'call_1', name: 'weather', input: {} }, [
        { type: 'input_json_delta', partial_json: '{"city":' },
        { type: 'input_json_delta', partial_json: '"Oslo"}' },
      ]),
      ...stopped('tool_use'),
    ],
    broken: [
      started,
      ...block({ type: 'text', text: '' }, texts.slice(0, 1)),
      named('error', { error: { type: 'overloaded_error', message: 'provider says things' } }),
    ],
  },
  {
    kind: 'google',
    base: '/v1beta',
    text: [gemini([{ text: 'Hello' }]), gemini([{ text: ' world' }], { finishReason: 'STOP' })],
    toolCall: [
      gemini([{ functionCall: { name: 'weather', args: { city: 'Oslo' } } }], { finishReason: 'STOP' }),
    ],
    broken: [gemini([{ text: 'Hello' }]), 'data: {"not json\n\n'],
  },
];
