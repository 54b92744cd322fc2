import type { Finding } from '../guardrails/finding.ts';
import type { BudgetWindow } from './budget-window.ts';
import { type Amount, NOTHING } from './price-table.ts';
import type { Reserved, Settlement } from './usage-record.ts';

/** One window that a call takes from. */
export interface Demand {
  /** Names what is counted, for whom and when; of bounded length. */
  readonly key: string;
  readonly measure: keyof Amount;
  readonly limit: number;
  readonly window: BudgetWindow;
  /** Whether it is of the provider's key, and not of the payer. Default: of the payer. */
  readonly isOfKey?: true;
}

/** A reservation that stands. */
export interface Held {
  readonly record: Reserved;
  readonly demands: readonly Demand[];
}

/**
 * Where budgets are counted and usage is recorded.
 * Invariant: the use of a window is what its settled calls took and its open ones reserved; no reservation is made that
 * would raise it above the limit.
 */
export interface BudgetStore {
  /** Takes what is reserved from all windows and opens the record, or does nothing; returns the demands that had no room. */
  reserve(held: Held): Promise<readonly Demand[]>;
  /** Puts what a call took in the place of what was reserved; only the first settlement of a record counts. */
  settle(held: Held, settlement: Settlement): Promise<void>;
  /** Records a call that a kept answer made needless: it takes nothing, and has saved so much. */
  recordSaved(record: Reserved, saved: Amount): Promise<void>;
  /** Records a call that guardrails kept from its model: it takes nothing. */
  recordBlocked(record: Reserved, findings: readonly Finding[]): Promise<void>;
  /** Puts what guardrails found to the record of a call, settled or not; false where there is no such record. */
  recordFindings(id: string, findings: readonly Finding[]): Promise<boolean>;
  /** Settles at their reservation what was not settled in time; returns how many those were. */
  sweep(nowMs: number): Promise<number>;
  close(): Promise<void>;
}

/** What a call takes that was not made. */
export const NOT_MADE: Settlement = Object.freeze({
  settled: NOTHING,
  counts: { input: 0, cacheRead: 0, cacheWrite: 0, output: 0, reasoning: 0 },
  source: 'cache',
  finish: 'answered',
});

/** What a call takes that guardrails kept from its model. */
export const BLOCKED: Settlement = Object.freeze({ ...NOT_MADE, source: 'blocked', finish: 'blocked' });

/** What a call counts as that nobody settled. */
export function lost({ reserved }: Pick<Reserved, 'reserved'>): Settlement {
  return {
    settled: reserved,
    // Which part of the reservation was input is not known any more.
    counts: { input: reserved.tokens, cacheRead: 0, cacheWrite: 0, output: 0, reasoning: 0 },
    source: 'estimated',
    finish: 'lost',
  };
}
