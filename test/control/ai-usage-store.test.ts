import { beforeAll, describe, expect, it } from 'vitest';
import { SYSTEM } from '../../src/control/actor.ts';
import { cursorOf } from '../../src/control/input.ts';
import { DatabaseBudgetStore } from '../../subgraphs/ai/budget/database-budget-store.ts';
import type { Finding } from '../../subgraphs/ai/guardrails/finding.ts';
import { held, NOW, settled } from '../subgraphs/ai/budget/budget-kit.ts';
import { faultCodeOf, member } from './database-kit.ts';
import { useTestControl } from './use-test-control.ts';

const test = useTestControl();
const DAY_MS = 86_400_000;
const SPAN = { sinceMs: NOW - DAY_MS, untilMs: NOW + DAY_MS };
const FOUND: Finding = { guardrail: 'pii', kind: 'EMAIL', direction: 'input', action: 'mask', count: 3 };
const BLOCKING: Finding = { ...FOUND, action: 'block' };
const developer = member('ten_a');

beforeAll(async () => {
  const store = new DatabaseBudgetStore(
    {
      query: (text, values) => test.database.asOwner((client) => client.query(text, [...values])),
      close: async () => undefined,
    },
    { now: () => NOW, retentionDays: 30 },
  );
  for (let call = 0; call < 5; call += 1) {
    const made = held(
      { tokens: 100, microUsd: 50 },
      {},
      {
        ...{ tenant: call < 4 ? 'ten_a' : 'ten_b', providerKey: call === 1 ? 'house/pcr_1' : 'house/main' },
      },
    );
    await store.reserve(made);
    if (call !== 3) await store.settle(made, settled(10 + call, 1 + call));
  }
  const spared = held({ tokens: 0, microUsd: 0 }, {}, { tenant: 'ten_c' });
  const made = held({ tokens: 100, microUsd: 50 }, {}, { tenant: 'ten_d' });
  await store.reserve(made);
  await store.recordFindings(made.record.id, [FOUND]);
  await store.recordBlocked(held({ tokens: 0, microUsd: 0 }, {}, { tenant: 'ten_d' }).record, [BLOCKING]);
  await store.recordSaved(spared.record, { tokens: 18, microUsd: 39 });
});

describe('what calls of models took', () => {
  it('is told page by page, latest first, each call once', async () => {
    const ids: string[] = [];
    let after: string | undefined;
    do {
      const page = await test.control.aiUsage.list(
        developer,
        {},
        { first: 3, ...(after === undefined ? {} : { after }) },
      );
      ids.push(...page.items.map(({ id }) => id));
      after = page.next ?? undefined;
    } while (after !== undefined);
    expect(ids).toHaveLength(4);
    expect(ids).toEqual([...new Set(ids)].toSorted().toReversed());
  });

  it('has what guardrails found, and calls that they kept from their model', async () => {
    const theirs = member('ten_d');
    const { items } = await test.control.aiUsage.list(theirs, {}, {});
    expect(items).toMatchObject([
      { source: 'blocked', finish: 'blocked', settledMicroUsd: 0, settledTokens: 0, findings: [BLOCKING] },
      { source: null, reservedMicroUsd: 50, findings: [FOUND] },
    ]);
    const [spend] = await test.control.aiUsage.spend(theirs, SPAN, 'model');
    expect(spend).toMatchObject({ calls: 2, blocked: 1, microUsd: 0 });
    expect((await test.control.aiUsage.list(developer, {}, {})).items[0]?.findings).toBeNull();
  });

  it('has what was reserved, and what became of it', async () => {
    const { items } = await test.control.aiUsage.list(developer, {}, {});
    const [last, before] = items;
    expect(last).toMatchObject({
      ...{ reservedTokens: 100, reservedMicroUsd: 50, settledTokens: null, source: null, settledAt: null },
      ...{ tenantId: 'ten_a', applicationId: 'app_a', model: 'house/m', priceVersion: 'v1', at: NOW },
    });
    expect(before).toMatchObject({
      ...{ settledTokens: 12, settledMicroUsd: 3, inputTokens: 12, source: 'provider', finish: 'answered' },
      settledAt: NOW,
    });
  });

  it('is told by the keys of providers, wherever they are declared, to staff of the platform', async () => {
    const { aiUsage } = test.control;
    const spend = await aiUsage.spend(SYSTEM, SPAN, 'providerKey');
    expect(spend.map(({ key, calls, microUsd }) => [key, calls, microUsd])).toEqual([
      ['house/main', 4, 9],
      ['house/pcr_1', 1, 2],
      ['', 3, 0],
    ]);
    const { items } = await aiUsage.list(SYSTEM, { tenantId: 'ten_b' }, {});
    expect(items.map(({ providerKey }) => providerKey)).toEqual(['house/main']);
  });

  it('names no key of a provider to a tenant', async () => {
    const { aiUsage } = test.control;
    const { items } = await aiUsage.list(developer, {}, {});
    expect(items.map(({ providerKey }) => providerKey)).toEqual([null, null, null, null]);
    expect(await faultCodeOf(aiUsage.spend(developer, SPAN, 'providerKey'))).toBe('FORBIDDEN');
  });

  it('is of the own tenant only, whatever is asked for', async () => {
    const { aiUsage } = test.control;
    expect(await faultCodeOf(aiUsage.list(developer, { tenantId: 'ten_b' }, {}))).toBe('NOT_FOUND');
    expect(await faultCodeOf(aiUsage.spend(developer, { ...SPAN, tenantId: 'ten_b' }, 'model'))).toBe(
      'NOT_FOUND',
    );
    const foreign = (await aiUsage.list(member('ten_b'), {}, {})).items[0]?.id ?? '';
    const { items } = await aiUsage.list(developer, {}, { after: cursorOf(`${foreign}z`) });
    expect(items.every(({ tenantId }) => tenantId === 'ten_a')).toBe(true);
    expect(await aiUsage.spend(developer, SPAN, 'tenant')).toMatchObject([{ key: 'ten_a' }]);
  });

  it.each(['approver', 'securityOfficer', null] as const)('is not told to the role %s', async (role) => {
    const actor = member('ten_a', { role });
    expect(await faultCodeOf(test.control.aiUsage.list(actor, {}, {}))).toBe('FORBIDDEN');
    expect(await faultCodeOf(test.control.aiUsage.spend(actor, SPAN, 'model'))).toBe('FORBIDDEN');
  });

  it('is all of it to staff of the platform', async () => {
    expect((await test.control.aiUsage.list(SYSTEM, {}, {})).items).toHaveLength(8);
    const none = { blocked: 0, cacheHits: 0, savedTokens: 0, savedMicroUsd: 0 };
    expect(await test.control.aiUsage.spend(SYSTEM, SPAN, 'tenant')).toEqual([
      { key: 'ten_a', calls: 4, tokens: 33, microUsd: 6, reservedMicroUsd: 50, ...none },
      { key: 'ten_b', calls: 1, tokens: 14, microUsd: 5, reservedMicroUsd: 0, ...none },
      {
        ...{ key: 'ten_c', calls: 1, tokens: 0, microUsd: 0, reservedMicroUsd: 0 },
        ...{ ...none, cacheHits: 1, savedTokens: 18, savedMicroUsd: 39 },
      },
      { key: 'ten_d', calls: 2, tokens: 0, microUsd: 0, reservedMicroUsd: 50, ...none, blocked: 1 },
    ]);
    expect((await test.control.aiUsage.list(member('ten_c'), {}, {})).items).toMatchObject([
      {
        ...{ reservedTokens: 0, settledTokens: 0, settledMicroUsd: 0, inputTokens: 0, source: 'cache' },
        ...{ finish: 'answered', savedTokens: 18, savedMicroUsd: 39, at: NOW, settledAt: NOW },
      },
    ]);
  });

  it('is told by what the calls have in common, also where that is nothing', async () => {
    const keys = async (by: 'application' | 'subscription' | 'credential' | 'model') =>
      (await test.control.aiUsage.spend(developer, SPAN, by)).map(({ key }) => key);
    expect(await keys('application')).toEqual(['app_a']);
    expect(await keys('subscription')).toEqual(['']);
    expect(await keys('credential')).toEqual(['']);
    expect(await keys('model')).toEqual(['house/m']);
  });

  it('is of the time that is asked for, its end not included', async () => {
    const { aiUsage } = test.control;
    expect((await aiUsage.list(developer, { untilMs: NOW }, {})).items).toEqual([]);
    expect((await aiUsage.list(developer, { sinceMs: NOW, untilMs: NOW + 1 }, {})).items).toHaveLength(4);
    expect((await aiUsage.list(developer, { applicationId: 'app_b' }, {})).items).toEqual([]);
  });

  it.each([
    ['ends before it begins', { sinceMs: NOW, untilMs: NOW }],
    ['is longer than a year', { sinceMs: NOW, untilMs: NOW + 367 * DAY_MS }],
    ['is no time', { sinceMs: Number.NaN, untilMs: NOW }],
  ])('is not summed over a span that %s', async (_, span) => {
    expect(await faultCodeOf(test.control.aiUsage.spend(developer, span, 'model'))).toBe('INVALID_INPUT');
  });
});
