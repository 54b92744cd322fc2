import { randomUUID } from 'node:crypto';
import type { BudgetConfig } from './budget-config.ts';
import { BudgetLedger } from './budget-ledger.ts';
import { MemoryBudgetStore } from './memory-budget-store.ts';

/** How often what nobody settled is looked for. */
const SWEEP_MS = 30_000;

/** A ledger of this process, which settles in time what was left open. */
export function startLedger(
  config: BudgetConfig,
  log: (line: string) => void,
): { readonly ledger: BudgetLedger; readonly close: () => Promise<void> } {
  const store = new MemoryBudgetStore(Date.now);
  const ledger = new BudgetLedger({
    ...{ config, store, now: Date.now, newId: () => `use_${randomUUID()}` },
    onFault: (fault) => log(JSON.stringify({ level: 'error', subgraph: 'ai', ...fault })),
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
