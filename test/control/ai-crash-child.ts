import { DatabaseBudgetStore, openBudgetDatabase } from '../../subgraphs/ai/budget/database-budget-store.ts';
import { ledgerOf } from '../subgraphs/ai/budget/budget-kit.ts';
import { principal } from '../subgraphs/support.ts';

/** Reserves and settles on the database of its argument until it is killed, and prints the names of calls that began. */
const [, , url = ''] = process.argv;
const database = openBudgetDatabase({
  ...{ url, timeoutMs: 10_000, connectionsMax: 4 },
  onFault: () => undefined,
});
const store = new DatabaseBudgetStore(database, { now: Date.now, retentionDays: 30 });
const budgets = [{ of: 'tenant', spend: { microUsd: 1_000_000_000, per: 'day' } }];
const { ledger } = ledgerOf({ plans: 'optional', budgets }, store);

async function callOn(): Promise<void> {
  for (;;) {
    const charge = await ledger.reserve({
      ...{ caller: principal(), field: 'Mutation.chat', model: { id: 'house/model-1', offline: false } },
      tokens: { input: 100, output: 50 },
    });
    process.stdout.write('.');
    charge.answered({ inputTokens: 90, outputTokens: 10, estimated: false });
  }
}
await Promise.all([callOn(), callOn(), callOn()]);
