import { APICallError } from 'ai';
import { GraphQLError } from 'graphql';
import { describe, expect, it } from 'vitest';
import type { MeteredCall } from '../../../../subgraphs/ai/budget/budget-ledger.ts';
import type { BudgetStore } from '../../../../subgraphs/ai/budget/budget-store.ts';
import { NOTHING } from '../../../../subgraphs/ai/budget/price-table.ts';
import { EndpointRefusedError } from '../../../../subgraphs/ai/endpoint/guarded-fetch-client.ts';
import type { Finding } from '../../../../subgraphs/ai/guardrails/finding.ts';
import { principal } from '../../support.ts';
import { callerWith, ledgerOf, NOW } from './budget-kit.ts';

const FOUND: Finding = { guardrail: 'pii', kind: 'EMAIL', direction: 'input', action: 'block', count: 1 };
const MODEL = { id: 'house/model-1', offline: false };
const call = (part: Partial<MeteredCall> = {}): MeteredCall => ({
  ...{ caller: callerWith([{}]), field: 'Mutation.chat', model: MODEL, tokens: { input: 100, output: 50 } },
  ...part,
});

/** What a refusal tells its caller. */
async function refusalOf(work: Promise<unknown>): Promise<Record<string, unknown>> {
  const fault = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (!(fault instanceof GraphQLError)) throw new Error('was not refused');
  return fault.extensions;
}

describe('a plan', () => {
  it.each([
    ['another model', [{ models: ['house/model-2'] }]],
    ['the beginning of another', [{ models: ['house/model-10*'] }]],
    ['no model', [{ models: [] }]],
    ['it only for another field', [{ models: ['house/other'] }, { fields: ['Mutation.embed'] }]],
  ])('that permits %s refuses the call', async (_, plans) => {
    const { ledger } = ledgerOf();
    const { code } = await refusalOf(ledger.reserve(call({ caller: callerWith(plans) })));
    expect(code).toBe('MODEL_NOT_APPROVED');
  });

  it.each([
    ['by its id', ['house/model-1']],
    ['by the beginning of its id', ['house/*']],
    ['as every other', undefined],
  ])('permits a model %s', async (_, models) => {
    const { ledger, memory } = ledgerOf();
    const plan = models === undefined ? {} : { models };
    (await ledger.reserve(call({ caller: callerWith([plan]) }))).unused();
    expect(memory.settled[0]).toMatchObject({ subscription: 'sub_0', tenant: 'ten_a', application: 'app_a' });
  });

  it('is charged that has most to spend, and none beside it', async () => {
    const { ledger, memory } = ledgerOf();
    const spend = (microUsd: number, per: 'day' | 'month') => ({ spend: { microUsd, per } });
    const caller = callerWith([spend(20_000, 'month'), spend(900, 'day'), spend(20_000, 'month')]);
    (await ledger.reserve(call({ caller }))).unused();
    expect(memory.settled[0]?.subscription).toBe('sub_1');
  });

  it.each([
    ['tokens of a minute', { tokensPerMinute: 299 }, 30],
    ['tokens of a day', { tokensPerDay: 299 }, 9 * 3600 - 30],
    ['money of a day', { spend: { microUsd: 599, per: 'day' as const } }, 9 * 3600 - 30],
    ['money of a month', { spend: { microUsd: 599, per: 'month' as const } }, 6 * 86_400 + 9 * 3600 - 30],
  ])(
    'with too little for a second call refuses it by its %s and says when to come back',
    async (_, plan, wait) => {
      const { ledger } = ledgerOf();
      const caller = callerWith([plan]);
      // 150 tokens, 300 micro-dollars.
      await ledger.reserve(call({ caller }));
      expect(await refusalOf(ledger.reserve(call({ caller })))).toEqual({
        ...{ code: 'BUDGET_EXHAUSTED', retryable: true, retryAfterSeconds: wait },
      });
    },
  );

  it('with as much as the call can take lets it through, and again when the minute is over', async () => {
    const { ledger, clock } = ledgerOf();
    const caller = callerWith([{ tokensPerMinute: 150 }]);
    await ledger.reserve(call({ caller }));
    expect(await refusalOf(ledger.reserve(call({ caller })))).toMatchObject({ code: 'BUDGET_EXHAUSTED' });
    clock.now += 30_000;
    await ledger.reserve(call({ caller }));
  });

  it('that a call can never fit into says so', async () => {
    const { ledger } = ledgerOf();
    const caller = callerWith([{ tokensPerDay: 149 }]);
    expect(await refusalOf(ledger.reserve(call({ caller })))).toEqual({
      ...{ code: 'BUDGET_EXHAUSTED', retryable: false },
    });
  });
});

describe('a plan for one way to chat', () => {
  const fields = ['Mutation.chat'];
  const others = ['Subscription.chatStream', 'GeneratedText.answer'] as const;

  it.each(others)('holds for %s too, where no plan is for that', async (field) => {
    const { ledger } = ledgerOf();
    const caller = callerWith([{ fields, tokensPerDay: 200 }]);
    await ledger.reserve(call({ caller, field }));
    // What one way has taken the other has not.
    expect(await refusalOf(ledger.reserve(call({ caller })))).toMatchObject({ code: 'BUDGET_EXHAUSTED' });
    const elsewhere = callerWith([{ fields, models: ['house/other'] }]);
    expect(await refusalOf(ledger.reserve(call({ caller: elsewhere, field })))).toMatchObject({
      code: 'MODEL_NOT_APPROVED',
    });
  });

  it.each(others)('gives way to a plan for %s itself', async (field) => {
    const { ledger, memory } = ledgerOf();
    const caller = callerWith([{ fields, tokensPerDay: 1 }, { fields: [field] }]);
    (await ledger.reserve(call({ caller, field }))).unused();
    expect(memory.settled[0]?.subscription).toBe('sub_1');
  });

  it('holds nothing else', async () => {
    const { ledger, memory } = ledgerOf();
    const caller = callerWith([{ fields, tokensPerDay: 1 }]);
    (await ledger.reserve(call({ caller, field: 'Mutation.embed' }))).unused();
    expect(memory.settled[0]?.subscription).toBeNull();
  });
});

describe('a caller', () => {
  it('of whose plans nothing is said is refused where plans are required', async () => {
    const { ledger } = ledgerOf();
    const { code } = await refusalOf(ledger.reserve(call({ caller: principal() })));
    expect(code).toBe('MODEL_NOT_APPROVED');
  });

  it('of whose plans nothing is said is held to the other budgets where they are optional', async () => {
    const { ledger } = ledgerOf({ plans: 'optional', budgets: [{ of: 'tenant', tokensPerDay: 200 }] });
    await ledger.reserve(call({ caller: principal() }));
    const { code } = await refusalOf(ledger.reserve(call({ caller: principal() })));
    expect(code).toBe('BUDGET_EXHAUSTED');
  });

  it('without a tenant shares no budget with a tenant, whatever that is called', async () => {
    const { ledger } = ledgerOf({ plans: 'optional', budgets: [{ of: 'tenant', tokensPerDay: 200 }] });
    await ledger.reserve(call({ caller: principal({ tenant: null }) }));
    for (const tenant of ['none', 'null', '-', '*'])
      await ledger.reserve(call({ caller: principal({ tenant }) }));
    const { code } = await refusalOf(ledger.reserve(call({ caller: principal({ tenant: null }) })));
    expect(code).toBe('BUDGET_EXHAUSTED');
  });

  it.each([
    ['a text', 'all'],
    ['plans of another form', { tenant: 't', application: 'a', credential: null, plans: {} }],
    [
      'tokens that are no number',
      { tenant: 't', application: 'a', credential: null, plans: [{ tokensPerDay: '9' }] },
    ],
  ])('of whose plans is said %s is refused, and operators are told', async (_, budget) => {
    const { ledger, faults } = ledgerOf({ plans: 'optional' });
    const { code } = await refusalOf(ledger.reserve(call({ caller: principal({ budget }) })));
    expect(code).toBe('BUDGET_UNAVAILABLE');
    expect(faults).toMatchObject([{ fault: 'unreadable plans' }]);
  });
});

describe('a configured budget', () => {
  const callerOf = ([tenant, application, credential]: readonly string[]) =>
    principal({ budget: { tenant, application, credential, plans: [] } });

  it.each([
    ['tenant', ['t', 'a', 'c'], ['t', 'b', 'd'], ['u', 'a', 'c']],
    ['application', ['t', 'a', 'c'], ['t', 'a', 'd'], ['u', 'a', 'c']],
    ['credential', ['t', 'a', 'c'], ['t', 'b', 'c'], ['u', 'a', 'c']],
  ] as const)('of each %s is one for all of its calls and for no other’s', async (of, first, same, other) => {
    const { ledger } = ledgerOf({ budgets: [{ of, tokensPerDay: 150 }] });
    await ledger.reserve(call({ caller: callerOf(first) }));
    expect(await refusalOf(ledger.reserve(call({ caller: callerOf(same) })))).toMatchObject({
      code: 'BUDGET_EXHAUSTED',
    });
    await ledger.reserve(call({ caller: callerOf(other) }));
  });

  it('of some holds nobody else', async () => {
    const { ledger } = ledgerOf({ budgets: [{ of: 'tenant', only: ['t'], tokensPerDay: 1 }] });
    await ledger.reserve(call({ caller: callerOf(['u', 'a', 'c']) }));
    expect(await refusalOf(ledger.reserve(call({ caller: callerOf(['t', 'a', 'c']) })))).toMatchObject({
      code: 'BUDGET_EXHAUSTED',
    });
  });

  it('takes nothing where another has no room', async () => {
    const { ledger, memory } = ledgerOf({
      budgets: [
        { of: 'tenant', tokensPerDay: 150 },
        { of: 'credential', tokensPerDay: 1 },
      ],
    });
    await refusalOf(ledger.reserve(call({ caller: callerOf(['t', 'a', 'c']) })));
    expect(memory.usedOf('["tenant","0","t","tokens","2026-11-24"]')).toBe(0);
  });

  it('does not mistake one name for two, or a long one for another', async () => {
    const { ledger } = ledgerOf({ budgets: [{ of: 'application', tokensPerDay: 150 }] });
    const names = ['a","b', 'x'.repeat(500), `${'x'.repeat(499)}y`];
    for (const name of names) await ledger.reserve(call({ caller: callerOf(['t', name, 'c']) }));
    await ledger.reserve(call({ caller: callerOf(['t","a', 'b', 'c']) }));
  });
});

describe('money', () => {
  const budgets = [{ of: 'tenant', spend: { microUsd: 1_000_000, per: 'day' } }];

  it('is not spent on a model without a price, and operators are told', async () => {
    const { ledger, faults } = ledgerOf({ budgets });
    const model = { id: 'house/unknown', offline: false };
    expect(await refusalOf(ledger.reserve(call({ model })))).toMatchObject({ code: 'BUDGET_UNAVAILABLE' });
    expect(faults).toMatchObject([{ fault: 'model without a price', model: 'house/unknown' }]);
  });

  it('is not needed for an offline model', async () => {
    const { ledger, memory } = ledgerOf({ budgets });
    const charge = await ledger.reserve(call({ model: { id: 'portcullis/offline', offline: true } }));
    charge.answered({ inputTokens: 9, outputTokens: 9, estimated: false });
    expect(memory.settled[0]).toMatchObject({
      priceVersion: null,
      settlement: { settled: { tokens: 18, microUsd: 0 } },
    });
  });
});

describe('a store that does not answer', () => {
  const lost: BudgetStore = {
    reserve: () => Promise.reject(new Error('secret host 10.0.0.1')),
    settle: () => Promise.reject(new Error('secret host 10.0.0.1')),
    recordSaved: () => Promise.reject(new Error('secret host 10.0.0.1')),
    recordBlocked: () => Promise.reject(new Error('secret host 10.0.0.1')),
    recordFindings: () => Promise.reject(new Error('secret host 10.0.0.1')),
    sweep: () => Promise.reject(new Error('secret host 10.0.0.1')),
    close: async () => undefined,
  };

  it('refuses, and operators are told without a text', async () => {
    const { ledger, faults } = ledgerOf({}, lost);
    expect(await refusalOf(ledger.reserve(call()))).toEqual({ code: 'BUDGET_UNAVAILABLE', retryable: true });
    await ledger.sweep();
    expect(faults).toEqual([
      { fault: 'store lost', model: 'house/model-1', errorName: 'Error' },
      { fault: 'store lost', model: null, errorName: 'Error' },
    ]);
  });

  it('lets calls through where the configuration says so', async () => {
    const { ledger } = ledgerOf({ onStoreLost: 'allow' }, lost);
    (await ledger.reserve(call())).answered({ inputTokens: 1, outputTokens: 1, estimated: false });
  });

  it('takes no kept answer from anybody, and operators are told', async () => {
    const { ledger, faults } = ledgerOf({}, lost);
    const usage = { inputTokens: 11, outputTokens: 7, estimated: false };
    // A dollar a million tokens in, four out.
    expect(await ledger.recordSaved({ ...call(), usage })).toMatchObject({ tokens: 18, microUsd: 39 });
    expect(faults).toEqual([{ fault: 'not recorded', model: 'house/model-1', errorName: 'Error' }]);
  });

  it('loses what guardrails found, and operators are told', async () => {
    const { ledger, faults } = ledgerOf({}, lost);
    ledger.recordBlocked(call(), [FOUND]);
    ledger.recordFindings({ id: 'use_1', model: 'house/model-1' }, [FOUND]);
    await ledger.settled();
    const told = { fault: 'not recorded', model: 'house/model-1', errorName: 'Error' };
    expect(faults).toEqual([told, told]);
  });

  it('holds a bounded number of records of calls that were blocked', async () => {
    const waiting = Promise.withResolvers<void>();
    const { ledger, faults } = ledgerOf({}, { ...lost, recordBlocked: () => waiting.promise });
    for (let blocked = 0; blocked < 1_002; blocked += 1) ledger.recordBlocked(call(), [FOUND]);
    expect(faults).toHaveLength(2);
    waiting.resolve();
    await ledger.settled();
    expect(faults).toMatchObject([{ fault: 'not recorded' }, { fault: 'not recorded' }]);
  });

  it('at the end of a call fails no answer', async () => {
    const { ledger, faults } = ledgerOf({}, { ...lost, reserve: async () => [] });
    (await ledger.reserve(call())).answered({ inputTokens: 1, outputTokens: 1, estimated: false });
    await ledger.settled();
    expect(faults).toMatchObject([{ fault: 'not settled' }]);
  });
});

describe('a call settles', () => {
  const INPUT_ONLY = { tokens: 100, microUsd: 100 };
  const ALL = { tokens: 150, microUsd: 300 };
  const status = (statusCode: number) =>
    new APICallError({ message: 'no', url: 'http://x', requestBodyValues: {}, statusCode });
  const unreached = (code: string) =>
    new APICallError({
      ...{ message: 'no', url: 'http://x', requestBodyValues: {} },
      cause: new TypeError('fetch failed', { cause: Object.assign(new Error('x'), { code }) }),
    });
  const refusedEndpoint = new APICallError({
    ...{ message: 'no', url: 'http://x', requestBodyValues: {} },
    cause: new TypeError('fetch failed', { cause: new EndpointRefusedError('x') }),
  });

  it.each([
    ['as nothing where the provider refused it with 400', status(400), NOTHING, 'refunded'],
    ['as nothing where the provider refused it with 429', status(429), NOTHING, 'refunded'],
    ['as nothing where nobody listened', unreached('ECONNREFUSED'), NOTHING, 'refunded'],
    ['as nothing where there was no such host', unreached('ENOTFOUND'), NOTHING, 'refunded'],
    ['as nothing where the endpoint is none that is called', refusedEndpoint, NOTHING, 'refunded'],
    ['by its input where the provider failed with 500', status(500), INPUT_ONLY, 'estimated'],
    ['by its input where the provider was overloaded, 529', status(529), INPUT_ONLY, 'estimated'],
    ['in full where the provider said it took too long, 408', status(408), ALL, 'estimated'],
    ['in full where the connection broke after it was sent', unreached('ECONNRESET'), ALL, 'estimated'],
    ['in full where its time was over', new DOMException('x', 'TimeoutError'), ALL, 'estimated'],
    ['in full where the answer could not be read', new SyntaxError('x'), ALL, 'estimated'],
    [
      'in full where one of two addresses was reached',
      new AggregateError([unreached('ECONNREFUSED'), unreached('ECONNRESET')]),
      ...([ALL, 'estimated'] as const),
    ],
  ])('%s', async (_, thrown, amount, source) => {
    const { ledger, memory } = ledgerOf();
    (await ledger.reserve(call())).broke({ thrown, aborted: false, receivedTokens: null });
    expect(memory.settled[0]?.settlement).toMatchObject({ settled: amount, source, finish: 'failed' });
  });

  it('by what was received where it broke off, never above what could come', async () => {
    const { ledger, memory } = ledgerOf();
    for (const receivedTokens of [0, 10, 5000])
      (await ledger.reserve(call())).broke({ thrown: status(500), aborted: true, receivedTokens });
    expect(memory.settled.map(({ settlement }) => settlement?.settled.tokens)).toEqual([100, 110, 150]);
    expect(memory.settled[0]?.settlement).toMatchObject({ source: 'estimated', finish: 'aborted' });
  });

  it('by what the provider says, its cache at its own price and told apart', async () => {
    const models = {
      'house/model-1': { input: 1_000_000, cacheRead: 100_000, cacheWrite: 1_250_000, output: 0 },
    };
    const { ledger, memory } = ledgerOf({ prices: { version: 'v2', models } });
    (await ledger.reserve(call())).answered({
      ...{ inputTokens: 100, cacheReadTokens: 60, cacheWriteTokens: 20, outputTokens: 9, reasoningTokens: 4 },
      estimated: false,
    });
    expect(memory.settled[0]).toMatchObject({
      ...{ priceVersion: 'v2', reserved: { microUsd: 125 } },
      settlement: {
        ...{ settled: { tokens: 109, microUsd: 20 + 6 + 25 }, source: 'provider' },
        counts: { input: 20, cacheRead: 60, cacheWrite: 20, output: 9, reasoning: 4 },
      },
    });
  });

  it('once, whatever comes after', async () => {
    const { ledger, memory } = ledgerOf();
    const charge = await ledger.reserve(call());
    charge.answered({ inputTokens: 10, outputTokens: 0, estimated: true });
    charge.unused();
    charge.broke({ thrown: null, aborted: true, receivedTokens: null });
    expect(memory.settled.map(({ settlement }) => settlement?.settled.tokens)).toEqual([10]);
    expect(memory.settled[0]?.settlement?.source).toBe('estimated');
  });

  it('in full when nobody has settled it in time', async () => {
    const { ledger, memory, clock } = ledgerOf({ settleAfterSeconds: 60 });
    await ledger.reserve(call());
    clock.now = NOW + 60_000;
    await ledger.sweep();
    expect(memory.settled[0]?.settlement).toMatchObject({
      settled: ALL,
      source: 'estimated',
      finish: 'lost',
    });
  });
});
