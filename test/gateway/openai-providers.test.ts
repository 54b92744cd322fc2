import { readFileSync } from 'node:fs';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { generateText, type JSONSchema7, jsonSchema, Output, streamText } from 'ai';
import OpenAI from 'openai';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { startAi } from '../../subgraphs/ai/ai-server.ts';
import type { RunningSubgraph } from '../../subgraphs/kit/subgraph-server.ts';
import { OPENAI } from '../subgraphs/ai/fakes/openai-wire.ts';
import { type ProviderFake, startProviderFake } from '../subgraphs/ai/fakes/provider-fake.ts';
import { WIRE_FORMATS } from '../subgraphs/ai/fakes/wire-formats.ts';
import { PNG_1X1 } from '../subgraphs/ai/images.ts';
import {
  ask,
  auditEvents,
  auditOf,
  auditText,
  createAssertionKey,
  type Folder,
  folder,
  startTestGateway,
  type TestGateway,
} from './gateway-kit.ts';
import { errorOf } from './openai-kit.ts';

const SDL = readFileSync(new URL('../../subgraphs/ai/schema.graphql', import.meta.url), 'utf8');
const PROMPT = 'the secret recipe';
const KEY = 'sk-very-secret-key';
const WEATHER = {
  type: 'function',
  function: {
    name: 'weather',
    parameters: { type: 'object', properties: { city: { type: 'string' } } },
  },
} as const;
const SCHEMA = {
  type: 'object',
  properties: { hours: { type: 'number' } },
  required: ['hours'],
  additionalProperties: false,
};

let where: Folder;
let fake: ProviderFake;
let ai: RunningSubgraph;
let gateway: TestGateway;
let client: OpenAI;
const logged: string[] = [];

beforeAll(async () => {
  where = folder();
  fake = await startProviderFake();
  const { keyFile, jwks } = await createAssertionKey(where);
  const providers = WIRE_FORMATS.map(({ kind, base, embedPath }) => ({
    ...{ name: kind, provider: kind, apiKey: KEY, baseURL: fake.url + base },
    models: [
      { id: 'model-1', capabilities: ['CHAT' as const] },
      // The name by which the library of a provider knows that it thinks.
      { id: 'o3-seer', capabilities: ['CHAT' as const, 'IMAGES' as const, 'REASONING' as const] },
      ...(embedPath === null ? [] : [{ id: 'embedder', capabilities: ['EMBEDDINGS' as const] }]),
    ],
  }));
  ai = await startAi({
    ...{ port: 0, trust: { jwks }, providers, timeoutMs: 2000, fetch },
    // One attempt, and no memory of failures.
    routing: { attemptsMax: 1, failuresMax: 1000, cooldownMsMax: 0, refusedMs: 0 },
    cache: { tenants: ['keeper'] },
    log: (line) => void logged.push(line),
  });
  gateway = await startTestGateway([{ name: 'ai', url: ai.url, sdl: SDL }], {
    assertion: { keyFile },
    subgraphs: {
      ai: {
        ...{ errors: 'passthrough', modelReports: true },
        allowedExtensions: ['code', 'retryable', 'retryAfterSeconds'],
      },
    },
    openai: { enabled: true },
  });
  const apiKey = await gateway.issuer.token({ scope: 'ai:chat ai:embed' });
  client = new OpenAI({ apiKey, baseURL: new URL('/v1', gateway.url).href, maxRetries: 0 });
});

afterAll(async () => {
  await gateway?.close();
  await ai?.close();
  await fake?.close();
  where.remove();
});

beforeEach(() => {
  fake.requests.length = 0;
});

const saying = (model: string) => ({ model, messages: [{ role: 'user' as const, content: PROMPT }] });

async function textOf(stream: AsyncIterable<OpenAI.ChatCompletionChunk>): Promise<string> {
  let text = '';
  for await (const { choices } of stream) text += choices[0]?.delta.content ?? '';
  return text;
}

describe.each(WIRE_FORMATS)('the official client on a model of $kind', (format) => {
  const model = `${format.kind}/model-1`;

  it('gets the same answer in the same form', async () => {
    fake.answer = () => ({ status: 200, body: format.chat('Hello world') });
    const { choices, usage } = await client.chat.completions.create(saying(model));
    expect(choices).toMatchObject([
      { finish_reason: 'stop', message: { role: 'assistant', content: 'Hello world' } },
    ]);
    expect(usage).toEqual({ prompt_tokens: 11, completion_tokens: 7, total_tokens: 18 });
  });

  it('gets the same stream, and an error where it breaks off', async () => {
    fake.answer = () => ({ frames: format.stream.text, after: 'end' });
    expect(await textOf(await client.chat.completions.create({ ...saying(model), stream: true }))).toBe(
      'Hello world',
    );
    fake.answer = () => ({ frames: format.stream.broken, after: 'end' });
    const broken = client.chat.completions.create({ ...saying(model), stream: true }).then(textOf);
    expect((await errorOf(broken)).code).toBe('provider_error');
  });

  it('gets an answer by a schema, which the provider is asked for', async () => {
    fake.answer = () => ({ status: 200, body: format.chat('{"hours":9}') });
    const { choices } = await client.chat.completions.create({
      ...saying(model),
      response_format: {
        type: 'json_schema',
        json_schema: { name: 'opening', schema: SCHEMA, strict: true },
      },
    });
    expect(JSON.parse(choices[0]?.message.content ?? '')).toEqual({ hours: 9 });
    expect(JSON.stringify(fake.requests[0]?.body)).toContain('"hours"');
  });

  it('is asked to call a tool, at once and as it comes', async () => {
    const asking = { ...saying(model), tools: [WEATHER] };
    const call = { function: { name: 'weather', arguments: '{"city":"Oslo"}' } };
    fake.answer = () => ({ status: 200, body: format.toolCall });
    const { choices } = await client.chat.completions.create(asking);
    expect(choices).toMatchObject([{ finish_reason: 'tool_calls', message: { tool_calls: [call] } }]);
    fake.answer = () => ({ frames: format.stream.toolCall, after: 'end' });
    const calls = [];
    for await (const chunk of await client.chat.completions.create({ ...asking, stream: true }))
      calls.push(...(chunk.choices[0]?.delta.tool_calls ?? []));
    expect(calls).toMatchObject([{ index: 0, ...call }]);
    for (const { body } of fake.requests) expect(JSON.stringify(body)).toContain('"weather"');
  });

  it('shows an image, and says how hard to think', async () => {
    fake.answer = () => ({ status: 200, body: format.chat('A dot.') });
    const url = `data:image/png;base64,${PNG_1X1}`;
    const content = [
      { type: 'text' as const, text: 'What is it?' },
      { type: 'image_url' as const, image_url: { url, detail: 'low' as const } },
    ];
    const asking = {
      ...{ messages: [{ role: 'user' as const, content }], reasoning_effort: 'low' as const },
      max_completion_tokens: 4096,
    };
    const seen = await client.chat.completions.create({ ...asking, model: `${format.kind}/o3-seer` });
    expect(seen.choices[0]?.message.content).toBe('A dot.');
    const sent = JSON.stringify(fake.requests[0]?.body);
    expect(sent).toContain(PNG_1X1);
    if (format.thinks !== null) expect(sent).toMatch(format.thinks);
    for (const lacking of [{ reasoning_effort: 'high' as const }, { messages: asking.messages }]) {
      const error = await errorOf(client.chat.completions.create({ ...saying(model), ...lacking }));
      expect([error.status, error.code]).toEqual([400, 'invalid_value']);
    }
    expect(fake.requests).toHaveLength(1);
  });

  it('embeds, where the provider does', async () => {
    const asking = { model: `${format.kind}/embedder`, input: ['one', 'two'] };
    if (format.embedPath === null)
      return expect(await errorOf(client.embeddings.create(asking))).toMatchObject({
        ...{ status: 404, code: 'model_not_found' },
      });
    const vectors = [
      [0.5, -1],
      [2, 0.25],
    ];
    fake.answer = () => ({ status: 200, body: format.embed(vectors) });
    // The client asks for base64 and decodes it; these numbers are exact in it.
    const { data } = await client.embeddings.create(asking);
    expect(data.map(({ embedding }) => embedding)).toEqual(vectors);
  });

  it.each([
    [429, 429, 'rate_limit_exceeded'],
    [500, 502, 'provider_error'],
    [503, 502, 'provider_error'],
    [401, 502, 'provider_error'],
  ])('is told of a provider that answers %i with %i, once', async (status, told, code) => {
    const headers = { 'retry-after': '17' };
    fake.answer = () => ({ status, headers, body: format.error(status, 'provider says things') });
    for (const stream of [false, true]) {
      const error = await errorOf(client.chat.completions.create({ ...saying(model), stream }));
      expect([error.status, error.code]).toEqual([told, code]);
      expect(error.headers?.get('retry-after') ?? null).toBe(status === 401 ? null : '17');
      expect(error.message).not.toContain('provider says things');
    }
    expect(fake.requests).toHaveLength(2);
  });
});

it('the AI SDK gets an object by a schema, at once and as it comes', async () => {
  const compatible = createOpenAICompatible({
    ...{ name: 'portcullis', baseURL: client.baseURL, supportsStructuredOutputs: true },
    apiKey: await gateway.issuer.token({ scope: 'ai:chat' }),
  });
  const asking = {
    ...{ model: compatible('openai/model-1'), prompt: PROMPT, maxRetries: 0 },
    output: Output.object({ schema: jsonSchema<{ hours: number }>(SCHEMA as JSONSchema7) }),
  };
  fake.answer = () => ({ status: 200, body: OPENAI.chat('{"hours":9}') });
  expect((await generateText(asking)).output).toEqual({ hours: 9 });
  fake.answer = ({ body }) => ({ frames: OPENAI.stream.structured('{"hours":9}', body), after: 'end' });
  expect(await streamText(asking).output).toEqual({ hours: 9 });
  for (const { body } of fake.requests)
    expect(body['response_format']).toMatchObject({ type: 'json_schema', json_schema: { schema: SCHEMA } });
});

it('what the gateway says of a tenant decides whose answers are kept, and a header whether they are used', async () => {
  const clientOf = async (claims: object) => {
    const apiKey = await gateway.issuer.token({ scope: 'ai:chat', ...claims });
    return new OpenAI({ apiKey, baseURL: client.baseURL, maxRetries: 0 });
  };
  const [keeper, other] = [await clientOf({ tenant: 'keeper' }), await clientOf({ tenant: 'other' })];
  const answers = ['One.', 'Two.', 'Three.', 'Four.'];
  fake.answer = () => ({ status: 200, body: OPENAI.chat(answers[fake.requests.length - 1] ?? '') });
  const textBy = async (who: OpenAI, headers: Record<string, string> = {}) =>
    (await who.chat.completions.create(saying('openai/model-1'), { headers })).choices[0]?.message.content;
  expect([await textBy(keeper), await textBy(keeper)]).toEqual(['One.', 'One.']);
  expect(await textBy(keeper, { 'cache-control': 'no-store' })).toBe('Two.');
  expect(await textBy(other)).toBe('Three.');
  expect(await textBy(keeper)).toBe('One.');
  expect(
    await textOf(await keeper.chat.completions.create({ ...saying('openai/model-1'), stream: true })),
  ).toBe('One.');
  expect(await textBy(keeper, { 'cache-control': 'no-cache' })).toBe('Four.');
  expect(await textBy(keeper)).toBe('Four.');
});

it('the audit has what came of each model that was asked, and of kept answers, and nothing of it reaches clients', async () => {
  const token = await gateway.issuer.token({ scope: 'ai:chat', tenant: 'keeper' });
  const query = `mutation ($input: ChatInput!) { chat(input: $input) { text } }`;
  const input = { model: 'openai/model-1', messages: [{ role: 'USER', content: 'Who audits?' }] };
  const attempt = { model: 'openai/model-1', provider: 'openai', durationMs: expect.any(Number) };
  const modelsOf = async (requestId: string) =>
    (await auditOf(gateway.where, requestId)).fetches.map(({ models }) => models);
  const chat = async () => {
    const { body, requestId, text } = await ask(gateway.url, query, { token, variables: { input } });
    expect(body).not.toHaveProperty('extensions');
    expect(text).not.toContain('durationMs');
    return modelsOf(requestId);
  };
  fake.answer = () => ({ status: 429, body: {} });
  expect(await chat()).toEqual([[{ ...attempt, outcome: 'RATE_LIMITED', status: 429 }]]);
  fake.answer = () => ({ status: 200, body: OPENAI.chat('We do.') });
  expect(await chat()).toEqual([[{ ...attempt, outcome: 'ANSWERED', status: null }]]);
  expect(await chat()).toEqual([[{ ...attempt, outcome: 'CACHED', status: null }]]);
});

it('the audit has it of streams, in the record of their end', async () => {
  fake.answer = () => ({ frames: OPENAI.stream.broken, after: 'end' });
  const broken = client.chat.completions.create({ ...saying('openai/model-1'), stream: true }).then(textOf);
  await errorOf(broken);
  await vi.waitFor(
    () => {
      const ends = auditEvents(gateway.where).filter(({ events }) => events !== null);
      const outcomes = ends
        .at(-1)
        ?.fetches.flatMap(({ models = [] }) => models.map(({ outcome }) => outcome));
      expect(outcomes).toEqual(['ANSWERED', 'PROVIDER_ERROR']);
    },
    { timeout: 10_000 },
  );
});

it('an operation that costs too much is told as a fault of the request', async () => {
  const costly = await startTestGateway([{ name: 'ai', url: ai.url, sdl: SDL }], {
    cost: { mode: 'enforce', max: 1 },
    openai: { enabled: true, path: '/openai/v1' },
  });
  try {
    const apiKey = await costly.issuer.token({ scope: 'ai:chat' });
    const other = new OpenAI({ apiKey, baseURL: new URL('/openai/v1', costly.url).href, maxRetries: 0 });
    for (const stream of [false, true]) {
      const error = await errorOf(other.chat.completions.create({ ...saying('openai/model-1'), stream }));
      expect([error.status, error.code]).toEqual([400, 'cost_estimated_too_expensive']);
    }
    expect(fake.requests).toEqual([]);
  } finally {
    await costly.close();
  }
});

it('a stream where the gateway has none is refused for good', async () => {
  const streamless = await startTestGateway([{ name: 'ai', url: ai.url, sdl: SDL }], {
    subscriptions: { enabled: false },
    openai: { enabled: true },
  });
  try {
    const apiKey = await streamless.issuer.token({ scope: 'ai:chat' });
    const other = new OpenAI({ apiKey, baseURL: new URL('/v1', streamless.url).href, maxRetries: 0 });
    const error = await errorOf(other.chat.completions.create({ ...saying('openai/model-1'), stream: true }));
    expect([error.status, error.code]).toEqual([400, 'subscription_not_supported']);
  } finally {
    await streamless.close();
  }
});

it('what was said, and keys of providers, are in no log and in no audit', () => {
  const written = auditText(gateway.where) + logged.join('');
  expect(written).toContain('OpenAiChat');
  for (const secret of [PROMPT, KEY, 'provider says things']) expect(written).not.toContain(secret);
});
