import { expect } from 'vitest';
import type { ChatInput } from '../../../../subgraphs/ai/ai-input.ts';
import type { ChatFailure, ChatFinishReason } from '../../../../subgraphs/ai/chat-answer.ts';
import type { AttemptOutcome } from '../../../../subgraphs/ai/routing/attempt-outcome.ts';
import type { ProviderAnswer } from './provider-fake.ts';
import { type Json, PROVIDER_TEXT, type WireFormat } from './wire-format.ts';

export const PROMPT = 'the secret recipe';
export const HELLO = 'Hello world';
const HOURS = '{"hours":9}';
const TOOL = { name: 'weather', parameters: '{"type":"object","properties":{"city":{"type":"string"}}}' };
const SCHEMA = '{"type":"object","properties":{"hours":{"type":"number"}},"required":["hours"]}';
const PAGE = '<html><body>502 Bad Gateway</body></html>';

type Answering = (format: WireFormat, request: Json) => ProviderAnswer;

/** What a provider does, whoever it is, and what is told of it by whichever format. */
export interface Behaviour {
  readonly name: string;
  readonly input?: Partial<ChatInput>;
  readonly timeoutMs?: number;
  readonly whole: Answering;
  /** Default: as `whole`. */
  readonly streamed?: Answering;
  /** What a stream had told before it failed. */
  readonly textBefore?: string;
  readonly expected: {
    readonly text: string;
    readonly toolCalls: readonly unknown[];
    readonly finishReason: ChatFinishReason;
    readonly usage?: object;
    readonly failure: ChatFailure | null;
    readonly outcomes: readonly AttemptOutcome[];
    readonly status?: (format: WireFormat) => number;
    readonly finish: string;
    readonly source: readonly string[];
  };
}

const USAGE = {
  ...{ inputTokens: 11, outputTokens: 7, totalTokens: 18, estimated: false },
  ...{ cacheReadTokens: 0, cacheWriteTokens: 0, reasoningTokens: 0 },
};
const ANSWERED = {
  ...{ text: HELLO, toolCalls: [], finishReason: 'STOP' as const, usage: USAGE, failure: null },
  ...{ outcomes: ['ANSWERED' as const], finish: 'answered', source: ['provider'] },
};
const failed = (
  outcomes: readonly AttemptOutcome[],
  failure: Partial<ChatFailure> = {},
): Behaviour['expected'] => ({
  ...{ text: '', toolCalls: [], finishReason: 'ERROR', outcomes, finish: 'failed', source: ['estimated'] },
  failure: { code: 'AI_PROVIDER_ERROR', retryable: true, retryAfterSeconds: null, ...failure },
});

const body = (make: (format: WireFormat, request: Json) => unknown): Answering => {
  return (format, request) => ({ status: 200, body: make(format, request) });
};
const frames = (make: (format: WireFormat, request: Json) => readonly string[]): Answering => {
  return (format, request) => ({ frames: make(format, request), after: 'end' });
};
const refusing =
  (statusOf: (format: WireFormat) => number): Answering =>
  (format) => ({
    ...{ status: statusOf(format), headers: { 'retry-after': '7' } },
    body: format.error(statusOf(format), `${PROVIDER_TEXT} ${PROMPT}`),
  });
const refused = (
  name: string,
  statusOf: (format: WireFormat) => number,
  expected: Behaviour['expected'],
): Behaviour => ({ name, whole: refusing(statusOf), expected: { ...expected, status: statusOf } });

/** The same list for every format. */
export const BEHAVIOURS: readonly Behaviour[] = [
  {
    name: 'answers',
    whole: body((format) => format.chat(HELLO)),
    streamed: frames(({ stream }) => stream.text),
    expected: ANSWERED,
  },
  {
    name: 'is cut at the bound of the output',
    whole: body((format) => format.cut(HELLO)),
    streamed: frames(({ stream }) => stream.cut),
    expected: { ...ANSWERED, finishReason: 'LENGTH' },
  },
  {
    name: 'calls a tool',
    input: { tools: [TOOL] },
    whole: body(({ toolCall }) => toolCall),
    streamed: frames(({ stream }) => stream.toolCall),
    expected: {
      ...ANSWERED,
      ...{ text: '', finishReason: 'TOOL_CALLS' },
      toolCalls: [{ id: expect.any(String), name: 'weather', arguments: '{"city":"Oslo"}' }],
    },
  },
  {
    name: 'answers by a schema',
    input: { responseSchema: SCHEMA },
    whole: body((format, request) => format.structured(HOURS, request)),
    streamed: frames(({ stream }, request) => stream.structured(HOURS, request)),
    expected: { ...ANSWERED, text: HOURS },
  },
  {
    name: 'answers with a text where a schema was asked for',
    input: { responseSchema: SCHEMA },
    whole: body((format) => format.chat(HELLO)),
    streamed: frames(({ stream }) => stream.text),
    expected: ANSWERED,
  },
  refused('takes no more requests', () => 429, {
    ...failed(['RATE_LIMITED'], { code: 'AI_PROVIDER_RATE_LIMITED', retryAfterSeconds: 7 }),
    source: ['refunded'],
  }),
  refused('fails', () => 500, failed(['PROVIDER_ERROR'], { retryAfterSeconds: 7 })),
  refused(
    'has too much to do',
    ({ overloaded }) => overloaded,
    failed(['OVERLOADED'], { retryAfterSeconds: 7 }),
  ),
  refused('does not take the request', () => 400, {
    ...failed(['REQUEST_REFUSED'], { retryable: false }),
    source: ['refunded'],
  }),
  refused('does not take the key', () => 401, {
    ...failed(['CREDENTIAL_REFUSED'], { retryable: false }),
    source: ['refunded'],
  }),
  {
    name: 'tells an error in the middle',
    whole: () => ({ status: 500, body: { error: PROVIDER_TEXT } }),
    streamed: (format) => ({ frames: format.stream.broken, after: 'end' }),
    textBefore: 'Hello',
    expected: failed(['PROVIDER_ERROR', 'MALFORMED']),
  },
  {
    name: 'is cut off in the middle',
    whole: (format) => ({
      raw: JSON.stringify(format.chat(HELLO)).slice(0, 40),
      ...{ contentType: 'application/json', whole: false },
    }),
    streamed: ({ stream }) => ({ frames: stream.broken.slice(0, -1), after: 'held' }),
    textBefore: 'Hello',
    expected: failed(['UNREACHABLE', 'MALFORMED']),
  },
  {
    name: 'answers with a page',
    whole: () => ({ raw: PAGE, contentType: 'text/html', whole: true }),
    expected: failed(['MALFORMED']),
  },
  {
    name: 'answers with what is JSON and no answer',
    whole: () => ({ status: 200, body: { choices: PROVIDER_TEXT, content: 7, candidates: PROVIDER_TEXT } }),
    streamed: () => ({
      frames: [`data: {"choices":"${PROVIDER_TEXT}","type":7,"candidates":7}\n\n`],
      after: 'end',
    }),
    expected: failed(['MALFORMED', 'PROVIDER_ERROR']),
  },
  {
    name: 'does not begin in its time',
    timeoutMs: 60,
    whole: () => 'silence',
    streamed: () => ({ frames: [], after: 'silence' }),
    expected: { ...failed(['TIMEOUT'], { code: 'AI_TIMEOUT' }), source: ['estimated', 'refunded'] },
  },
];
