import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ProviderFailure } from '../../../subgraphs/ai/ai-error.ts';
import { clientOf } from './client-kit.ts';
import { type ProviderFake, startProviderFake } from './fakes/provider-fake.ts';

const KEY = 'sk-very-secret-key';
const input = { model: 'house/guard', texts: ['a text that is fine', 'a text that is not'] };
let fake: ProviderFake;
let failures: ProviderFailure[];

beforeEach(async () => {
  fake = await startProviderFake();
  failures = [];
});
afterEach(() => fake.close());

const client = (kind: string) =>
  clientOf(
    {
      ...{ kind, apiKey: KEY, baseURL: `${fake.url}/v1` },
      models: [
        { id: 'guard', capabilities: ['MODERATION'] },
        { id: 'old', capabilities: ['MODERATION'], lifecycle: { stage: 'RETIRED' } },
      ],
    },
    { timeoutMs: 5000, failures },
  );

const OPENAI = [
  {
    flagged: false,
    categories: { violence: false, 'violence/graphic': false },
    category_scores: { violence: 0.01, 'violence/graphic': 0.02 },
  },
  {
    flagged: true,
    categories: { violence: false, 'violence/graphic': true, 'self-harm/intent': false, novel: false },
    category_scores: { violence: 0.3, 'violence/graphic': 0.9, 'self-harm/intent': 0.1, novel: 0.2 },
  },
];

describe('moderation', () => {
  it('tells the categories of OpenAI in common terms, the worst of the finer ones', async () => {
    fake.answer = () => ({ status: 200, body: { id: 'modr-1', model: 'guard', results: OPENAI } });
    const { results, model } = await client('openai').moderate(input);
    expect(model.id).toBe('house/guard');
    expect(results).toEqual([
      { index: 0, flagged: false, categories: [{ category: 'VIOLENCE', flagged: false, score: 0.02 }] },
      {
        ...{ index: 1, flagged: true },
        categories: [
          { category: 'VIOLENCE', flagged: true, score: 0.9 },
          { category: 'SELF_HARM', flagged: false, score: 0.1 },
          { category: 'OTHER', flagged: false, score: 0.2 },
        ],
      },
    ]);
    const [request] = fake.requests;
    expect(request?.path).toBe('/v1/moderations');
    expect(request?.headers.authorization).toBe(`Bearer ${KEY}`);
    expect(request?.body).toEqual({ model: 'guard', input: input.texts });
  });

  it('tells those of Mistral, which flags no text as a whole', async () => {
    const categories = { hate_and_discrimination: false, selfharm: true };
    const category_scores = { hate_and_discrimination: 0.1, selfharm: 0.8 };
    const results = [{ categories, category_scores }];
    fake.answer = () => ({ status: 200, body: { results } });
    const answer = await client('mistral').moderate({ ...input, texts: ['one'] });
    expect(answer.results[0]).toEqual({
      ...{ index: 0, flagged: true },
      categories: [
        { category: 'HATE', flagged: false, score: 0.1 },
        { category: 'SELF_HARM', flagged: true, score: 0.8 },
      ],
    });
  });

  it.each([
    ['fewer results than texts', { results: OPENAI.slice(0, 1) }],
    ['no results', {}],
    ['a score that is none', { results: [{ ...OPENAI[0], category_scores: { violence: 7 } }, OPENAI[1]] }],
  ])('refuses an answer with %s', async (_, body) => {
    fake.answer = () => ({ status: 200, body });
    await expect(client('openai').moderate(input)).rejects.toMatchObject({
      extensions: { code: 'AI_PROVIDER_ERROR' },
    });
  });

  it('maps a refusal, and tells nothing of the texts', async () => {
    fake.answer = () => ({ status: 429, body: { error: { message: input.texts[1] } } });
    const thrown: unknown = await client('openai')
      .moderate(input)
      .catch((error: unknown) => error);
    expect(thrown).toMatchObject({ extensions: { code: 'AI_PROVIDER_RATE_LIMITED', retryable: true } });
    expect(JSON.stringify([thrown, failures])).not.toContain('that is not');
    expect(failures).toMatchObject([{ status: 429, model: 'house/guard' }]);
  });

  it.each(['house/old', 'house/none', 'portcullis/offline'])('refuses to ask %s', async (model) => {
    await expect(client('openai').moderate({ ...input, model })).rejects.toMatchObject({
      extensions: { code: 'AI_MODEL_UNKNOWN' },
    });
    expect(fake.requests).toEqual([]);
  });
});
