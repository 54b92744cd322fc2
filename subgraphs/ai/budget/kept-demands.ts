import type { AiPlan } from '../../../src/control/ai-limits.ts';
import type { SubgraphPrincipal } from '../../kit/assertion.ts';
import type { ConfiguredBudget } from './budget-config.ts';
import { demandsOf } from './budget-demands.ts';
import type { Demand } from './budget-store.ts';
import type { KeySpendCap } from './spend-cap.ts';
import type { Payer } from './usage-record.ts';

/** The windows of a caller, and while they are the ones that count. Units: milliseconds since the epoch. */
interface Kept {
  readonly plan: AiPlan | null;
  readonly demands: readonly Demand[];
  readonly sinceMs: number;
  readonly untilMs: number;
}

/** Windows that calls take from, worked out once for a caller and a plan until the first of them ends. */
export class KeptDemands {
  readonly #budgets: readonly ConfiguredBudget[];
  /** By principal, since one object stands for one assertion. */
  readonly #kept = new WeakMap<SubgraphPrincipal, Kept>();

  constructor(budgets: readonly ConfiguredBudget[]) {
    this.#budgets = budgets;
  }

  /** As `demandsOf`. Invariant: the payer is the one of the caller and the plan. */
  of(
    caller: SubgraphPrincipal,
    {
      payer,
      plan,
      key,
    }: { readonly payer: Payer; readonly plan: AiPlan | null; readonly key: KeySpendCap | null },
    nowMs: number,
  ): readonly Demand[] {
    const budgets = this.#budgets;
    if (key !== null) return demandsOf(payer, { plan, budgets, key }, nowMs);
    const kept = this.#kept.get(caller);
    if (kept !== undefined && kept.plan === plan && nowMs >= kept.sinceMs && nowMs < kept.untilMs)
      return kept.demands;
    const demands = demandsOf(payer, { plan, budgets, key }, nowMs);
    const untilMs = Math.min(...demands.map(({ window }) => window.endsAt));
    this.#kept.set(caller, { plan, demands, sinceMs: nowMs, untilMs });
    return demands;
  }
}
