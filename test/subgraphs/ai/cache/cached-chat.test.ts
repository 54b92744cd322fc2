import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ProviderFailure } from '../../../../subgraphs/ai/ai-error.ts';
import type { ChatInput } from '../../../../subgraphs/ai/ai-input.ts';
import { createAnswerCache } from '../../../../subgraphs/ai/cache/answer-cache.ts';
import { parseCache } from '../../../../subgraphs/ai/cache/cache-config.ts';
import type { ChatEvent } from '../../../../subgraphs/ai/chat-answer.ts';
import type { SubgraphPrincipal } from '../../../../subgraphs/kit/assertion.ts';
import { callerWith, ledgerOf } from '../budget/budget-kit.ts';
import { type ClientOptions, clientWith } from '../client-kit.ts';
import { OPENAI } from '../fakes/openai-wire.ts';
import { type ProviderFake, startProviderFake } from '../fakes/provider-fake.ts';

const EMBEDDING = 'portcullis/offline-embedding';
const ask = (content: string, part: Partial<ChatInput> = {}): ChatInput => ({
  ...{ model: 'house/model-1', maxOutputTokens: 77, messages: [{ role: 'USER', content }] },
  ...part,
});
const HOURS = ask('When does the northern gate of the castle open in summer?');
let fake: ProviderFake;

beforeAll(async () => {
  fake = await startProviderFake();
});
afterAll(() => fake.close());
beforeEach(() => {
  fake.requests.length = 0;
  fake.answer = ({ body }) =>
    body['stream'] === true
      ? { frames: OPENAI.stream.text, after: 'end' }
      : { status: 200, body: OPENAI.chat('Hello world') };
});

/** Callers of one process, with a clock that the test moves. */
function setting(config: object = {}, budget: object = {}) {
  const clock = { nowMs: 1_000_000 };
  const parsed = parseCache({ tenants: 'all', ...config }, new Set([EMBEDDING]));
  const cache = createAnswerCache(
    parsed ?? expect.unreachable('there is a configuration'),
    () => clock.nowMs,
  );
  const { ledger, memory } = ledgerOf({ plans: 'optional', ...budget });
  const failures: ProviderFailure[] = [];
  const models = [{ id: 'model-1', capabilities: ['CHAT', 'IMAGES'] }];
  const house = { name: 'house', provider: 'openai', apiKey: 'k', baseURL: fake.url + OPENAI.base, models };
  const as = (caller: Partial<SubgraphPrincipal>, options: Partial<ClientOptions> = {}) =>
    clientWith([house], {
      ...{ timeoutMs: 15_000, failures, ledger, cache },
      ...{ caller: callerWith([{}], { tenant: 'acme', ...caller }), ...options },
    });
  return { clock, memory, cache, as, acme: as({}) };
}

async function collected(events: AsyncIterable<ChatEvent>): Promise<readonly ChatEvent[]> {
  const told: ChatEvent[] = [];
  for await (const event of events) told.push(event);
  return told;
}
const asked = () => fake.requests.length;

describe('an answer that is kept', () => {
  it('is given to who asks the same, costs nothing, and is recorded with what it saved', async () => {
    const { acme, memory, clock } = setting();
    expect(await acme.chat(HOURS)).toMatchObject({ text: 'Hello world', attempts: [{}] });
    clock.nowMs += 61_000;
    expect(await acme.chat(HOURS)).toMatchObject({
      ...{ text: 'Hello world', finishReason: 'STOP', failure: null, attempts: [] },
      ...{ model: { id: 'house/model-1' }, usage: { totalTokens: 0, estimated: false } },
      cache: { match: 'EXACT', ageSeconds: 61, savedTokens: 18 },
    });
    expect(asked()).toBe(1);
    // A dollar a million tokens in, four out.
    expect(memory.settled.at(-1)).toMatchObject({
      ...{ tenant: 'ten_a', subscription: 'sub_0', model: 'house/model-1', reserved: { tokens: 0 } },
      settlement: { settled: { tokens: 0, microUsd: 0 }, source: 'cache', finish: 'answered' },
      saved: { tokens: 18, microUsd: 39 },
    });
  });

  it.each([
    ['at once', 'as it comes'],
    ['as it comes', 'at once'],
    ['as it comes', 'as it comes'],
  ])('%s is told %s', async (first, second) => {
    const { acme } = setting();
    const tell = async (how: string) => {
      if (how === 'at once') return acme.chat(HOURS);
      const events = await collected(await acme.chatStream(HOURS));
      return { ...events.at(-1), text: events.map(({ text = '' }) => text).join('') };
    };
    await tell(first);
    expect(await tell(second)).toMatchObject({
      ...{ text: 'Hello world', finishReason: 'STOP', usage: { totalTokens: 0 }, attempts: [] },
      cache: { match: 'EXACT', savedTokens: 18 },
    });
    expect(asked()).toBe(1);
  });

  it('is told in pieces, of whole characters', async () => {
    const { acme } = setting();
    const text = '\u{1f511}'.repeat(100);
    fake.answer = () => ({ status: 200, body: OPENAI.chat(text) });
    await acme.chat(HOURS);
    const pieces = (await collected(await acme.chatStream(HOURS))).flatMap((event) => event.text ?? []);
    expect(pieces.map((piece) => [...piece].length)).toEqual([64, 36]);
    expect(pieces.join('')).toBe(text);
  });

  it('is not used after its time', async () => {
    const { acme, clock } = setting({ ttlSeconds: 60 });
    await acme.chat(HOURS);
    clock.nowMs += 60_000;
    await acme.chat(HOURS);
    expect(asked()).toBe(1);
    clock.nowMs += 1;
    await acme.chat(HOURS);
    expect(asked()).toBe(2);
  });

  it('is passed by where the caller wants a new one, which is kept or not', async () => {
    const { acme, cache } = setting();
    await acme.chat({ ...HOURS, cache: 'BYPASS' });
    expect(cache.size.entries).toBe(0);
    await acme.chat(HOURS);
    fake.answer = () => ({ status: 200, body: OPENAI.chat('New.') });
    expect((await acme.chat({ ...HOURS, cache: 'BYPASS' })).text).toBe('New.');
    expect((await acme.chat(HOURS)).text).toBe('Hello world');
    expect((await acme.chat({ ...HOURS, cache: 'REFRESH' })).text).toBe('New.');
    expect(await acme.chat(HOURS)).toMatchObject({ text: 'New.', cache: { match: 'EXACT' } });
  });

  it('is given where the budget is used up, and the provider is down', async () => {
    const { as, acme } = setting();
    await acme.chat(HOURS);
    fake.answer = () => ({ status: 500, body: {} });
    const poor = as({ budget: callerWith([{ tokensPerDay: 1 }]).budget });
    expect((await poor.chat(HOURS)).text).toBe('Hello world');
    await expect(poor.chat(ask('Something else.'))).rejects.toMatchObject({
      extensions: { code: 'BUDGET_EXHAUSTED' },
    });
  });
});

describe('nobody is given an answer', () => {
  it('of another tenant, whatever the tenants call themselves', async () => {
    const { as, acme, cache } = setting({ semantic: { threshold: 0.5 } });
    await acme.chat(HOURS);
    const others = ['initech', 'ACME', 'acme ', 'acme","house/model-1', '__proto__', 'all', '*'];
    for (const tenant of others) {
      const { cache: hit } = await as({ tenant }).chat(HOURS);
      expect([tenant, hit]).toEqual([tenant, undefined]);
    }
    expect(asked()).toBe(1 + others.length);
    expect(cache.size.entries).toBe(1 + others.length);
  });

  it('where the caller has no tenant, or one that did not ask for it', async () => {
    const { as, cache } = setting({ tenants: ['acme'] });
    for (const tenant of [null, 'initech', 'acm', 'acme2']) {
      const client = as({ tenant });
      await client.chat(HOURS);
      await client.chat(HOURS);
    }
    expect([asked(), cache.size.entries]).toEqual([8, 0]);
  });

  it('of a model that its plans do not permit', async () => {
    const { as, acme } = setting();
    await acme.chat(HOURS);
    const other = as({ budget: callerWith([{ models: ['house/other'] }]).budget });
    for (const call of [other.chat(HOURS), other.chatStream(HOURS)])
      await expect(call).rejects.toMatchObject({ extensions: { code: 'MODEL_NOT_APPROVED' } });
  });

  it.each([
    ['fails', { status: 500, body: {} }],
    ['is filtered', { status: 200, body: OPENAI.filtered?.('I must not.') }],
    ['is a refusal', { status: 200, body: OPENAI.refusal?.('I would rather not.') }],
    ['is empty', { status: 200, body: OPENAI.chat('') }],
  ])('that %s', async (_, answer) => {
    const { acme, cache } = setting();
    fake.answer = () => answer;
    for (let call = 0; call < 2; call += 1) await acme.chat(HOURS);
    expect([asked(), cache.size.entries]).toEqual([2, 0]);
  });

  it('of a stream that broke off, or that its reader left', async () => {
    const { acme, cache } = setting();
    fake.answer = () => ({ frames: OPENAI.stream.broken, after: 'end' });
    await collected(await acme.chatStream(HOURS));
    fake.answer = () => ({ frames: OPENAI.stream.text, after: 'end' });
    const left = await acme.chatStream(HOURS);
    await left.next();
    await left.return?.();
    expect(cache.size.entries).toBe(0);
  });
});

describe('an answer to nearly the same question', () => {
  const NEAR = ask('When does the northern gate of the castle open in the summer?');
  const semantic = { threshold: 0.9 };

  it('is given where it is near enough, and the vectors are accounted for', async () => {
    const { acme, memory } = setting({ semantic });
    await acme.chat(HOURS);
    expect(await acme.chat(NEAR)).toMatchObject({ text: 'Hello world', cache: { match: 'SEMANTIC' } });
    expect((await acme.chat(ask('How tall is the tower?'))).cache).toBeUndefined();
    expect(asked()).toBe(2);
    expect(memory.settled.filter(({ model }) => model === EMBEDDING)).toHaveLength(3);
  });

  it('is not where only the same question counts', async () => {
    const { acme } = setting();
    await acme.chat(HOURS);
    expect((await acme.chat(NEAR)).cache).toBeUndefined();
  });

  it.each([
    ['another number', 'Who won the cup of Norway in 1999?', 'Who won the cup of Norway in 1998?'],
    ['a negation', 'May I enter the garden with my old dog?', 'May I not enter the garden with my old dog?'],
  ])('is not across %s, however near', async (_, one, other) => {
    const { acme } = setting({ semantic: { threshold: 0.5 } });
    await acme.chat(ask(one));
    expect((await acme.chat(ask(other))).cache).toBeUndefined();
  });

  it.each([
    ['the system prompt', { messages: [{ role: 'SYSTEM', content: 'Be rude.' }, ...NEAR.messages] }],
    ['a parameter', { temperature: 1 }],
    ['tools', { tools: [{ name: 'weather', parameters: '{}' }] }],
  ] as const)('is not where %s differs', async (_, part) => {
    const { acme } = setting({ semantic });
    await acme.chat(HOURS);
    expect((await acme.chat({ ...NEAR, ...part })).cache).toBeUndefined();
  });

  it('is not of one that was cut', async () => {
    const { acme } = setting({ semantic });
    fake.answer = () => ({ status: 200, body: OPENAI.cut('Hello') });
    await acme.chat(HOURS);
    expect((await acme.chat(NEAR)).cache).toBeUndefined();
    expect((await acme.chat(HOURS)).cache).toMatchObject({ match: 'EXACT' });
  });

  it('is not looked for where the plans permit no vectors, and the model is asked', async () => {
    const { as } = setting({ semantic });
    const other = as({ budget: callerWith([{ models: ['house/*'] }]).budget });
    await other.chat(HOURS);
    expect(await other.chat(NEAR)).toMatchObject({ text: 'Hello world', attempts: [{}] });
  });
});

describe('the configuration', () => {
  it('keeps nothing unless it says whose', () => {
    expect(parseCache(undefined, new Set())).toBeNull();
    for (const value of [{}, { tenants: [] }, { tenants: 'none' }, { tenants: 'all', ttlSeconds: 0 }, null])
      expect(() => parseCache(value, new Set())).toThrow();
  });

  it('takes vectors of a model that embeds', () => {
    const value = { tenants: 'all', semantic: { model: 'house/model-1' } };
    expect(() => parseCache(value, new Set([EMBEDDING]))).toThrow(/no model that embeds/u);
    expect(() =>
      parseCache({ tenants: 'all', semantic: { threshold: 0.4 } }, new Set([EMBEDDING])),
    ).toThrow();
  });
});
