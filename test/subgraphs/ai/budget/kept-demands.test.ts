import fc from 'fast-check';
import { expect, it } from 'vitest';
import { demandsOf } from '../../../../subgraphs/ai/budget/budget-demands.ts';
import { KeptDemands } from '../../../../subgraphs/ai/budget/kept-demands.ts';
import { principal } from '../../support.ts';
import { NOW } from './budget-kit.ts';

const FIELDS = ['Mutation.chat'];
const PLANS = [
  null,
  {
    subscription: 'sub_a',
    fields: FIELDS,
    tokensPerMinute: 100,
    spend: { microUsd: 9, per: 'month' as const },
  },
  { subscription: 'sub_b', fields: FIELDS, tokensPerDay: 1000 },
];
const KEYS = [null, { provider: 'house', key: 'main', cap: { microUsd: 5, per: 'day' as const } }];
const CALLERS = ['ten_a', 'ten_b'].map((tenant) => ({ tenant, caller: principal({ tenant }) }));
const DAY_MS = 86_400_000;

it('gives the windows that count at the time, whoever asks, by whatever plan and key, also where the clock goes back', () => {
  const asked = fc.record({
    ...{ plan: fc.constantFrom(...PLANS), key: fc.constantFrom(...KEYS), who: fc.constantFrom(...CALLERS) },
    nowMs: fc.oneof(
      fc.integer({ min: NOW - 90_000, max: NOW + 90_000 }),
      fc.integer({ min: 0, max: 40 * DAY_MS }),
    ),
  });
  const budgets = [
    { of: 'tenant' as const, tokensPerMinute: 50, spend: { microUsd: 7, per: 'day' as const } },
  ];
  fc.assert(
    fc.property(fc.array(asked, { maxLength: 20 }), (calls) => {
      const kept = new KeptDemands(budgets);
      for (const { plan, key, who, nowMs } of calls) {
        const subscription = plan?.subscription ?? null;
        const payer = { tenant: who.tenant, application: null, credential: null, subscription };
        const demands = kept.of(who.caller, { payer, plan, key }, nowMs);
        expect(demands).toEqual(demandsOf(payer, { plan, budgets, key }, nowMs));
      }
    }),
  );
});
