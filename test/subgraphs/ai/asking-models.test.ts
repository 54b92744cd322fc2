import { GraphQLError } from 'graphql';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ProviderFailure } from '../../../subgraphs/ai/ai-error.ts';
import type { ChatInput } from '../../../subgraphs/ai/ai-input.ts';
import type { ChatFailure, ChatResult } from '../../../subgraphs/ai/chat-answer.ts';
import { clientOf, type ModelClient } from './client-kit.ts';
import { PNG_1X1 } from './images.ts';
import { type ProviderFake, startProviderFake } from './provider-fake.ts';
import { WIRE_FORMATS, type WireFormat } from './wire-formats.ts';

const PROMPT = 'the secret recipe';
const KEY = 'sk-very-secret-key';
const PROVIDER_TEXT = 'provider says things';
const INPUT: ChatInput = {
  model: 'house/model-1',
  messages: [
    { role: 'SYSTEM', content: 'Be brief.' },
    { role: 'USER', content: PROMPT },
  ],
  maxOutputTokens: 77,
  temperature: 0.5,
};
let fake: ProviderFake;
let failures: ProviderFailure[];

beforeAll(() => {
  globalThis.AI_SDK_LOG_WARNINGS = false;
});
beforeEach(async () => {
  fake = await startProviderFake();
  failures = [];
});
afterEach(() => fake.close());

function clientFor(format: WireFormat, timeoutMs = 10_000): ModelClient {
  const embedder = { id: 'embedder', capabilities: ['EMBEDDINGS'] };
  const models = [
    { id: 'model-1', capabilities: ['CHAT'], contextWindow: 1000 },
    { id: 'seer', capabilities: ['CHAT', 'IMAGES', 'REASONING'] },
    ...(format.embedPath === null ? [] : [embedder]),
  ];
  const house = { kind: format.kind, apiKey: KEY, baseURL: fake.url + format.base, models };
  return clientOf(house, { timeoutMs, failures });
}

async function thrownBy(call: Promise<unknown>): Promise<GraphQLError> {
  const error = await call.then(
    () => expect.unreachable('the call succeeds'),
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(GraphQLError);
  return error as GraphQLError;
}

/** Why a chat came to nothing. */
async function failureOf(call: Promise<ChatResult>): Promise<ChatFailure | null> {
  const result = await call;
  expect(result).toMatchObject({ text: '', toolCalls: [], finishReason: 'ERROR' });
  for (const secret of [PROMPT, KEY, PROVIDER_TEXT])
    expect(JSON.stringify([result, failures])).not.toContain(secret);
  return result.failure;
}

function expectNothingSecret(error: GraphQLError): void {
  const told = [
    JSON.stringify(error),
    error.stack ?? '',
    JSON.stringify(Object.getOwnPropertyDescriptors(error)),
    JSON.stringify(failures),
  ].join(' ');
  for (const secret of [PROMPT, KEY, PROVIDER_TEXT]) expect(told).not.toContain(secret);
  expect(error.cause).toBeUndefined();
  expect(error.originalError).toBeUndefined();
}

describe.each(WIRE_FORMATS)('asking $kind', (format) => {
  it('sends the conversation, its bound and its key, and reads text and usage', async () => {
    fake.answer = () => ({ status: 200, body: format.chat('Forty-two.') });
    const result = await clientFor(format).chat(INPUT);
    expect(result).toMatchObject({
      text: 'Forty-two.',
      finishReason: 'STOP',
      usage: {
        ...{ inputTokens: 11, outputTokens: 7, totalTokens: 18, estimated: false },
        ...{ cacheReadTokens: 0, cacheWriteTokens: 0, reasoningTokens: 0 },
      },
      model: { id: 'house/model-1', provider: 'house', contextWindow: 1000, offline: false },
    });
    const [request] = fake.requests;
    expect(request?.path).toBe(format.chatPath);
    expect(request?.headers[format.keyHeader]).toBe(format.keyValue(KEY));
    expect(format.outputTokensMax(request?.body ?? {})).toBe(77);
    expect(JSON.stringify(request?.body)).toContain(PROMPT);
    expect(JSON.stringify(request?.body)).toContain('Be brief.');
  });

  it('says when the answer was cut', async () => {
    fake.answer = () => ({ status: 200, body: format.cut('Forty') });
    expect((await clientFor(format).chat(INPUT)).finishReason).toBe('LENGTH');
  });

  it('says when the model refuses, and when the provider withholds', async () => {
    for (const [body, reason] of [
      [format.filtered?.('I must not.'), 'CONTENT_FILTER'],
      [format.refusal?.('I would rather not.'), 'REFUSAL'],
    ] as const) {
      if (body === undefined) continue;
      fake.answer = () => ({ status: 200, body });
      const result = await clientFor(format).chat(INPUT);
      expect(result).toMatchObject({ finishReason: reason, failure: null });
      expect(result.text).not.toBe('');
    }
  });

  it('shows an image by its bytes, and tells how hard to think', async () => {
    fake.answer = () => ({ status: 200, body: format.chat('A dot.') });
    const images = [{ mediaType: 'PNG', data: PNG_1X1 }] as const;
    const messages = [{ role: 'USER', content: 'What is it?', images }] as const;
    const seen = await clientFor(format).chat({
      ...{ ...INPUT, messages, model: 'house/seer', temperature: null, maxOutputTokens: 4096 },
      reasoningEffort: 'LOW',
    });
    expect([seen.text, seen.failure]).toEqual(['A dot.', null]);
    const sent = JSON.stringify(fake.requests[0]?.body);
    expect(sent).toContain(PNG_1X1);
    expect(sent).toMatch(/image\/png/u);
    if (format.thinks !== null) expect(sent).toMatch(format.thinks);
  });

  it.each([
    [
      'an image',
      { messages: [{ role: 'USER', content: 'x', images: [{ mediaType: 'PNG', data: PNG_1X1 }] }] },
    ],
    ['to think', { reasoningEffort: 'HIGH' }],
  ] as const)('refuses %s to a model that cannot, and asks nobody', async (_, part) => {
    const error = await thrownBy(clientFor(format).chat({ ...INPUT, ...part }));
    expect(error.extensions['code']).toBe('BAD_USER_INPUT');
    expect(fake.requests).toEqual([]);
  });

  it.each([
    [400, 'AI_PROVIDER_ERROR', false],
    [401, 'AI_PROVIDER_ERROR', false],
    [429, 'AI_PROVIDER_RATE_LIMITED', true],
    [500, 'AI_PROVIDER_ERROR', true],
    [529, 'AI_PROVIDER_ERROR', true],
  ])('maps status %i to %s without a retry and without a secret', async (status, code, retryable) => {
    const body = format.error(status, `${PROVIDER_TEXT} ${PROMPT} ${KEY}`);
    fake.answer = () => ({ status, body, headers: { 'retry-after': '7' } });
    expect(await failureOf(clientFor(format).chat(INPUT))).toEqual({
      ...{ code, retryable, retryAfterSeconds: status < 429 ? null : 7 },
    });
    expect(failures).toMatchObject([
      { code, model: 'house/model-1', status, errorName: 'AI_APICallError', key: 'config' },
    ]);
    expect(fake.requests).toHaveLength(1);
  });

  it('refuses an answer that is not the wire format', async () => {
    fake.answer = () => ({
      status: 200,
      body: { choices: PROVIDER_TEXT, content: PROVIDER_TEXT, candidates: PROVIDER_TEXT },
    });
    expect((await failureOf(clientFor(format).chat(INPUT)))?.code).toBe('AI_PROVIDER_ERROR');
  });

  it('gives up a provider that stays silent', async () => {
    fake.answer = () => 'silence';
    expect(await failureOf(clientFor(format, 50).chat(INPUT))).toEqual({
      ...{ code: 'AI_TIMEOUT', retryable: true, retryAfterSeconds: null },
    });
  });
});

describe.each(WIRE_FORMATS.filter((format) => format.embedPath !== null))('embedding by $kind', (format) => {
  const input = { model: 'house/embedder', texts: ['one text', 'two texts'] };

  it('gives a vector for each text, in order, with usage counted where none is reported', async () => {
    fake.answer = () => ({
      status: 200,
      body: format.embed([
        [1, 0],
        [0, 1],
      ]),
    });
    const result = await clientFor(format).embed(input);
    expect(fake.requests[0]?.path).toBe(format.embedPath);
    expect(result.embeddings).toEqual([
      { index: 0, vector: [1, 0] },
      { index: 1, vector: [0, 1] },
    ]);
    expect(result.dimensions).toBe(2);
    expect(result.usage.estimated).toBe(format.embedUsageMissing);
    expect(result.usage.inputTokens).toBe(format.embedUsageMissing ? 5 : 5);
  });

  it('maps a refusal without a secret', async () => {
    fake.answer = () => ({ status: 429, body: format.error(429, `${PROVIDER_TEXT} one text`) });
    const error = await thrownBy(clientFor(format).embed(input));
    expect(error.extensions).toEqual({ code: 'AI_PROVIDER_RATE_LIMITED', retryable: true });
    expectNothingSecret(error);
  });
});

describe('the model client', () => {
  const [openai] = WIRE_FORMATS;
  const client = (): ModelClient => clientFor(openai ?? expect.unreachable('there is a format'));

  it.each([
    'house/model-2',
    'house/embedder',
    'nobody/model-1',
    'portcullis/offline-embedding',
    'house/constructor',
    '__proto__/offline',
    'model-1',
    '',
  ])('refuses to chat with "%s" and asks nobody', async (model) => {
    const error = await thrownBy(client().chat({ ...INPUT, model }));
    expect(error.extensions['code']).toBe('AI_MODEL_UNKNOWN');
    expect(fake.requests).toEqual([]);
    expect(failures).toEqual([]);
  });

  it.each(['house/model-1', 'portcullis/offline', 'toString'])(
    'refuses to embed with "%s"',
    async (model) => {
      const error = await thrownBy(client().embed({ model, texts: ['text'] }));
      expect(error.extensions['code']).toBe('AI_MODEL_UNKNOWN');
    },
  );

  it('counts usage itself where the provider reports none or nonsense', async () => {
    for (const usage of [undefined, { prompt_tokens: -5, completion_tokens: 1e12 }]) {
      const body = { ...(openai?.chat('Forty-two.') as object), usage };
      fake.answer = () => ({ status: 200, body });
      expect((await client().chat(INPUT)).usage).toMatchObject({
        inputTokens: 8,
        outputTokens: 4,
        totalTokens: 12,
        estimated: true,
      });
    }
  });

  it('follows no redirect with its key', async () => {
    const elsewhere = await startProviderFake();
    fake.answer = () => ({
      status: 307,
      body: {},
      headers: { location: `${elsewhere.url}/v1/chat/completions` },
    });
    const failure = await failureOf(client().chat(INPUT));
    await elsewhere.close();
    expect(failure?.code).toBe('AI_PROVIDER_ERROR');
    expect(elsewhere.requests).toEqual([]);
  });

  it('refuses an answer that is larger than the bound', async () => {
    fake.answer = () => ({ status: 200, body: openai?.chat('x'.repeat(9 * 1024 * 1024)) });
    expect((await failureOf(client().chat(INPUT)))?.code).toBe('AI_PROVIDER_ERROR');
  });

  it('tells of a provider that cannot be reached', async () => {
    const unreachable = client();
    await fake.close();
    expect(await failureOf(unreachable.chat(INPUT))).toMatchObject({
      ...{ code: 'AI_PROVIDER_ERROR', retryable: true },
    });
    expect(failures[0]?.status).toBeNull();
  });
});
