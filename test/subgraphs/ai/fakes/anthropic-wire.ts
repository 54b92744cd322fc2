import { data, type Json, PROVIDER_TEXT, type WireFormat } from './wire-format.ts';

const WEATHER_CALL = { type: 'tool_use', id: 'call_1', name: 'weather', input: { city: 'Oslo' } };

function message(content: readonly object[], stopReason: string): object {
  return {
    ...{ id: 'msg_1', type: 'message', role: 'assistant', model: 'model-1' },
    ...{ content, stop_reason: stopReason, stop_sequence: null },
    usage: {
      ...{ input_tokens: 11, output_tokens: 7 },
      ...{ cache_creation_input_tokens: 0, cache_read_input_tokens: 0 },
    },
  };
}

const saying = (text: string, stopReason: string) => message([{ type: 'text', text }], stopReason);

const named = (type: string, value: object = {}): string => `event: ${type}\n${data({ type, ...value })}`;
const STARTED = named('message_start', {
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
const texts = (...parts: readonly string[]) =>
  block(
    { type: 'text', text: '' },
    parts.map((text) => ({ type: 'text_delta', text })),
  );
const using = (name: string, ...parts: readonly string[]) =>
  block(
    { type: 'tool_use', id: 'call_1', name, input: {} },
    parts.map((json) => ({ type: 'input_json_delta', partial_json: json })),
  );
const stopped = (reason: string) => [
  named('message_delta', {
    delta: { stop_reason: reason, stop_sequence: null },
    usage: { output_tokens: 7 },
  }),
  named('message_stop'),
];

/** Models that know no schema are asked by a tool whose input has it. */
const isAskedByTool = ({ tools }: Json): boolean => JSON.stringify(tools ?? []).includes('"name":"json"');

/** Source: Anthropic API reference, "Messages" and "Streaming messages". */
export const ANTHROPIC: WireFormat = {
  kind: 'anthropic',
  base: '/v1',
  chatPath: '/v1/messages',
  embedPath: null,
  embedTextsMax: 0,
  keyHeader: 'x-api-key',
  keyValue: (key) => key,
  outputTokensMax: (body) => body['max_tokens'],
  chat: (text) => saying(text, 'end_turn'),
  cut: (text) => saying(text, 'max_tokens'),
  toolCall: message([WEATHER_CALL], 'tool_use'),
  structured: (json, request) =>
    isAskedByTool(request)
      ? message([{ ...WEATHER_CALL, name: 'json', input: JSON.parse(json) as unknown }], 'tool_use')
      : saying(json, 'end_turn'),
  filtered: null,
  refusal: (text) => saying(text, 'refusal'),
  thinks: /"thinking":/u,
  embed: () => ({}),
  embedUsageMissing: false,
  error: (_status, text) => ({
    type: 'error',
    error: { type: 'invalid_request_error', message: text },
    request_id: 'req_1',
  }),
  overloaded: 529,
  stream: {
    text: [STARTED, ...texts('Hello', ' world'), ...stopped('end_turn')],
    cut: [STARTED, ...texts('Hello', ' world'), ...stopped('max_tokens')],
    toolCall: [STARTED, ...using('weather', '{"city":', '"Oslo"}'), ...stopped('tool_use')],
    structured: (json, request) =>
      isAskedByTool(request)
        ? [STARTED, ...using('json', json.slice(0, 5), json.slice(5)), ...stopped('tool_use')]
        : [STARTED, ...texts(json), ...stopped('end_turn')],
    broken: [
      STARTED,
      ...texts('Hello'),
      named('error', { error: { type: 'overloaded_error', message: PROVIDER_TEXT } }),
    ],
  },
};
