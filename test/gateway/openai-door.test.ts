import { join } from 'node:path';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { embedMany, generateText, jsonSchema, streamText, type ToolSet, tool } from 'ai';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest';
import { PEOPLE } from '../../demo/demo-requests.ts';
import { type DemoSystem, startDemo } from '../../demo/demo-system.ts';
import { SYSTEM } from '../../src/control/actor.ts';
import { copyDatabase } from '../control/copy-database.ts';
import { auditEvents, auditText, type Folder, folder } from './gateway-kit.ts';
import { errorOf } from './openai-kit.ts';

const MODEL = 'portcullis/offline';
const QUESTION = 'The gate opens at nine. When does the gate open?';
const WEATHER = {
  type: 'function',
  function: {
    name: 'weather',
    description: 'The weather of a city.',
    parameters: { type: 'object', properties: { city: { type: 'string' } } },
  },
} as const;

let where: Folder;
let demo: DemoSystem;
let baseURL: string;
let client: OpenAI;

beforeAll(async () => {
  where = folder();
  // Initializing one takes longer than all the rest.
  copyDatabase(inject('pgliteTemplates').migrated, join(where.path, 'db'));
  demo = await startDemo({ directory: where.path, port: 0 });
  baseURL = new URL('/v1', demo.url).href;
  client = await clientOf(await demo.issuer.token(PEOPLE['assistant of initech']));
});

afterAll(async () => {
  await demo?.close();
  where.remove();
});

const clientOf = async (apiKey: string) => new OpenAI({ apiKey, baseURL, maxRetries: 0 });
const saying = (content: string) => ({ model: MODEL, messages: [{ role: 'user' as const, content }] });

async function collected<T>(parts: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const part of parts) all.push(part);
  return all;
}

describe('the official client of OpenAI', () => {
  it('chats', async () => {
    const answer = await client.chat.completions.create({
      ...saying(QUESTION),
      ...{ temperature: 0.2, max_tokens: 50, user: 'ada', n: 1, top_p: 1, seed: 7 },
    });
    expect(answer).toMatchObject({
      object: 'chat.completion',
      model: MODEL,
      choices: [
        {
          index: 0,
          finish_reason: 'stop',
          message: { role: 'assistant', content: 'The gate opens at nine.' },
        },
      ],
    });
    const { prompt_tokens, completion_tokens, total_tokens } = answer.usage ?? {};
    expect([prompt_tokens, completion_tokens].every((count) => (count ?? 0) > 0)).toBe(true);
    expect(total_tokens).toBe((prompt_tokens ?? 0) + (completion_tokens ?? 0));
  });

  it('is told where an answer was cut, and where it stops', async () => {
    const cut = await client.chat.completions.create({ ...saying(QUESTION), max_completion_tokens: 2 });
    expect(cut.choices[0]?.finish_reason).toBe('length');
    const stopped = await client.chat.completions.create({ ...saying(QUESTION), stop: [' at'] });
    expect(stopped.choices[0]?.message.content).toBe('The gate opens');
  });

  it('streams, with the usage where it asks for it', async () => {
    const stream = await client.chat.completions.create({
      ...saying(QUESTION),
      ...{ stream: true, stream_options: { include_usage: true } },
    });
    const chunks = await collected(stream);
    expect(chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('')).toBe(
      'The gate opens at nine.',
    );
    expect(chunks.length).toBeGreaterThan(4);
    expect(chunks[0]?.choices[0]?.delta.role).toBe('assistant');
    expect(chunks.flatMap(({ choices }) => choices[0]?.finish_reason ?? [])).toEqual(['stop']);
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { total_tokens: expect.any(Number) } });
    const plain = await collected(
      await client.chat.completions.create({ ...saying(QUESTION), stream: true }),
    );
    expect(plain.every(({ usage }) => usage == null)).toBe(true);
  });

  it('is asked to call a tool, streamed or not, and gives back what it answered', async () => {
    const asking = { ...saying('call weather: {"city":"Oslo"}'), tools: [WEATHER] };
    const { choices } = await client.chat.completions.create(asking);
    const [call] = choices[0]?.message.tool_calls ?? [];
    expect(choices[0]).toMatchObject({ finish_reason: 'tool_calls', message: { content: null } });
    expect(call).toMatchObject({
      type: 'function',
      function: { name: 'weather', arguments: '{"city":"Oslo"}' },
    });
    const chunks = await collected(await client.chat.completions.create({ ...asking, stream: true }));
    expect(chunks.flatMap((chunk) => chunk.choices[0]?.delta.tool_calls ?? [])).toMatchObject([
      { index: 0, function: { name: 'weather', arguments: '{"city":"Oslo"}' } },
    ]);
    const answered = await client.chat.completions.create({
      model: MODEL,
      tools: [WEATHER],
      messages: [
        { role: 'user', content: 'How is the weather in Oslo?' },
        { role: 'assistant', content: null, tool_calls: call === undefined ? [] : [call] },
        { role: 'tool', tool_call_id: call?.id ?? '', content: 'The weather in Oslo is sunny.' },
      ],
    });
    expect(answered.choices[0]?.message.content).toBe('The weather in Oslo is sunny.');
  });

  it.each(['float', 'base64'] as const)('embeds, asking for %s', async (encoding_format) => {
    const { data, usage } = await client.embeddings.create({
      ...{ model: 'portcullis/offline-embedding', input: ['one text', 'another'], encoding_format },
    });
    expect(data.map(({ index }) => index)).toEqual([0, 1]);
    expect(usage.prompt_tokens).toBeGreaterThan(0);
    const [first] = data;
    const vector: unknown = first?.embedding;
    if (encoding_format === 'float') expect((vector as number[]).length).toBeGreaterThan(10);
    else expect(typeof vector).toBe('string');
  });

  it('embeds in its own way, which decodes to the same vectors', async () => {
    const asked = { model: 'portcullis/offline-embedding', input: 'one text' };
    const own = await client.embeddings.create(asked);
    const plain = await client.embeddings.create({ ...asked, encoding_format: 'float' });
    const [one, other] = [own.data[0]?.embedding ?? [], plain.data[0]?.embedding ?? []];
    expect(one).toHaveLength(other.length);
    for (const [index, value] of one.entries()) expect(value).toBeCloseTo(other[index] ?? 0, 5);
  });

  it('lists models, and finds one by its name', async () => {
    const { data } = await client.models.list();
    expect(data.map(({ id }) => id)).toContain(MODEL);
    expect(await client.models.retrieve(MODEL)).toMatchObject({ id: MODEL, owned_by: 'portcullis' });
    expect(await errorOf(client.models.retrieve('portcullis/none'))).toMatchObject({
      ...{ status: 404, code: 'model_not_found' },
    });
  });

  it.each([
    ['an unknown model', { ...saying('Hi.'), model: 'portcullis/none' }, 404, 'model_not_found', 'model'],
    ['more than one answer', { ...saying('Hi.'), n: 2 }, 400, 'invalid_value', 'n'],
    [
      'a parameter that would change the answer',
      { ...saying('Hi.'), logit_bias: {} },
      400,
      'unsupported_parameter',
      'logit_bias',
    ],
    [
      'a name of every object',
      { ...saying('Hi.'), ['__proto__x']: 1 },
      400,
      'unsupported_parameter',
      '__proto__x',
    ],
    ['no message', { model: MODEL, messages: [] }, 400, 'invalid_value', 'messages'],
    [
      'an image by its address',
      {
        model: MODEL,
        messages: [
          { role: 'user', content: [{ type: 'image_url', image_url: { url: 'http://127.0.0.1/x' } }] },
        ],
      },
      400,
      'invalid_value',
      'messages.0.content.0.image_url.url',
    ],
    ['too many tokens', { ...saying('Hi.'), max_tokens: 9_000 }, 400, 'invalid_value', null],
    ['too much text', saying('x'.repeat(20_001)), 400, 'invalid_value', null],
    [
      'a tool that has no name',
      { ...saying('Hi.'), tools: [{ ...WEATHER, function: { ...WEATHER.function, name: 'a b' } }] },
      400,
      'invalid_value',
      null,
    ],
  ] as const)('is refused %s', async (_, body, status, code, param) => {
    const error = await errorOf(client.chat.completions.create(body as never));
    expect([error.status, error.code, error.param ?? null]).toEqual([status, code, param]);
  });

  it('is refused a stream of an unknown model with a status, before any chunk', async () => {
    const asked = { ...saying('Hi.'), model: 'portcullis/none', stream: true } as const;
    const error = await errorOf(client.chat.completions.create(asked));
    expect([error.status, error.code]).toEqual([404, 'model_not_found']);
  });
});

describe('who may not ask', () => {
  it('is told so as OpenAI would', async () => {
    const forged = await errorOf((await clientOf('not.a.token')).chat.completions.create(saying('Hi.')));
    expect([forged.status, forged.code]).toEqual([401, 'invalid_api_key']);
    const reader = await clientOf(await demo.issuer.token(PEOPLE['reader of acme']));
    for (const call of [
      () => reader.chat.completions.create(saying('Hi.')),
      () => reader.chat.completions.create({ ...saying('Hi.'), stream: true }),
      () => reader.embeddings.create({ model: 'portcullis/offline-embedding', input: 'x' }),
    ]) {
      const error = await errorOf(call());
      expect([error.status, error.code]).toEqual([403, 'forbidden']);
    }
  });

  it('learns of a wrong key before of a wrong body', async () => {
    const error = await errorOf((await clientOf('not.a.token')).chat.completions.create({} as never));
    expect([error.status, error.code]).toEqual([401, 'invalid_api_key']);
  });

  it.each([
    ['what any page could send', 'text/plain', '{}', 400],
    ['another format', 'application/xml', '{}', 415],
    ['no JSON', 'application/json', '{', 400],
    ['a body that is too large', 'application/json', JSON.stringify(saying('x'.repeat(2_000_000))), 413],
  ])('is refused %s', async (_, type, body, status) => {
    const response = await fetch(`${baseURL}/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': type },
      body,
    });
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({
      error: {
        ...{ type: expect.any(String), code: expect.any(String) },
        // None of them wrote GraphQL.
        message: expect.not.stringContaining('GraphQL'),
      },
    });
  });
});

describe('each call', () => {
  it('leaves an audit event like any operation, and nothing of what was said', async () => {
    const secret = 'a-very-secret-prompt';
    const answer = await client.chat.completions.create(saying(`Tell me of ${secret}.`));
    const requestId = answer.id.slice('chatcmpl-'.length);
    await vi.waitFor(() =>
      expect(auditEvents(where).find((event) => event.requestId === requestId)).toMatchObject({
        operation: { name: 'OpenAiChat', type: 'mutation' },
        principal: { tenant: 'initech' },
        decision: { effect: 'permit' },
      }),
    );
    expect(auditText(where)).not.toContain(secret);
  });

  it('that a client leaves stops', async () => {
    const stream = await client.chat.completions.create({
      ...saying(
        Array.from({ length: 500 }, (_, index) => `Fact ${index} is here.`)
          .join(' ')
          .concat(' summarize: x'),
      ),
      stream: true,
    });
    for await (const chunk of stream) {
      expect(chunk.object).toBe('chat.completion.chunk');
      break;
    }
    expect((await client.chat.completions.create(saying(QUESTION))).choices).toHaveLength(1);
  });

  it('takes a key of the control plane as a bearer token', async () => {
    if (demo.control === null) throw new Error('no control plane');
    const tenant = await demo.control.tenants.bySlug(SYSTEM, 'initech');
    const { items } = await demo.control.applications.list(SYSTEM, tenant?.id ?? '', {});
    const { secret } = await demo.control.credentials.createApiKey(SYSTEM, {
      ...{ applicationId: items[0]?.id ?? '', scopes: ['ai:chat'] },
    });
    const service = await clientOf(secret ?? '');
    await vi.waitFor(async () =>
      expect((await service.chat.completions.create(saying(QUESTION))).choices[0]?.message.content).toBe(
        'The gate opens at nine.',
      ),
    );
    const error = await errorOf(
      service.embeddings.create({ model: 'portcullis/offline-embedding', input: 'x' }),
    );
    expect(error.status).toBe(403);
  });
});

describe('the AI SDK', () => {
  const provider = async () =>
    createOpenAICompatible({
      ...{ name: 'portcullis', baseURL, includeUsage: true },
      apiKey: await demo.issuer.token(PEOPLE['assistant of initech']),
    });
  const tools: ToolSet = { weather: tool({ inputSchema: jsonSchema(WEATHER.function.parameters) }) };

  it('chats, streams and is asked to call tools', async () => {
    const model = (await provider())(MODEL);
    const { text, usage } = await generateText({ model, prompt: QUESTION, maxRetries: 0 });
    expect([text, (usage.totalTokens ?? 0) > 0]).toEqual(['The gate opens at nine.', true]);
    const streamed = streamText({ model, prompt: QUESTION, maxRetries: 0 });
    expect((await collected(streamed.textStream)).join('')).toBe('The gate opens at nine.');
    expect([await streamed.finishReason, ((await streamed.usage).totalTokens ?? 0) > 0]).toEqual([
      'stop',
      true,
    ]);
    const asking = { model, prompt: 'call weather: {"city":"Oslo"}', maxRetries: 0, tools };
    const call = { toolName: 'weather', input: { city: 'Oslo' } };
    expect((await generateText(asking)).toolCalls).toMatchObject([call]);
    expect(await streamText(asking).toolCalls).toMatchObject([call]);
  });

  it('gets vectors', async () => {
    const { embeddingModel } = await provider();
    const { embeddings, usage } = await embedMany({
      ...{ model: embeddingModel('portcullis/offline-embedding'), values: ['one text', 'another'] },
      maxRetries: 0,
    });
    expect(embeddings.map(({ length }) => length)).toEqual([256, 256]);
    expect(usage.tokens).toBeGreaterThan(0);
  });

  it('is told of what went wrong by a status, and whether to try again', async () => {
    const { chatModel, embeddingModel } = await provider();
    const ways = [
      () => generateText({ model: chatModel('portcullis/none'), prompt: QUESTION, maxRetries: 0 }),
      () => embedMany({ model: embeddingModel('portcullis/none'), values: ['x'], maxRetries: 0 }),
    ];
    for (const way of ways)
      await expect(way()).rejects.toMatchObject({ statusCode: 404, isRetryable: false });
  });
});
