import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { EmbedInput } from '../../../../subgraphs/ai/ai-input.ts';
import { parseCache } from '../../../../subgraphs/ai/cache/cache-config.ts';
import { createVectorCache } from '../../../../subgraphs/ai/cache/vector-cache.ts';
import { runEmbed } from '../../../../subgraphs/ai/embed-path.ts';
import { compileGuardrails } from '../../../../subgraphs/ai/guardrails/compile-guardrails.ts';
import { guardedEmbed } from '../../../../subgraphs/ai/guardrails/guarded-path.ts';
import { parseGuardrails } from '../../../../subgraphs/ai/guardrails/guardrails-config.ts';
import { principal } from '../../support.ts';
import { callerWith, ledgerOf } from '../budget/budget-kit.ts';
import { partsOf } from '../client-kit.ts';
import { OPENAI } from '../fakes/openai-wire.ts';
import { type ProviderFake, startProviderFake } from '../fakes/provider-fake.ts';

const clock = { now: 1_000_000 };
let fake: ProviderFake;

beforeAll(async () => {
  fake = await startProviderFake();
});
afterAll(() => fake.close());
beforeEach(() => {
  fake.requests.length = 0;
  // The vector of a text is its length.
  fake.answer = ({ body }) => ({
    ...{ status: 200, body: OPENAI.embed((body['input'] as string[]).map((text) => [text.length, 0.1])) },
  });
});

function keeping(cache: object = { tenants: ['acme', 'globex'], embeddings: {} }, ledgerConfig: object = {}) {
  const models = ['v', 'w'].map((id) => ({ id, capabilities: ['EMBEDDINGS'] }));
  const house = {
    name: 'house',
    provider: 'openai',
    apiKey: 'sk-x',
    baseURL: fake.url + OPENAI.base,
    models,
  };
  const metered = ledgerOf({ plans: 'optional', ...ledgerConfig });
  const config = parseCache(cache, new Set()) ?? expect.unreachable('it is a cache');
  const parts = {
    ...partsOf([house], { timeoutMs: 10_000, failures: [], ledger: metered.ledger }),
    vectors: createVectorCache(config, () => clock.now),
  };
  const embed = (
    texts: readonly string[],
    part: Partial<EmbedInput> = {},
    caller = principal({ tenant: 'acme' }),
  ) => runEmbed(parts, { input: { model: 'house/v', texts, ...part }, caller, field: 'Mutation.embed' });
  return { ...metered, parts, embed };
}
const asked = (): unknown[] => fake.requests.map(({ body }) => body['input']);
const vectorsOf = ({ embeddings }: Awaited<ReturnType<typeof runEmbed>>) =>
  embeddings.map(({ vector }) => vector);

describe('vectors of texts', () => {
  it('that were kept are given again, in their places; only the others are asked for and paid', async () => {
    const { embed, ledger, memory } = keeping();
    await embed(['a', 'bbb']);
    const again = await embed(['cc', 'bbb', 'dddd', 'a']);
    expect(vectorsOf(again)).toEqual([2, 3, 4, 1].map((length) => [length, 0.1]));
    expect(again).toMatchObject({ cachedTexts: 2, dimensions: 2 });
    expect(asked()).toEqual([
      ['a', 'bbb'],
      ['cc', 'dddd'],
    ]);
    const all = await embed(['a', 'bbb']);
    expect(all).toMatchObject({ cachedTexts: 2, attempts: [], usage: { inputTokens: 0, estimated: false } });
    expect(all.savedTokens).toBeGreaterThan(0);
    expect(asked()).toHaveLength(2);
    await ledger.settled();
    expect(memory.settled.map(({ settlement }) => settlement?.source)).toEqual([
      ...['provider', 'provider', 'cache', 'cache'],
    ]);
  });

  it.each([
    ['another tenant', {}, principal({ tenant: 'globex' })],
    ['a caller of no tenant', {}, principal({ tenant: null })],
    ['another model', { model: 'house/w' }, principal({ tenant: 'acme' })],
  ])('are not given to %s', async (_, part, caller) => {
    const { embed } = keeping();
    await embed(['a']);
    expect(await embed(['a'], part, caller)).toMatchObject({ cachedTexts: 0 });
    expect(asked()).toHaveLength(2);
  });

  it.each([
    ['that the configuration does not name', { tenants: ['globex'], embeddings: {} }],
    ['where the configuration keeps answers only', { tenants: 'all' }],
  ])('of a tenant %s are not kept', async (_, cache) => {
    const { embed } = keeping(cache);
    await embed(['a']);
    expect(await embed(['a'])).toMatchObject({ cachedTexts: 0 });
  });

  it('are given to nobody who may not ask the model', async () => {
    const { embed } = keeping();
    const caller = (models: readonly string[]) => callerWith([{ models }], { tenant: 'acme' });
    await embed(['a'], {}, caller(['house/v']));
    await expect(embed(['a'], {}, caller(['house/w']))).rejects.toMatchObject({
      extensions: { code: 'MODEL_NOT_APPROVED' },
    });
  });

  it('are made anew where the caller wants that, and kept or not', async () => {
    const { embed } = keeping();
    await embed(['a'], { cache: 'BYPASS' });
    expect(await embed(['a'])).toMatchObject({ cachedTexts: 0 });
    expect(await embed(['a'], { cache: 'REFRESH' })).toMatchObject({ cachedTexts: 0 });
    expect(await embed(['a'], { cache: 'BYPASS' })).toMatchObject({ cachedTexts: 0 });
    expect(await embed(['a'])).toMatchObject({ cachedTexts: 1 });
  });

  it('are forgotten when their time is over', async () => {
    const { embed } = keeping({ tenants: 'all', ttlSeconds: 10, embeddings: {} });
    await embed(['a']);
    clock.now += 10_000;
    expect(await embed(['a'])).toMatchObject({ cachedTexts: 1 });
    clock.now += 1;
    expect(await embed(['a'])).toMatchObject({ cachedTexts: 0 });
  });

  it('are not kept of a call that failed', async () => {
    const { embed } = keeping();
    fake.answer = () => ({ status: 500, body: {} });
    await expect(embed(['a'])).rejects.toThrow();
    fake.answer = () => ({ status: 200, body: OPENAI.embed([[1, 0]]) });
    expect(await embed(['a'])).toMatchObject({ cachedTexts: 0 });
  });

  it('are made anew where the model gives vectors of another size by now', async () => {
    const { embed } = keeping();
    await embed(['a']);
    fake.answer = ({ body }) => ({
      status: 200,
      body: OPENAI.embed((body['input'] as string[]).map(({ length }) => [length, 0, 0])),
    });
    const mixed = await embed(['a', 'bb']);
    expect(mixed).toMatchObject({ cachedTexts: 0, dimensions: 3 });
    expect(mixed.embeddings.map(({ vector }) => vector)).toEqual([
      [1, 0, 0],
      [2, 0, 0],
    ]);
    expect(await embed(['a', 'bb'])).toMatchObject({ cachedTexts: 2, dimensions: 3 });
  });

  it('give way within their bounds', async () => {
    const { embed } = keeping({ tenants: 'all', embeddings: { entriesMax: 2 } });
    await embed(['a', 'bb', 'ccc']);
    expect(await embed(['ccc'])).toMatchObject({ cachedTexts: 1 });
    expect(await embed(['a'])).toMatchObject({ cachedTexts: 0 });
  });

  it('come after the guardrails: what is blocked gets none, and what is masked was never kept', async () => {
    const { parts, embed, ledger, memory } = keeping();
    await embed(['jane@example.com']);
    const guarded = (action: string) =>
      guardedEmbed(
        {
          ...parts,
          guardrails: compileGuardrails(parseGuardrails({ pii: { input: action } })),
          onGuardrails: () => undefined,
        },
        {
          input: { model: 'house/v', texts: ['jane@example.com'] },
          caller: principal({ tenant: 'acme' }),
          field: 'Mutation.embed',
        },
      );
    await expect(guarded('block')).rejects.toMatchObject({ extensions: { code: 'AI_GUARDRAIL_BLOCKED' } });
    expect(await guarded('mask')).toMatchObject({ cachedTexts: 0 });
    expect(await guarded('mask')).toMatchObject({ cachedTexts: 1 });
    await ledger.settled();
    expect(memory.settled.at(-1)).toMatchObject({
      settlement: { source: 'cache' },
      findings: [{ kind: 'EMAIL' }],
    });
  });
});
