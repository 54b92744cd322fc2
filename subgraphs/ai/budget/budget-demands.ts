import { createHash } from 'node:crypto';
import type { AiPlan } from '../../../src/control/ai-limits.ts';
import type { ConfiguredBudget } from './budget-config.ts';
import type { Demand } from './budget-store.ts';
import { type BudgetPeriod, budgetWindow } from './budget-window.ts';
import type { KeySpendCap } from './spend-cap.ts';
import type { Payer } from './usage-record.ts';

/** Limits of one payer, whoever set them. */
interface Limits {
  readonly tokensPerMinute?: number | undefined;
  readonly tokensPerDay?: number | undefined;
  readonly spend?: { readonly microUsd: number; readonly per: BudgetPeriod } | undefined;
}

/** Names come from credentials, and a key of a store is short. */
const NAME_CHARACTERS_MAX = 128;

/** The windows that a call of a payer with a key takes from, each once, in the order of their keys. */
export function demandsOf(
  payer: Payer,
  limits: {
    readonly plan: AiPlan | null;
    readonly budgets: readonly ConfiguredBudget[];
    readonly key: KeySpendCap | null;
  },
  nowMs: number,
): readonly Demand[] {
  const demands: Demand[] = [];
  if (limits.plan !== null && payer.subscription !== null)
    demands.push(...windowsOf(['subscription', payer.subscription], limits.plan, nowMs));
  for (const [index, budget] of limits.budgets.entries()) {
    const name = payer[budget.of];
    if (name === null || budget.only?.includes(name) === false) continue;
    // Credentials and applications of two tenants may have the same name.
    const whose = budget.of === 'tenant' ? [name] : [payer.tenant, name];
    demands.push(...windowsOf([budget.of, String(index), ...whose], budget, nowMs));
  }
  if (limits.key !== null) demands.push(...windowsOfKey(limits.key, nowMs));
  // Stores that lock what they count do so in this order, so that two calls never wait for each other.
  return demands.sort((one, other) => (one.key < other.key ? -1 : 1));
}

/** Named as `ai_key_spend` of the database looks for it. */
function windowsOfKey({ provider, key, cap }: KeySpendCap, nowMs: number): Demand[] {
  return windowsOf(['key', provider, key], { spend: cap }, nowMs).map((demand) => ({
    ...demand,
    isOfKey: true,
  }));
}

function windowsOf(whose: readonly string[], limits: Limits, nowMs: number): Demand[] {
  const { tokensPerMinute, tokensPerDay, spend } = limits;
  const demand = (measure: Demand['measure'], period: BudgetPeriod, limit: number): Demand => {
    const window = budgetWindow(nowMs, period);
    return { key: keyOf([...whose, measure, window.name]), measure, limit, window };
  };
  return [
    ...(tokensPerMinute === undefined ? [] : [demand('tokens', 'minute', tokensPerMinute)]),
    ...(tokensPerDay === undefined ? [] : [demand('tokens', 'day', tokensPerDay)]),
    ...(spend === undefined ? [] : [demand('microUsd', spend.per, spend.microUsd)]),
  ];
}

function keyOf(parts: readonly string[]): string {
  return JSON.stringify(
    parts.map((part) =>
      part.length <= NAME_CHARACTERS_MAX
        ? part
        : `sha256:${createHash('sha256').update(part).digest('base64url')}`,
    ),
  );
}
