import type { AiPlan } from '../../../../src/control/ai-limits.ts';
import { type BudgetConfig, parseBudgetConfig } from '../../../../subgraphs/ai/budget/budget-config.ts';
import { type BudgetFault, BudgetLedger } from '../../../../subgraphs/ai/budget/budget-ledger.ts';
import type { BudgetStore, Held } from '../../../../subgraphs/ai/budget/budget-store.ts';
import { budgetWindow } from '../../../../subgraphs/ai/budget/budget-window.ts';
import { MemoryBudgetStore } from '../../../../subgraphs/ai/budget/memory-budget-store.ts';
import type { SubgraphPrincipal } from '../../../../subgraphs/kit/assertion.ts';
import { principal } from '../../support.ts';

/** A Tuesday afternoon, 30 seconds into a minute. */
export const NOW = Date.UTC(2026, 10, 24, 15, 0, 30);

let made = 0;

/** A reservation of an amount in windows of one measure each. */
export function held(
  amount: { readonly tokens: number; readonly microUsd: number },
  limits: Readonly<Record<string, number>>,
  part: { readonly settleBy?: number; readonly tenant?: string; readonly providerKey?: string } = {},
): Held {
  made += 1;
  const { settleBy = NOW + 60_000, tenant = 'ten_a', providerKey = null } = part;
  return {
    record: {
      ...{ id: `use_${made}`, model: 'house/m', priceVersion: 'v1', reserved: amount, at: NOW, settleBy },
      ...{ tenant, providerKey, application: 'app_a', credential: null, subscription: null },
    },
    demands: Object.entries(limits)
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([key, limit]) => ({
        ...{ key, limit, measure: key.startsWith('usd') ? ('microUsd' as const) : ('tokens' as const) },
        window: budgetWindow(NOW, 'day'),
      })),
  };
}

/** A settlement by what a provider says. */
export function settled(tokens: number, microUsd: number) {
  return {
    ...{ settled: { tokens, microUsd }, source: 'provider' as const, finish: 'answered' as const },
    counts: { input: tokens, cacheRead: 0, cacheWrite: 0, output: 0, reasoning: 0 },
  };
}

/** A caller whose gateway says what its plans are. */
export function callerWith(plans: readonly Partial<AiPlan>[], part: Partial<SubgraphPrincipal> = {}) {
  return principal({
    scopes: new Set(['ai:chat', 'ai:embed']),
    budget: {
      ...{ tenant: 'ten_a', application: 'app_a', credential: 'crd_a' },
      plans: plans.map((plan, index) => ({
        ...{
          subscription: `sub_${index}`,
          fields: ['Mutation.chat', 'Subscription.chatStream', 'Mutation.embed'],
        },
        ...plan,
      })),
    },
    ...part,
  });
}

/** A dollar a million tokens in, four out. */
export const PRICES = { version: 'v1', models: { 'house/model-1': { input: 1_000_000, output: 4_000_000 } } };

/** A ledger over a store, with a clock that the test moves. */
export function ledgerOf(config: object = {}, store?: BudgetStore) {
  const clock = { now: NOW };
  const faults: BudgetFault[] = [];
  const memory = new MemoryBudgetStore(() => clock.now);
  let ids = 0;
  const parsed: BudgetConfig = parseBudgetConfig({ prices: PRICES, ...config });
  const ledger = new BudgetLedger({
    ...{ config: parsed, store: store ?? memory, now: () => clock.now },
    newId: () => {
      ids += 1;
      return `use_ledger_${ids}`;
    },
    onFault: (fault) => faults.push(fault),
  });
  return { ledger, memory, clock, faults };
}
