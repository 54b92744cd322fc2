import { GraphQLError } from 'graphql';
import type { AiPlan } from '../../../src/control/ai-limits.ts';
import { CATALOGUE } from '../../../src/errors.ts';
import type { SubgraphPrincipal } from '../../kit/assertion.ts';
import type { Finding } from '../guardrails/finding.ts';
import { allowanceOf, planFor, UNREADABLE } from './allowance.ts';
import type { BudgetConfig } from './budget-config.ts';
import type { BudgetStore, Demand } from './budget-store.ts';
import { type Charge, type CountedUsage, countsOf, StoredCharge, UNMETERED } from './charge.ts';
import { KeptDemands } from './kept-demands.ts';
import { type Amount, FREE, type ModelPrice, NOTHING, priceAtMost, priceOf } from './price-table.ts';
import { type KeySpendCap, SpendCapReachedError } from './spend-cap.ts';
import type { Payer, Reserved } from './usage-record.ts';

/** One call of a provider that is about to be made. */
export interface MeteredCall {
  readonly caller: SubgraphPrincipal;
  /** Coordinate of the field that makes it. */
  readonly field: string;
  readonly model: { readonly id: string; readonly offline: boolean };
  readonly tokens: { readonly input: number; readonly output: number };
  /** As in usage records. Default: none. */
  readonly providerKey?: string | null;
  /** What the key may spend that it is made with; null or absent for any money. */
  readonly key?: KeySpendCap | null;
}

/** A call that a kept answer made needless. */
export interface SavedCall extends Pick<MeteredCall, 'caller' | 'field' | 'model'> {
  /** What the answer took when it was given. */
  readonly usage: CountedUsage;
}

/** What operators are told of: never of what was asked. */
export interface BudgetFault {
  readonly fault:
    | 'store lost'
    | 'not settled'
    | 'not recorded'
    | 'model without a price'
    | 'unreadable plans';
  readonly model: string | null;
  readonly errorName: string | null;
}

/** What a ledger needs. */
export interface LedgerParts {
  readonly config: BudgetConfig;
  readonly store: BudgetStore;
  /** Units: milliseconds since the epoch. */
  now(): number;
  newId(): string;
  onFault(fault: BudgetFault): void;
}

/** Records that wait to be written. Reason: more than a store that is well has under way, and some megabytes. */
const WAITING_MAX = 1_000;

/** Accounts for every call of a provider: reserved before, settled after. */
export class BudgetLedger {
  readonly #parts: LedgerParts;
  readonly #demands: KeptDemands;
  readonly #settling = new Set<Promise<void>>();

  constructor(parts: LedgerParts) {
    this.#parts = parts;
    this.#demands = new KeptDemands(parts.config.budgets);
  }

  get config(): BudgetConfig {
    return this.#parts.config;
  }

  /** Whether the plans of a caller permit a model. Throws: MODEL_NOT_APPROVED, BUDGET_UNAVAILABLE. */
  requireModel(call: Pick<MeteredCall, 'caller' | 'field'> & { readonly model: string }): void {
    this.#payerOf(call);
  }

  /** As `requireModel`, asked. */
  permits(call: Pick<MeteredCall, 'caller' | 'field'> & { readonly model: string }): boolean {
    try {
      this.#payerOf(call);
      return true;
    } catch (refused) {
      if (refused instanceof GraphQLError) return false;
      throw refused;
    }
  }

  /**
   * Reserves the most that a call can take, from all windows of its payer and its key or from none.
   * Throws: MODEL_NOT_APPROVED, BUDGET_EXHAUSTED, BUDGET_UNAVAILABLE; SpendCapReachedError where only the key has too little.
   */
  async reserve(call: MeteredCall): Promise<Charge> {
    const { config, store, now, newId } = this.#parts;
    const { payer, plan } = this.#payerOf({ ...call, model: call.model.id });
    const at = now();
    const demands = this.#demands.of(call.caller, { payer, plan, key: call.key ?? null }, at);
    const price = this.#priceOf(call, demands);
    const record = {
      ...payer,
      id: newId(),
      model: call.model.id,
      providerKey: call.providerKey ?? null,
      priceVersion: price === null ? null : config.prices.version,
      reserved: priceAtMost(call.tokens, price ?? FREE),
      at,
      settleBy: at + config.settleAfterSeconds * 1000,
    };
    const held = { record, demands };
    let lacking: readonly Demand[];
    try {
      lacking = await store.reserve(held);
    } catch (error) {
      this.#tell('store lost', call.model.id, error);
      if (config.onStoreLost === 'refuse') throw refusal('BUDGET_UNAVAILABLE');
      return UNMETERED;
    }
    if (lacking.length > 0) throw lackOf(lacking, record.reserved, at);
    return new StoredCharge({ ...call, id: record.id, price: price ?? FREE }, record.reserved, (settlement) =>
      this.#track('not settled', store.settle(held, settlement), call.model.id),
    );
  }

  /**
   * Records that a kept answer made a call needless, and what it saved at the prices of now. What cannot be recorded is told to operators:
   * nothing was spent.
   */
  async recordSaved({ usage, ...call }: SavedCall): Promise<Amount & { readonly id: string }> {
    const { config, store } = this.#parts;
    const record = this.#notMade(call);
    const saved = priceOf(countsOf(usage), config.prices.models.get(call.model.id) ?? FREE);
    try {
      await store.recordSaved(record, saved);
    } catch (error) {
      this.#tell('not recorded', record.model, error);
    }
    return { ...saved, id: record.id };
  }

  /** Records a call that guardrails kept from its model. Nobody waits for it. Throws: as `requireModel`. */
  recordBlocked(call: Omit<SavedCall, 'usage'>, findings: readonly Finding[]): void {
    const record = this.#notMade(call);
    this.#recordLater(record.model, () => this.#parts.store.recordBlocked(record, findings));
  }

  /** Puts what guardrails found to the record of a call. Nobody waits for it. */
  recordFindings(
    { id, model }: { readonly id: string; readonly model: string },
    findings: readonly Finding[],
  ) {
    this.#recordLater(model, async () => {
      if (!(await this.#parts.store.recordFindings(id, findings))) this.#tell('not recorded', model, null);
    });
  }

  /** Settles at their reservation what was not settled in time. */
  async sweep(): Promise<void> {
    try {
      await this.#parts.store.sweep(this.#parts.now());
    } catch (error) {
      this.#tell('store lost', null, error);
    }
  }

  /** Resolves when all that was settled is written. */
  async settled(): Promise<void> {
    while (this.#settling.size > 0) await Promise.all(this.#settling);
  }

  async close(): Promise<void> {
    await this.settled();
    await this.#parts.store.close();
  }

  #notMade({ caller, field, model: { id: model } }: Omit<SavedCall, 'usage'>): Reserved {
    const { config, now, newId } = this.#parts;
    const { payer } = this.#payerOf({ caller, field, model });
    const at = now();
    const priceVersion = config.prices.models.has(model) ? config.prices.version : null;
    return {
      ...payer,
      id: newId(),
      model,
      providerKey: null,
      priceVersion,
      reserved: NOTHING,
      at,
      settleBy: at,
    };
  }

  #payerOf({ caller, field, model }: { caller: SubgraphPrincipal; field: string; model: string }): {
    readonly payer: Payer;
    readonly plan: AiPlan | null;
  } {
    const allowance = allowanceOf(caller);
    if (allowance === UNREADABLE) {
      this.#tell('unreadable plans', model, null);
      throw refusal('BUDGET_UNAVAILABLE');
    }
    const { plans, ...payer } = allowance;
    if (plans === null && this.#parts.config.plans === 'required') throw refusal('MODEL_NOT_APPROVED');
    const plan = plans === null ? 'none' : planFor(plans, { field, model });
    if (plan === 'refused') throw refusal('MODEL_NOT_APPROVED');
    return plan === 'none'
      ? { payer: { ...payer, subscription: null }, plan: null }
      : { payer: { ...payer, subscription: plan.subscription }, plan };
  }

  /** What cannot be counted in money is not run on a budget of money. Throws: BUDGET_UNAVAILABLE. */
  #priceOf({ model }: MeteredCall, demands: readonly Demand[]): ModelPrice | null {
    const price = this.#parts.config.prices.models.get(model.id) ?? null;
    if (price !== null || model.offline || !demands.some(({ measure }) => measure === 'microUsd'))
      return price;
    this.#tell('model without a price', model.id, null);
    throw refusal('BUDGET_UNAVAILABLE');
  }

  /** Nobody waits for these, not even by having reserved: what comes while too many wait is told as lost. */
  #recordLater(model: string, record: () => Promise<void>): void {
    if (this.#settling.size >= WAITING_MAX) this.#tell('not recorded', model, null);
    else this.#track('not recorded', record(), model);
  }

  /** The caller does not wait for it; what is never written settles at its reservation. */
  #track(fault: 'not settled' | 'not recorded', settling: Promise<void>, model: string): void {
    const tracked: Promise<void> = settling
      .catch((error: unknown) => this.#tell(fault, model, error))
      .finally(() => this.#settling.delete(tracked));
    this.#settling.add(tracked);
  }

  #tell(fault: BudgetFault['fault'], model: string | null, error: unknown): void {
    const errorName = error instanceof Error ? error.name : error === null ? null : typeof error;
    this.#parts.onFault({ fault, model, errorName });
  }
}

/** What the payer lacks no other key has; what only the key lacks another one may. */
function lackOf(lacking: readonly Demand[], reserved: Amount, nowMs: number): Error {
  const ofPayer = lacking.filter(({ isOfKey }) => isOfKey !== true);
  if (ofPayer.length > 0) return exhausted(ofPayer, reserved, nowMs);
  const isPossible = lacking.every(({ limit }) => reserved.microUsd <= limit);
  const waitMs = Math.max(...lacking.map(({ window }) => window.endsAt - nowMs));
  return new SpendCapReachedError(isPossible ? waitMs : null);
}

function exhausted(lacking: readonly Demand[], reserved: Amount, nowMs: number): GraphQLError {
  // What is larger than the whole budget fits into no later window either.
  const isPossible = lacking.every(({ measure, limit }) => reserved[measure] <= limit);
  const waitMs = Math.max(...lacking.map(({ window }) => window.endsAt - nowMs));
  return refusal('BUDGET_EXHAUSTED', {
    retryable: isPossible,
    ...(isPossible ? { retryAfterSeconds: Math.max(1, Math.ceil(waitMs / 1000)) } : {}),
  });
}

type Refusal = 'MODEL_NOT_APPROVED' | 'BUDGET_EXHAUSTED' | 'BUDGET_UNAVAILABLE';

function refusal(code: Refusal, extensions: Readonly<Record<string, unknown>> = {}): GraphQLError {
  const { message, retryable } = CATALOGUE[code];
  return new GraphQLError(message, { extensions: { code, retryable, ...extensions } });
}
