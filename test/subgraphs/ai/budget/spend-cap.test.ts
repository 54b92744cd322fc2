import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ProviderFailure } from '../../../../subgraphs/ai/ai-error.ts';
import type { ChatInput } from '../../../../subgraphs/ai/ai-input.ts';
import type { MeteredCall } from '../../../../subgraphs/ai/budget/budget-ledger.ts';
import { type KeySpendCap, SpendCapReachedError } from '../../../../subgraphs/ai/budget/spend-cap.ts';
import type { ChatEvent } from '../../../../subgraphs/ai/chat-answer.ts';
import { parseProviderConfigs } from '../../../../subgraphs/ai/provider-config.ts';
import { clientWith } from '../client-kit.ts';
import { OPENAI_COMPATIBLE as wire } from '../fakes/openai-wire.ts';
import { type ProviderFake, startProviderFake } from '../fakes/provider-fake.ts';
import { callerWith, ledgerOf } from './budget-kit.ts';

const KEY: KeySpendCap = { provider: 'house', key: 'a', cap: { microUsd: 600, per: 'day' } };
/** Takes 300 micro-dollars. */
const call = (part: Partial<MeteredCall> = {}): MeteredCall => ({
  ...{ caller: callerWith([{}]), field: 'Mutation.chat', model: { id: 'house/model-1', offline: false } },
  ...{ tokens: { input: 100, output: 50 }, key: KEY },
  ...part,
});
const faultOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => null,
    (thrown: unknown) => thrown,
  );

describe('a spend cap of a key', () => {
  it('lets through what fits to the micro-dollar, and nothing above until the window is over', async () => {
    const { ledger, clock, memory } = ledgerOf();
    await ledger.reserve(call());
    await ledger.reserve(call());
    const reached = await faultOf(ledger.reserve(call({ tokens: { input: 1, output: 0 } })));
    expect(reached).toBeInstanceOf(SpendCapReachedError);
    // Nine in the evening is the next day, but for half a minute.
    expect(reached).toMatchObject({ retryAfterMs: (9 * 3600 - 30) * 1000 });
    expect(memory.usedOf('["key","house","a","microUsd","2026-11-24"]')).toBe(600);
    clock.now += (9 * 3600 - 30) * 1000;
    await ledger.reserve(call());
  });

  it('counts what calls took in the place of what was reserved', async () => {
    const { ledger } = ledgerOf();
    const [one, two] = [await ledger.reserve(call()), await ledger.reserve(call())];
    one.unused();
    two.answered({ inputTokens: 100, outputTokens: 0, estimated: false });
    await ledger.settled();
    await ledger.reserve(call());
    expect(await faultOf(ledger.reserve(call()))).toBeInstanceOf(SpendCapReachedError);
  });

  it('that a call can never fit into says so', async () => {
    const { ledger } = ledgerOf();
    expect(
      await faultOf(ledger.reserve(call({ key: { ...KEY, cap: { microUsd: 299, per: 'day' } } }))),
    ).toMatchObject({ retryAfterMs: null });
  });

  it.each([
    ['another tenant', { caller: callerWith([{}], {}) }, true],
    ['another key', { key: { ...KEY, key: 'b' } }, false],
    ['the same name at another provider', { key: { ...KEY, provider: 'other' } }, false],
    ['no cap', { key: null }, false],
  ] as const)('is shared with a call of %s: %#', async (_, part, isShared) => {
    const { ledger } = ledgerOf();
    for (let made = 0; made < 2; made += 1) await ledger.reserve(call());
    expect((await faultOf(ledger.reserve(call(part)))) instanceof SpendCapReachedError).toBe(isShared);
  });

  it('hides no budget of the payer, which another key would not have either', async () => {
    const { ledger } = ledgerOf({ budgets: [{ of: 'tenant', tokensPerDay: 300 }] });
    for (let made = 0; made < 2; made += 1) await ledger.reserve(call());
    expect(await faultOf(ledger.reserve(call()))).toMatchObject({ extensions: { code: 'BUDGET_EXHAUSTED' } });
  });

  it('takes nothing from the payer where the key has nothing left', async () => {
    const { ledger, memory } = ledgerOf({ budgets: [{ of: 'tenant', tokensPerDay: 1000 }] });
    for (let made = 0; made < 3; made += 1) await faultOf(ledger.reserve(call()));
    expect(memory.usedOf('["tenant","0","ten_a","tokens","2026-11-24"]')).toBe(300);
  });

  it('is not spent on a model without a price', async () => {
    const { ledger } = ledgerOf();
    const model = { id: 'house/unknown', offline: false };
    expect(await faultOf(ledger.reserve(call({ model })))).toMatchObject({
      extensions: { code: 'BUDGET_UNAVAILABLE' },
    });
  });
});

describe('keys of which one has spent what it may', () => {
  const INPUT: ChatInput = {
    ...{ model: 'best', maxOutputTokens: 20 },
    messages: [{ role: 'USER', content: 'When does the gate open?' }],
  };
  let fake: ProviderFake;
  let failures: ProviderFailure[];

  beforeAll(async () => {
    fake = await startProviderFake();
  });
  afterAll(() => fake.close());
  beforeEach(() => {
    failures = [];
    fake.requests.length = 0;
    fake.answer = ({ body }) =>
      body['stream'] === true
        ? { frames: wire.stream.text, after: 'end' }
        : { status: 200, body: wire.chat('At nine.') };
  });

  /** Two keys of one provider, and another provider behind it. */
  function asking(caps: readonly (number | null)[], routing: object = { attemptsMax: 1 }) {
    const models = [{ id: 'model-1', capabilities: ['CHAT'] }];
    const apiKeys = caps.map((microUsd, priority) => ({
      ...{ name: `k${priority}`, apiKey: `sk-${priority}`, priority },
      ...(microUsd === null ? {} : { spendCap: { microUsd, per: 'day' } }),
    }));
    const spare = { name: 'spare', provider: 'openai-compatible', apiKey: 'sk-spare' };
    const priced = { input: 1_000_000, output: 4_000_000 };
    const metered = ledgerOf({
      prices: { version: 'v', models: { 'house/model-1': priced, 'spare/model-1': priced } },
    });
    const baseURL = `${fake.url}/v1`;
    const client = clientWith(
      [
        { name: 'house', provider: 'openai-compatible', apiKeys, baseURL, models },
        { ...spare, baseURL, models },
      ],
      {
        ...{ timeoutMs: 20_000, failures, routing, ledger: metered.ledger, caller: callerWith([{}]) },
        aliases: [
          { name: 'best', targets: [{ model: 'house/model-1' }, { model: 'spare/model-1', weight: 0 }] },
        ],
      },
    );
    return { ...metered, client };
  }
  const keysAsked = () => fake.requests.map(({ headers }) => headers.authorization?.slice(-1));

  /** What one such call reserves. */
  async function reservedOfOne(): Promise<number> {
    const { client, ledger, memory } = asking([null]);
    await client.chat(INPUT);
    await ledger.settled();
    fake.requests.length = 0;
    return memory.settled[0]?.reserved.microUsd ?? Number.NaN;
  }

  it('pass it over for the next key, however few attempts a call has, and say so', async () => {
    const { client } = asking([1, 1, null]);
    const result = await client.chat(INPUT);
    expect(result).toMatchObject({ text: 'At nine.', model: { id: 'house/model-1' }, failure: null });
    expect(result.attempts.map(({ outcome }) => outcome)).toEqual([
      ...['SPEND_CAPPED', 'SPEND_CAPPED', 'ANSWERED'],
    ]);
    expect(keysAsked()).toEqual(['2']);
    expect(failures).toMatchObject([
      { code: 'AI_SPEND_CAP_REACHED', key: 'k0', outcome: 'SPEND_CAPPED', status: null },
      { key: 'k1' },
    ]);
  });

  it('are passed over for another model, also in a stream', async () => {
    const { client } = asking([1]);
    expect(await client.chat(INPUT)).toMatchObject({ model: { id: 'spare/model-1' } });
    const events: ChatEvent[] = [];
    for await (const event of await client.chatStream(INPUT)) events.push(event);
    expect(events.at(-1)).toMatchObject({ finishReason: 'STOP' });
    expect(events.at(-1)?.attempts?.map(({ provider }) => provider)).toEqual(['house', 'spare']);
    expect(keysAsked()).toEqual(['e', 'e']);
  });

  it('fail the call by a code of its own where there is no other, and nothing is sent', async () => {
    const one = { ...INPUT, model: 'house/model-1' };
    const { client } = asking([1]);
    const failure = { code: 'AI_SPEND_CAP_REACHED', retryable: false, retryAfterSeconds: null };
    expect(await client.chat(one)).toMatchObject({ finishReason: 'ERROR', failure });
    const events: ChatEvent[] = [];
    for await (const event of await client.chatStream(one)) events.push(event);
    expect(events).toMatchObject([{ finishReason: 'ERROR', failure }]);
    expect(fake.requests).toEqual([]);
  });

  it('never spend more than it may, by however many callers at once; the rest go to the next', async () => {
    const reserved = await reservedOfOne();
    const { client, ledger, memory } = asking([3 * reserved, null], { attemptsMax: 2 });
    const used: number[] = [];
    const counted = '["key","house","k0","microUsd","2026-11-24"]';
    fake.answer = () => {
      used.push(memory.usedOf(counted));
      return { status: 200, body: wire.chat('At nine.') };
    };
    const answers = await Promise.all(Array.from({ length: 24 }, () => client.chat(INPUT)));
    await ledger.settled();
    expect(answers.every(({ text }) => text === 'At nine.')).toBe(true);
    expect(Math.max(...used)).toBeLessThanOrEqual(3 * reserved);
    const ofFirst = keysAsked().filter((key) => key === '0').length;
    expect(ofFirst).toBeGreaterThanOrEqual(3);
    // 11 tokens in, 7 out at four micro-dollars: what was settled, and nothing else.
    expect(memory.usedOf(counted)).toBe(ofFirst * (11 + 7 * 4));
  });

  it('and without a cap, leave their name in the record of each call, streams too', async () => {
    const { client, ledger, memory } = asking([1, null]);
    await client.chat(INPUT);
    for await (const _ of await client.chatStream(INPUT));
    await ledger.settled();
    expect(memory.settled.map(({ providerKey }) => providerKey)).toEqual(['house/k1', 'house/k1']);
  });

  it('do not make a stream reserve twice', async () => {
    const { client, ledger, memory } = asking([1, null]);
    for await (const _ of await client.chatStream(INPUT));
    await ledger.settled();
    expect(memory.settled).toHaveLength(1);
    expect(memory.openCount).toBe(0);
  });

  it('say so for texts, too', async () => {
    const models = [{ id: 'e', capabilities: ['EMBEDDINGS'] }];
    const { ledger, memory } = ledgerOf({
      prices: { version: 'v', models: { 'house/e': { input: 1_000_000, output: 0 } } },
    });
    const house = { name: 'house', provider: 'openai', apiKey: 'sk-0', baseURL: `${fake.url}/v1`, models };
    const client = clientWith([{ ...house, spendCap: { microUsd: 1, per: 'month' } }], {
      ...{ timeoutMs: 20_000, failures, ledger, caller: callerWith([{}]) },
    });
    await expect(client.embed({ model: 'house/e', texts: ['a text', 'another'] })).rejects.toMatchObject({
      extensions: { code: 'AI_SPEND_CAP_REACHED', retryable: false },
    });
    expect([fake.requests.length, memory.openCount]).toEqual([0, 0]);
  });
});

describe('a spend cap in the configuration', () => {
  const models = [{ id: 'm', capabilities: ['CHAT'] }];
  const provider = { name: 'house', provider: 'openai', models };
  const cap = { microUsd: 5, per: 'day' };
  it.each([
    ['of nothing', { apiKey: 'k', spendCap: { ...cap, microUsd: 0 } }],
    ['of parts of a micro-dollar', { apiKey: 'k', spendCap: { ...cap, microUsd: 0.5 } }],
    ['for an hour', { apiKey: 'k', spendCap: { ...cap, per: 'hour' } }],
    ['beside keys that have their own', { apiKeys: [{ name: 'a', apiKey: 'k' }], spendCap: cap }],
    ['beside keys of the control plane', { keysFrom: 'control', spendCap: cap }],
  ])('%s is refused', (_, part) => {
    expect(() => parseProviderConfigs([{ ...provider, ...part }])).toThrow('spendCap');
  });
});
