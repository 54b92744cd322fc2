import { createOpenAI } from '@ai-sdk/openai';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { assert, asyncProperty, constantFrom, record, string } from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import type { ChatInput } from '../../../subgraphs/ai/ai-input.ts';
import { type ChatModel, chatCall } from '../../../subgraphs/ai/chat-call.ts';
import { type ModelMaker, plainChats } from '../../../subgraphs/ai/plain-chats.ts';
import { readPlainCompletion } from '../../../subgraphs/ai/plain-completion.ts';

type Fetch = typeof globalThis.fetch;
type Json = Record<string, unknown>;

const SETTINGS = { apiKey: 'sk-key', baseURL: 'http://provider.test/v1' };
const MAKERS: readonly (readonly [string, ModelMaker])[] = [
  ['openai', (fetch) => createOpenAI({ ...SETTINGS, fetch }).chat],
  [
    'openai-compatible',
    (fetch) => createOpenAICompatible({ ...SETTINGS, name: 'house', includeUsage: true, fetch }).chatModel,
  ],
];

beforeAll(() => {
  globalThis.AI_SDK_LOG_WARNINGS = false;
});

interface Sent {
  readonly url: string;
  readonly headers: Json;
  readonly body: unknown;
}

/** A provider that says one thing, and all that it was sent. */
function provider(say: () => Response | Promise<Response>): { readonly fetch: Fetch; readonly sent: Sent[] } {
  const sent: Sent[] = [];
  return {
    sent,
    fetch: async (url, { headers, body } = {}) => {
      sent.push({
        url: String(url),
        headers: Object.fromEntries(new Headers(headers)),
        body: JSON.parse(String(body)),
      });
      return say();
    },
  };
}

const json = (value: unknown, status = 200) => new Response(JSON.stringify(value), { status });
const message = { role: 'assistant', content: 'Hello', refusal: null, annotations: [] };
const choice = { index: 0, message, logprobs: null, finish_reason: 'stop' };
const usage = { prompt_tokens: 11, completion_tokens: 7, total_tokens: 18 };
const details = {
  prompt_tokens_details: { cached_tokens: 4, audio_tokens: 0 },
  completion_tokens_details: { reasoning_tokens: 2 },
};
const frame = { id: 'c', object: 'chat.completion', created: 1, model: 'm', choices: [choice], usage };
const saying = (more: Json) => ({ ...frame, choices: [{ ...choice, message: { ...message, ...more } }] });
const ending = (more: Json) => ({ ...frame, choices: [{ ...choice, ...more }] });
const { usage: _, ...unmetered } = frame;
const call = { id: 'call', type: 'function', function: { name: 'f', arguments: '{}' } };

const PLAIN: readonly Json[] = [
  frame,
  saying({ content: 'é "quoted" \n 日本' }),
  ending({ finish_reason: 'length' }),
  { ...frame, usage: { ...usage, ...details }, system_fingerprint: null, service_tier: 'default' },
];
/** What is not one text of the assistant, or has anything more or less to it. */
const ODD: readonly unknown[] = [
  ...[null, [], 'text', {}, { error: { message: 'no', type: 'x', param: null, code: null } }],
  ...[
    { ...frame, id: 7 },
    { ...frame, created: 'now' },
    { ...frame, choices: [] },
    { ...frame, more: 1 },
  ],
  ...[{ ...frame, choices: [choice, choice] }, unmetered, { ...frame, usage: null }],
  ...[ending({ finish_reason: null }), ending({ finish_reason: 'content_filter' }), ending({ index: 'x' })],
  ...[ending({ finish_reason: 'tool_calls' }), ending({ logprobs: { content: [] } }), ending({ more: {} })],
  ...[
    saying({ content: null }),
    saying({ content: '' }),
    saying({ content: ['x'] }),
    saying({ role: 'user' }),
  ],
  ...[saying({ refusal: 'I will not.' }), saying({ tool_calls: [call] }), saying({ content: 7 })],
  ...[
    saying({ reasoning_content: 'hm' }),
    saying({ audio: { transcript: 'la' } }),
    saying({ annotations: 7 }),
  ],
  ...[
    { ...frame, usage: { ...usage, prompt_tokens: -1 } },
    { ...frame, usage: { ...usage, completion_tokens: 1.5 } },
  ],
  ...[{ ...frame, usage: { ...usage, prompt_tokens_details: { cache_write_tokens: 3 } } }],
  ...[{ ...frame, usage: { ...usage, completion_tokens_details: [] } }],
  saying({ content: 'the constructor' }),
];

/** What a model does of which somebody makes something. */
async function outcome(model: ChatModel, input: ChatInput) {
  try {
    const {
      content,
      finishReason,
      usage: told,
    } = await model.doGenerate(chatCall(input, AbortSignal.timeout(60_000)));
    const { raw: _raw, ...counts } = told;
    const parts = content.map((part) => ({ ...part, providerMetadata: undefined, id: undefined }));
    return { parts, finishReason, counts };
  } catch (thrown) {
    const { name, message: said, statusCode = null } = thrown as Error & { statusCode?: number };
    return { name, said, statusCode };
  }
}

const INPUT: ChatInput = {
  ...{ model: 'house/m', maxOutputTokens: 77 },
  messages: [{ role: 'USER', content: 'hi' }],
};

describe('reading an answer past the library', () => {
  it.each(PLAIN.map((answer) => [JSON.stringify(answer)]))('reads %s', (text) => {
    expect(readPlainCompletion(text)?.content).toHaveLength(1);
  });

  it.each([
    ...ODD.map((answer) => [JSON.stringify(answer)]),
    ['not JSON'],
    [`{"__proto__":1,${JSON.stringify(frame).slice(1)}`],
    [`{"\\u005f_pr\\u006fto__":1,${JSON.stringify(frame).slice(1)}`],
  ])('leaves %s to the library', (text) => {
    expect(readPlainCompletion(text)).toBeNull();
  });
});

describe.each(MAKERS)('a plain chat with a model of %s', (_kind, make) => {
  it('is sent as the library sends it', async () => {
    const text = string({ minLength: 1, maxLength: 20 });
    const setting = record(
      {
        temperature: constantFrom(0, 0.7, 2),
        topP: constantFrom(0.1, 1),
        seed: constantFrom(0, 42),
        stop: constantFrom(['x'], ['x', 'y']),
        system: text,
      },
      { requiredKeys: [] },
    );
    await assert(
      asyncProperty(setting, text, text, async ({ system, ...given }, first, second) => {
        const input: ChatInput = {
          ...{ ...INPUT, ...given },
          messages: [
            ...(system === undefined ? [] : [{ role: 'SYSTEM' as const, content: system }]),
            ...[
              { role: 'USER' as const, content: first },
              { role: 'ASSISTANT' as const, content: second },
            ],
            { role: 'USER', content: first },
          ],
        };
        const [one, other] = [provider(() => json(frame)), provider(() => json(frame))];
        await outcome(plainChats(make, one.fetch)('model-1'), input);
        await outcome(make(other.fetch)('model-1'), input);
        expect(one.sent).toHaveLength(1);
        expect(one.sent).toEqual(other.sent);
      }),
      { numRuns: 40 },
    );
  });

  it.each([...PLAIN, ...ODD].map((answer) => [JSON.stringify(answer)]))(
    'is answered by %s as by the library',
    async (text) => {
      const [one, other] = [provider(() => new Response(text)), provider(() => new Response(text))];
      const told = await outcome(plainChats(make, one.fetch)('model-1'), INPUT);
      expect(told).toEqual(await outcome(make(other.fetch)('model-1'), INPUT));
      expect(one.sent).toHaveLength(1);
    },
  );

  it.each([
    ['is refused', () => json({ error: { message: 'slow down', type: 'x', param: null, code: null } }, 429)],
    ['is answered by a page', () => new Response('<html>', { status: 502 })],
    ['is answered by no JSON', () => new Response('{"choices":')],
    [
      'reaches nobody',
      () => Promise.reject(new TypeError('fetch failed', { cause: new Error('ECONNREFUSED') })),
    ],
    ['is ended', () => Promise.reject(new DOMException('over', 'AbortError'))],
    [
      'breaks off',
      () =>
        new Response(
          new ReadableStream({
            start: (controller) => {
              controller.enqueue(new TextEncoder().encode('{"choices"'));
              controller.error(new TypeError('terminated'));
            },
          }),
        ),
    ],
  ] as const)('that %s fails as by the library, sent once', async (_how, say) => {
    const [one, other] = [provider(say), provider(say)];
    const told = await outcome(plainChats(make, one.fetch)('model-1'), INPUT);
    expect(told).toEqual(await outcome(make(other.fetch)('model-1'), INPUT));
    expect(told).toHaveProperty('name');
    expect(one.sent).toHaveLength(1);
  });

  it.each([
    ['a tool', { tools: [{ name: 'f', parameters: '{"type":"object"}' }] }],
    ['a schema', { responseSchema: '{"type":"object"}' }],
    ['an effort', { reasoningEffort: 'LOW' }],
    ['an empty text', { messages: [{ role: 'USER', content: '' }] }],
  ] satisfies readonly (readonly [string, Partial<ChatInput>])[])(
    'with %s is the library’s',
    async (_what, more) => {
      const [one, other] = [provider(() => json(frame)), provider(() => json(frame))];
      await outcome(plainChats(make, one.fetch)('model-1'), { ...INPUT, ...more });
      await outcome(make(other.fetch)('model-1'), { ...INPUT, ...more });
      expect(one.sent).toEqual(other.sent);
    },
  );
});

it('leaves models to the library that take other parameters', async () => {
  const [, make] = MAKERS[0] ?? expect.unreachable();
  const { fetch, sent } = provider(() => json(frame));
  const model = plainChats(make, fetch)('o3-mini');
  await outcome(model, INPUT);
  await outcome(model, INPUT);
  expect(sent.map(({ body }) => body)).toEqual([
    expect.objectContaining({ max_completion_tokens: 77 }),
    expect.objectContaining({ max_completion_tokens: 77 }),
  ]);
});
