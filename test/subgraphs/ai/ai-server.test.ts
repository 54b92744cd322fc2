import { composeServices } from '@apollo/composition';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startAi } from '../../../subgraphs/ai/ai-server.ts';
import { parseBodies } from '../../../subgraphs/ai/bodies/bodies-config.ts';
import { parseBudgetConfig } from '../../../subgraphs/ai/budget/budget-config.ts';
import { ProviderConfigError } from '../../../subgraphs/ai/provider-config.ts';
import { readTypeDefs } from '../../../subgraphs/kit/schema-source.ts';
import { type ProviderFake, startProviderFake } from './fakes/provider-fake.ts';
import { STORY } from './story.ts';

interface Answer {
  readonly data?: Record<string, unknown> | null;
  readonly extensions?: Record<string, unknown>;
  readonly errors?: readonly { readonly message: string; readonly extensions: Record<string, unknown> }[];
}

const { privateKey, publicKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519' });
let fake: ProviderFake;
let subgraph: Awaited<ReturnType<typeof startAi>>;
const lines: string[] = [];

beforeAll(async () => {
  fake = await startProviderFake();
  subgraph = await startAi({
    port: 0,
    trust: { jwks: { keys: [{ ...(await exportJWK(publicKey)), alg: 'EdDSA' }] } },
    log: (line) => lines.push(line),
    aliases: [{ name: 'fast', targets: [{ model: 'house/llama' }] }],
    routing: { attemptsMax: 1 },
    budget: parseBudgetConfig({
      plans: 'optional',
      prices: { version: 'v1', models: { 'house/llama': { input: 100, output: 400 } } },
    }),
    guardrails: { pii: { input: 'block', kinds: ['CARD'] } },
    providers: [
      {
        name: 'house',
        provider: 'openai-compatible',
        baseURL: `${fake.url}/v1`,
        models: [{ id: 'llama', capabilities: ['CHAT'] }],
      },
    ],
  });
});
afterAll(async () => {
  await subgraph.close();
  await fake.close();
});

async function send(
  query: string,
  scope = '',
  variables: Record<string, unknown> = {},
  claims: Record<string, unknown> = {},
): Promise<Answer> {
  const now = Math.floor(Date.now() / 1000);
  const assertion = await new SignJWT({ scope, client_id: 'app', kind: 'user', tenant: 'acme', ...claims })
    .setProtectedHeader({ alg: 'EdDSA', typ: 'portcullis-assertion+jwt' })
    .setIssuer('portcullis')
    .setAudience('portcullis-subgraphs')
    .setSubject('ada')
    .setIssuedAt(now)
    .setExpirationTime(now + 60)
    .sign(privateKey);
  const response = await fetch(subgraph.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-portcullis-assertion': assertion },
    body: JSON.stringify({ query, variables }),
  });
  return (await response.json()) as Answer;
}

const CHAT = `mutation ($input: ChatInput!) {
  chat(input: $input) { text finishReason failure { code retryable retryAfterSeconds } usage { totalTokens estimated } model { id offline } }
}`;
const EMBED = `mutation ($input: EmbedInput!) {
  embed(input: $input) { dimensions embeddings { index vector } usage { inputTokens outputTokens } model { id } }
}`;

describe('the AI subgraph', () => {
  it('composes', () => {
    const typeDefs = readTypeDefs(new URL('../../../subgraphs/ai/main.ts', import.meta.url).href);
    const composed = composeServices([{ name: 'ai', url: 'http://127.0.0.1:4104/graphql', typeDefs }]);
    expect(composed.errors).toBeUndefined();
    expect(composed.hints).toEqual([]);
    expect(composed.supergraphSdl).toContain('@requiresScopes(scopes: [["ai:chat"]])');
    expect(composed.supergraphSdl).toContain('@requiresScopes(scopes: [["ai:embed"]])');
  });

  it('lists its models, offline ones first, and finds one by id', async () => {
    const { data } = await send(
      '{ aiModels { id family capabilities offline } aiModel(id: "house/llama") { id provider contextWindow } }',
    );
    expect(data).toEqual({
      aiModels: [
        { id: 'portcullis/offline', family: 'PORTCULLIS', capabilities: ['CHAT'], offline: true },
        {
          id: 'portcullis/offline-embedding',
          family: 'PORTCULLIS',
          capabilities: ['EMBEDDINGS'],
          offline: true,
        },
        { id: 'house/llama', family: 'OPENAI_COMPATIBLE', capabilities: ['CHAT'], offline: false },
      ],
      aiModel: { id: 'house/llama', provider: 'house', contextWindow: null },
    });
  });

  it('shows prices by the table, and to a caller with plans only what they permit', async () => {
    const budget = {
      ...{ tenant: 'ten_a', application: 'app_a', credential: null },
      plans: [
        {
          subscription: 'sub_1',
          fields: ['Mutation.chat', 'Subscription.chatStream'],
          models: ['portcullis/*'],
        },
      ],
    };
    const query = `{ aiModels(mine: true) { id } all: aiModels { id price { version input output cacheRead } }
      yes: aiModel(id: "portcullis/offline", mine: true) { id } no: aiModel(id: "house/llama", mine: true) { id } }`;
    const { data } = await send(query, '', {}, { budget });
    const [offline, embedding] = [{ id: 'portcullis/offline' }, { id: 'portcullis/offline-embedding' }];
    const price = { version: 'v1', input: 100, output: 400, cacheRead: 100 };
    expect(data).toEqual({
      // No plan of this caller is for embeddings: no plan limits them.
      aiModels: [offline, embedding],
      all: [
        { ...offline, price: null },
        { ...embedding, price: null },
        { id: 'house/llama', price },
      ],
      ...{ yes: offline, no: null },
    });
  });

  it('tells the aliases, and is asked by one', async () => {
    const { data } = await send('{ aiAliases { name models { id } } }');
    expect(data).toEqual({ aiAliases: [{ name: 'fast', models: [{ id: 'house/llama' }] }] });
    fake.answer = () => ({ status: 400, body: {} });
    const input = { model: 'fast', messages: [{ role: 'USER', content: 'Hi.' }] };
    const query = CHAT.replace('text', 'text attempts { model outcome status durationMs }');
    expect((await send(query, 'ai:chat', { input })).data?.['chat']).toMatchObject({
      ...{ finishReason: 'ERROR', model: { id: 'house/llama' } },
      attempts: [
        { model: 'house/llama', outcome: 'REQUEST_REFUSED', status: 400, durationMs: expect.any(Number) },
      ],
    });
    expect(fake.requests.splice(0)).toHaveLength(1);
  });

  it('does not start with an alias of a model that is not there', async () => {
    const aliases = [{ name: 'fast', targets: [{ model: 'house/none' }] }];
    const starting = startAi({ port: 0, trust: { jwks: { keys: [] } }, aliases });
    await expect(starting).rejects.toThrow(ProviderConfigError);
  });

  it.each([
    ['guardrails that are none', { guardrails: { pii: { input: 'maybe' } } }],
    [
      'bodies without a database',
      { bodies: parseBodies({ masterKeys: [{ id: 'm', key: new Uint8Array(32) }] }) },
    ],
  ])('does not start with %s', async (_, part) => {
    const starting = startAi({ port: 0, trust: { jwks: { keys: [] } }, log: () => undefined, ...part });
    await expect(starting).rejects.toThrow(ProviderConfigError);
  });

  it('tells callers what guardrails found, and operators nothing of the text', async () => {
    const input = { messages: [{ role: 'USER', content: 'Call 4111 1111 1111 1111.' }] };
    const { data, extensions } = await send(
      'mutation ($input: ChatInput!) { chat(input: $input) { finishReason text guardrails { guardrail kind direction action count } } }',
      'ai:chat',
      { input },
    );
    const found = { kind: 'CARD', direction: 'INPUT', action: 'BLOCK', count: 1 };
    expect(data).toEqual({
      chat: { finishReason: 'CONTENT_FILTER', text: '', guardrails: [{ guardrail: 'PII', ...found }] },
    });
    expect(extensions?.['guardrails']).toEqual([
      { guardrail: 'pii', kind: 'CARD', direction: 'input', action: 'block', count: 1 },
    ]);
    expect(lines.filter((line) => line.includes('"guardrails"'))).toHaveLength(1);
    expect(lines.join()).not.toMatch(/4111 ?1111/u);
  });

  it('tells the gateway what was found in texts, also where it refuses them', async () => {
    const input = { model: 'portcullis/offline-embedding', texts: ['Hello.'] };
    const embed = (texts: readonly string[]) =>
      send(
        'mutation ($input: EmbedInput!) { embed(input: $input) { dimensions guardrails { kind } } }',
        'ai:embed',
        { input: { ...input, texts } },
      );
    const refused = await embed(['4111 1111 1111 1111']);
    expect(refused.errors?.map(({ extensions }) => extensions['code'])).toEqual(['AI_GUARDRAIL_BLOCKED']);
    expect(refused.extensions?.['guardrails']).toMatchObject([{ kind: 'CARD', action: 'block', count: 1 }]);
    const { data, extensions } = await embed(['Hello.']);
    expect(data).toMatchObject({ embed: { guardrails: [] } });
    expect(extensions?.['models']).toMatchObject([{ model: input.model, outcome: 'ANSWERED' }]);
  });

  it('knows no model by the name of an object member', async () => {
    expect((await send('{ aiModel(id: "constructor") { id } }')).data).toEqual({ aiModel: null });
  });

  it('resolves a model as an entity', async () => {
    const query = 'query ($r: [_Any!]!) { _entities(representations: $r) { ... on AiModel { id offline } } }';
    const r = [
      { __typename: 'AiModel', id: 'portcullis/offline' },
      { __typename: 'AiModel', id: 'nobody/nothing' },
    ];
    expect((await send(query, '', { r })).data).toEqual({
      _entities: [{ id: 'portcullis/offline', offline: true }, null],
    });
  });

  it('analyses a text without a provider', async () => {
    const { data } = await send(
      `query ($text: String!) { aiAnalyze(text: $text) {
        sentiment summary keywords(first: 1) { text occurrences } entities { text type } counts { words sentences }
      } }`,
      '',
      { text: STORY },
    );
    expect(data).toMatchObject({
      aiAnalyze: { keywords: [{ text: 'battery', occurrences: 4 }], counts: { sentences: 6 } },
    });
    expect(fake.requests).toEqual([]);
  });

  it('chats with the offline model when none is named', async () => {
    const input = { messages: [{ role: 'USER', content: `summarize: ${STORY}` }] };
    const { data } = await send(CHAT, 'ai:chat', { input });
    expect(data).toMatchObject({
      chat: {
        finishReason: 'STOP',
        usage: { estimated: false },
        model: { id: 'portcullis/offline', offline: true },
      },
    });
  });

  it('embeds with the offline model when none is named', async () => {
    const { data } = await send(EMBED, 'ai:embed', { input: { texts: ['a phone', 'a car'] } });
    expect(data).toMatchObject({
      embed: {
        dimensions: 256,
        usage: { inputTokens: 4, outputTokens: 0 },
        embeddings: [{ index: 0 }, { index: 1 }],
      },
    });
  });

  it.each([
    ['chat', CHAT, 'ai:embed', { messages: [{ role: 'USER', content: 'hello' }] }],
    ['embed', EMBED, 'ai:chat', { texts: ['hello'] }],
  ])('refuses %s without its scope', async (_name, query, scope, input) => {
    const { errors } = await send(query, scope, { input });
    expect(errors?.[0]?.extensions['code']).toBe('FORBIDDEN');
  });

  it.each([
    ['chat', CHAT, 'ai:chat', { messages: [] }],
    ['embed', EMBED, 'ai:embed', { texts: [''] }],
    ['aiAnalyze', 'query ($input: String!) { aiAnalyze(text: $input) { summary } }', '', ' '],
    [
      'keywords',
      'query ($input: Int!) { aiAnalyze(text: "a") { keywords(first: $input) { text } } }',
      '',
      51,
    ],
    [
      'entities',
      'query ($input: Int!) { aiAnalyze(text: "a") { entities(first: $input) { text } } }',
      '',
      -1,
    ],
  ])('holds %s to its bounds', async (_name, query, scope, input) => {
    const { errors } = await send(query, scope, { input });
    expect(errors?.[0]?.extensions['code']).toBe('BAD_USER_INPUT');
  });

  it('tells the caller a code and the operator a status, and neither the prompt nor the provider', async () => {
    fake.answer = () => ({ status: 429, body: { error: { message: 'provider says secret prompt' } } });
    const input = { model: 'house/llama', messages: [{ role: 'USER', content: 'secret prompt' }] };
    const answer = await send(CHAT, 'ai:chat', { input });
    expect(answer.data?.['chat']).toMatchObject({
      finishReason: 'ERROR',
      failure: { code: 'AI_PROVIDER_RATE_LIMITED', retryable: true, retryAfterSeconds: null },
    });
    expect(lines.map((line) => JSON.parse(line) as unknown)).toContainEqual({
      level: 'error',
      subgraph: 'ai',
      code: 'AI_PROVIDER_RATE_LIMITED',
      ...{ model: 'house/llama', key: 'config', outcome: 'RATE_LIMITED' },
      status: 429,
      errorName: 'AI_APICallError',
    });
    expect(JSON.stringify(answer) + lines.join('')).not.toMatch(/secret|provider says/u);
  });
});
