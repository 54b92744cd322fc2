import type { Finding } from '../guardrails/finding.ts';
import { BLOCKED, type BudgetStore, type Demand, type Held, lost, NOT_MADE } from './budget-store.ts';
import type { Amount } from './price-table.ts';
import type { Reserved, Settlement, UsageRecord } from './usage-record.ts';

/** How much a memory store holds. */
export interface MemoryBudgetBounds {
  /** Windows counted at once; without room for another, a call that needs it is refused. */
  readonly windowsMax: number;
  /** Calls under way at once. */
  readonly openMax: number;
  /** Settled records kept; the oldest go first. */
  readonly recordsMax: number;
}

/** Reason: a window takes some 200 bytes, a record some 500. */
export const MEMORY_BUDGET_BOUNDS: MemoryBudgetBounds = {
  windowsMax: 200_000,
  openMax: 10_000,
  recordsMax: 1000,
};

/** There is no room to count in; the call is refused. */
export class BudgetStoreFullError extends Error {
  override readonly name = 'BudgetStoreFullError';
}

interface Counted {
  used: number;
  readonly endsAt: number;
}

/** How often windows that have ended are looked for when there is no room. */
const PURGE_PAUSE_MS = 1000;

/** Budgets of one process, which begin anew when it starts. Throws: BudgetStoreFullError, on `reserve`. */
export class MemoryBudgetStore implements BudgetStore {
  readonly #windows = new Map<string, Counted>();
  readonly #open = new Map<string, Held & { readonly findings?: readonly Finding[] }>();
  readonly #settled: UsageRecord[] = [];
  readonly #bounds: MemoryBudgetBounds;
  readonly #now: () => number;
  #purgeAt = Number.NEGATIVE_INFINITY;

  constructor(now: () => number, bounds: MemoryBudgetBounds = MEMORY_BUDGET_BOUNDS) {
    this.#now = now;
    this.#bounds = bounds;
  }

  /** Settled calls, oldest first. */
  get settled(): readonly UsageRecord[] {
    return this.#settled;
  }

  get openCount(): number {
    return this.#open.size;
  }

  /** What a window counts. */
  usedOf(key: string): number {
    return this.#windows.get(key)?.used ?? 0;
  }

  async reserve(held: Held): Promise<readonly Demand[]> {
    const { record, demands } = held;
    const lacking = demands.filter(
      ({ key, measure, limit }) => this.usedOf(key) + record.reserved[measure] > limit,
    );
    if (lacking.length > 0) return lacking;
    this.#makeRoom(demands);
    for (const demand of demands) this.#add(demand, record.reserved[demand.measure]);
    this.#open.set(record.id, held);
    return [];
  }

  async settle({ record: { id } }: Held, settlement: Settlement): Promise<void> {
    const held = this.#open.get(id);
    if (held === undefined) return;
    const { record, demands, ...found } = held;
    this.#open.delete(id);
    for (const demand of demands)
      this.#add(demand, settlement.settled[demand.measure] - record.reserved[demand.measure]);
    this.#remember({ ...record, ...found, settlement: { ...settlement, at: this.#now() } });
  }

  async recordSaved(record: Reserved, saved: Amount): Promise<void> {
    this.#remember({ ...record, settlement: { ...NOT_MADE, at: this.#now() }, saved });
  }

  async recordBlocked(record: Reserved, findings: readonly Finding[]): Promise<void> {
    this.#remember({ ...record, settlement: { ...BLOCKED, at: this.#now() }, findings });
  }

  async recordFindings(id: string, findings: readonly Finding[]): Promise<boolean> {
    const held = this.#open.get(id);
    if (held !== undefined) this.#open.set(id, { ...held, findings });
    const index = this.#settled.findLastIndex((record) => record.id === id);
    const settled = this.#settled[index];
    if (settled !== undefined) this.#settled[index] = { ...settled, findings };
    return held !== undefined || settled !== undefined;
  }

  async sweep(nowMs: number): Promise<number> {
    const late = [...this.#open.values()].filter(({ record }) => record.settleBy <= nowMs);
    for (const held of late) await this.settle(held, lost(held.record));
    this.#purge(nowMs);
    return late.length;
  }

  async close(): Promise<void> {
    this.#windows.clear();
    this.#open.clear();
  }

  #remember(record: UsageRecord): void {
    this.#settled.push(record);
    if (this.#settled.length > this.#bounds.recordsMax) this.#settled.shift();
  }

  #add({ key, window: { endsAt } }: Demand, amount: number): void {
    const counted = this.#windows.get(key);
    if (counted !== undefined) counted.used += amount;
    // One that ended before its call did counts for nobody any more.
    else if (amount >= 0) this.#windows.set(key, { used: amount, endsAt });
  }

  #makeRoom(demands: readonly Demand[]): void {
    const { windowsMax, openMax } = this.#bounds;
    const isFull = () => this.#windows.size + demands.length > windowsMax;
    const nowMs = this.#now();
    if (isFull() && nowMs >= this.#purgeAt) {
      this.#purgeAt = nowMs + PURGE_PAUSE_MS;
      this.#purge(nowMs);
    }
    if (isFull() || this.#open.size >= openMax) throw new BudgetStoreFullError('no room to count in');
  }

  #purge(nowMs: number): void {
    for (const [key, { endsAt }] of this.#windows) if (endsAt <= nowMs) this.#windows.delete(key);
  }
}
