import { randomBytes } from 'node:crypto';
import { ulids } from '../../../src/control/ulid.ts';
import type { BudgetConfig } from './budget-config.ts';
import { BudgetLedger } from './budget-ledger.ts';
import type { BudgetStore } from './budget-store.ts';
import { DatabaseBudgetStore, openBudgetDatabase } from './database-budget-store.ts';
import { MemoryBudgetStore } from './memory-budget-store.ts';

/** How often what nobody settled is looked for. */
const SWEEP_MS = 30_000;
/** Nobody waits longer than this to be told that nothing can be counted. */
const STATEMENT_TIMEOUT_MS = 3000;
/** Statements are short; more connections would wait for the same windows. */
const CONNECTIONS_MAX = 8;

/** Budgets, and where they are counted. */
export type BudgetSetup = BudgetConfig & {
  /** Default: in the memory of this process. */
  readonly databaseUrl?: string;
};

/** A ledger that settles in time what was left open: in memory, or in the database of a `postgres://` URL. */
export function startLedger(
  { databaseUrl, ...config }: BudgetSetup,
  log: (line: string) => void,
): { readonly ledger: BudgetLedger; readonly close: () => Promise<void> } {
  const tell = (fault: object) => log(JSON.stringify({ level: 'error', subgraph: 'ai', ...fault }));
  const makeId = ulids(Date.now, randomBytes);
  const ledger = new BudgetLedger({
    ...{ config, store: openStore(config, databaseUrl, tell), now: Date.now },
    ...{ newId: () => makeId('use'), onFault: tell },
  });
  const sweeping = setInterval(() => void ledger.sweep(), SWEEP_MS).unref();
  return {
    ledger,
    close: async () => {
      clearInterval(sweeping);
      await ledger.close();
    },
  };
}

function openStore(
  { retentionDays }: BudgetConfig,
  url: string | undefined,
  tell: (fault: object) => void,
): BudgetStore {
  if (url === undefined) return new MemoryBudgetStore(Date.now);
  const onFault = (fault: unknown) =>
    tell({ fault: 'connection lost', errorName: fault instanceof Error ? fault.name : typeof fault });
  const bounds = { timeoutMs: STATEMENT_TIMEOUT_MS, connectionsMax: CONNECTIONS_MAX };
  const database = openBudgetDatabase({ url, ...bounds, onFault });
  return new DatabaseBudgetStore(database, { now: Date.now, retentionDays });
}
