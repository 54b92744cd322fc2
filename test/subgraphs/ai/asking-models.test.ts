import { GraphQLError } from 'graphql';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ProviderFailure } from '../../../subgraphs/ai/ai-error.ts';
import type { ChatInput } from '../../../subgraphs/ai/ai-input.ts';
import type { ChatFailure, ChatResult } from '../../../subgraphs/ai/chat-answer.ts';
import { ledgerOf } from './budget/budget-kit.ts';
import { type ClientOptions, clientOf, type ModelClient } from './client-kit.ts';
import { OPENAI } from './fakes/openai-wire.ts';
import { type ProviderFake, startProviderFake } from './fakes/provider-fake.ts';
import { PROVIDER_TEXT, type WireFormat } from './fakes/wire-format.ts';
import { WIRE_FORMATS } from './fakes/wire-formats.ts';
import { PNG_1X1 } from './images.ts';

const PROMPT = 'the secret recipe';
const KEY = 'sk-very-secret-key';
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

/** The texts of a request to embed. */
function textsOf({ input, requests }: Record<string, unknown>): readonly unknown[] {
  return (input ?? requests) as readonly unknown[];
}

function clientFor(format: WireFormat, options: Partial<ClientOptions> = {}): ModelClient {
  const embedder = { id: 'embedder', capabilities: ['EMBEDDINGS'] };
  const models = [
    { id: 'model-1', capabilities: ['CHAT'], contextWindow: 1000 },
    { id: 'seer', capabilities: ['CHAT', 'IMAGES', 'REASONING'] },
    ...(format.embedPath === null ? [] : [embedder]),
  ];
  const house = { kind: format.kind, apiKey: KEY, baseURL: fake.url + format.base, models };
  return clientOf(house, { timeoutMs: 10_000, failures, ...options });
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
    expect(result.usage.inputTokens).toBe(5);
  });

  it('asks for no more texts at once than the provider takes, and settles each call by itself', async () => {
    const { ledger, memory } = ledgerOf({ plans: 'optional' });
    const texts = Array.from({ length: 40 }, (_, index) => `text ${index}`);
    let calls = 0;
    fake.answer = ({ body }) => {
      calls += 1;
      if (calls > 2) return { status: 429, body: {} };
      const { length } = textsOf(body);
      return { status: 200, body: format.embed(Array.from({ length }, (_, index) => [calls, index])) };
    };
    const asking = clientFor(format, { ledger });
    const { embeddings, usage } = await asking.embed({ ...input, texts });
    expect(embeddings.map(({ index }) => index)).toEqual(texts.map((_, index) => index));
    const sizes = fake.requests.map(({ body }) => textsOf(body).length);
    expect(sizes).toEqual(format.embedTextsMax < 40 ? [32, 8] : [40]);
    expect(embeddings.at(-1)?.vector).toEqual([sizes.length, (sizes.at(-1) ?? 0) - 1]);
    if (!format.embedUsageMissing) expect(usage.inputTokens).toBe(5 * sizes.length);
    if (sizes.length === 1) return;
    // What ran is paid for, also where the call after it never did.
    calls = 1;
    await thrownBy(asking.embed({ ...input, texts }));
    await ledger.settled();
    expect(memory.settled.slice(2).map(({ settlement }) => settlement?.source)).toEqual([
      ...['provider', 'refunded'],
    ]);
  });

  it('refuses an answer that lacks a vector', async () => {
    fake.answer = () => ({ status: 200, body: format.embed([[1, 0]]) });
    const error = await thrownBy(clientFor(format).embed(input));
    expect(error.extensions['code']).toBe('AI_PROVIDER_ERROR');
    expect(failures).toMatchObject([{ outcome: 'MALFORMED' }]);
  });

  it('maps a refusal without a secret', async () => {
    fake.answer = () => ({ status: 429, body: format.error(429, `${PROVIDER_TEXT} one text`) });
    const error = await thrownBy(clientFor(format).embed(input));
    expect(error.extensions).toEqual({ code: 'AI_PROVIDER_RATE_LIMITED', retryable: true });
    expectNothingSecret(error);
  });
});

describe('the model client', () => {
  const client = (): ModelClient => clientFor(OPENAI);

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
      const body = { ...(OPENAI.chat('Forty-two.') as object), usage };
      fake.answer = () => ({ status: 200, body });
      expect((await client().chat(INPUT)).usage).toMatchObject({
        inputTokens: 8,
        outputTokens: 4,
        totalTokens: 12,
        estimated: true,
      });
    }
  });

  it.each([
    ['tools', { tools: [{ name: 'x', parameters: '{"anyOf":5}' }] }],
    ['a schema', { responseSchema: '{"type":"object","properties":{"a":null}}' }],
  ])(
    'keeps a shared key in use, however often one tenant asks with %s that make no sense',
    async (_, part) => {
      fake.answer = () => ({ status: 200, body: OPENAI.chat('Forty-two.') });
      const { ledger, memory } = ledgerOf({ plans: 'optional' });
      const asking = clientFor(OPENAI, { ledger, routing: { failuresMax: 2 } });
      for (let call = 0; call < 5; call += 1) {
        const { failure, attempts } = await asking.chat({ ...INPUT, ...part });
        expect([failure?.retryable, attempts[0]?.outcome]).toEqual([false, 'REQUEST_REFUSED']);
      }
      expect(fake.requests).toEqual([]);
      expect((await asking.chat(INPUT)).text).toBe('Forty-two.');
      await ledger.settled();
      expect(memory.settled.map(({ settlement }) => settlement?.source)).toEqual([
        ...Array.from({ length: 5 }, () => 'refunded'),
        'provider',
      ]);
    },
  );

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
    fake.answer = () => ({ status: 200, body: OPENAI.chat('x'.repeat(9 * 1024 * 1024)) });
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
