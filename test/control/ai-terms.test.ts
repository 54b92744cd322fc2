import { describe, expect, it } from 'vitest';
import type { AiLimits } from '../../src/control/ai-limits.ts';
import { checkedAiLimits } from '../../src/control/ai-limits.ts';
import { Entitlements } from '../../src/control/entitlements.ts';
import type { ControlSnapshot, PlanFacts } from '../../src/control/snapshot.ts';
import { compose } from '../operation/graph-kit.ts';
import { CLOSED, caller, product, snapshot, subscription } from './control-kit.ts';

const GRAPH = compose('type Query { chat: String embed: String other: String }');
const FIELDS = ['Query.chat', 'Query.embed'];
const AI: AiLimits = { tokensPerDay: 9, models: ['house/*'] };
const PLAN: PlanFacts = { id: 'pln_1', limits: { ai: AI } };
const CHAT = product('chat', { coordinates: ['Query.chat'] });
const OTHER = product('other', { coordinates: ['Query.other'] });

function start(part: Partial<ControlSnapshot>, clock = { now: 100 }) {
  const entitlements = new Entitlements({ ...CLOSED, staleMs: 1e9 }, () => clock.now);
  entitlements.replace(snapshot({ products: [CHAT, OTHER], plans: [PLAN], ...part }), clock.now);
  const allowance = (tenant: string | null = 'acme', application: string | null = 'shop') =>
    entitlements.allowanceFor(caller(tenant, application), GRAPH, FIELDS);
  return { entitlements, allowance, clock };
}

describe('what a caller may use of models', () => {
  it('is what its plan says, for the fields that the product holds', () => {
    const { allowance } = start({ subscriptions: [subscription('chat')] });
    expect(allowance()).toMatchObject({
      ...{ tenant: 'ten_acme', application: 'app_1' },
      plans: [{ ...AI, fields: ['Query.chat'], subscription: expect.any(String) }],
    });
  });

  it('is nothing by the plan of a product that holds none of the fields', () => {
    const { allowance } = start({ subscriptions: [subscription('other')] });
    expect(allowance()?.plans).toEqual([]);
  });

  it('is without a limit where the plan has none', () => {
    const { allowance } = start({ plans: [], subscriptions: [subscription('chat')] });
    expect(allowance()?.plans).toEqual([{ subscription: expect.any(String), fields: ['Query.chat'] }]);
  });

  it('is nothing by a subscription that is suspended, has ended, or has not begun', () => {
    for (const part of [{ state: 'SUSPENDED' as const }, { endsAt: 100 }, { startsAt: 101 }])
      expect(start({ subscriptions: [subscription('chat', part)] }).allowance()?.plans).toEqual([]);
  });

  it('ends with the subscription, by the clock', () => {
    const { allowance, clock } = start({ subscriptions: [subscription('chat', { endsAt: 200 })] });
    expect(allowance()?.plans).toHaveLength(1);
    clock.now = 200;
    expect(allowance()?.plans).toEqual([]);
  });

  it.each([
    ['another tenant', 'globex', 'shop'],
    ['an unknown application', 'acme', 'app_9'],
    ['no application', 'acme', null],
    ['no tenant', null, 'shop'],
    ['a name of every object', 'acme', '__proto__'],
  ])('is not known of %s', (_, tenant, application) => {
    const { allowance } = start({ subscriptions: [subscription('chat')] });
    expect(allowance(tenant, application)?.plans ?? []).toEqual([]);
  });

  it('is the same object until something changes, so that an assertion is signed once', () => {
    const { entitlements, allowance } = start({ subscriptions: [subscription('chat')] });
    const before = allowance();
    expect(allowance()).toBe(before);
    entitlements.replace(snapshot({ version: 9, products: [CHAT], plans: [PLAN] }), 100);
    expect(allowance()).not.toBe(before);
  });
});

describe('AI limits', () => {
  it.each<[string, AiLimits]>([
    ['no tokens', { tokensPerMinute: 0 }],
    ['a part of a token', { tokensPerDay: 1.5 }],
    ['more tokens than the schema can show', { tokensPerDay: 2_147_483_648 }],
    ['no money', { spend: { microUsd: 0, per: 'day' } }],
    ['more money than is counted exactly', { spend: { microUsd: 2 ** 53, per: 'month' } }],
    ['a model with a blank', { models: ['a model'] }],
    ['a star inside of a name', { models: ['a*b'] }],
    ['a star before a name', { models: ['*b'] }],
    ['more models than fit', { models: Array.from({ length: 33 }, (_, index) => `m${index}`) }],
    [
      'longer names than fit',
      { models: Array.from({ length: 20 }, (_, index) => `${'m'.repeat(120)}${index}`) },
    ],
  ])('refuse %s', (_, limits) => {
    expect(() => checkedAiLimits(limits)).toThrow(
      expect.objectContaining({ fault: expect.objectContaining({ code: 'INVALID_INPUT' }) }),
    );
  });

  it('keep what is given and nothing else', () => {
    const limits = { ...AI, tokensPerMinute: 3, spend: { microUsd: 5, per: 'day' as const } };
    expect(checkedAiLimits({ ...limits, more: 1 } as AiLimits)).toEqual(limits);
  });
});
