import { describe, expect, it } from 'vitest';
import {
  BudgetStoreFullError,
  MEMORY_BUDGET_BOUNDS,
  MemoryBudgetStore,
} from '../../../../subgraphs/ai/budget/memory-budget-store.ts';
import { held, NOW, settled } from './budget-kit.ts';
import { budgetStoreContract } from './budget-store-contract.ts';

const DAY_MS = 86_400_000;

describe('budgets in memory', () => {
  budgetStoreContract(
    () => {
      const store = new MemoryBudgetStore(() => NOW);
      return {
        store,
        usedOf: async (key) => store.usedOf(key),
        openCount: async () => store.openCount,
      };
    },
    { runs: 200 },
  );

  it('refuses what needs a window for which there is no room, until one has ended', async () => {
    const clock = { now: NOW };
    const store = new MemoryBudgetStore(() => clock.now, { ...MEMORY_BUDGET_BOUNDS, windowsMax: 1 });
    await store.reserve(held({ tokens: 1, microUsd: 0 }, { 'tok-1': 10 }));
    const other = held({ tokens: 1, microUsd: 0 }, { 'tok-2': 10 });
    await expect(store.reserve(other)).rejects.toThrow(BudgetStoreFullError);
    expect([store.usedOf('tok-1'), store.usedOf('tok-2')]).toEqual([1, 0]);
    clock.now = NOW + DAY_MS;
    expect(await store.reserve(other)).toEqual([]);
  });

  it('refuses more calls at once than it can hold', async () => {
    const store = new MemoryBudgetStore(() => NOW, { ...MEMORY_BUDGET_BOUNDS, openMax: 1 });
    const first = held({ tokens: 1, microUsd: 0 }, { tok: 10 });
    await store.reserve(first);
    await expect(store.reserve(held({ tokens: 1, microUsd: 0 }, { tok: 10 }))).rejects.toThrow(
      BudgetStoreFullError,
    );
    await store.settle(first, settled(1, 0));
    expect(await store.reserve(held({ tokens: 1, microUsd: 0 }, { tok: 10 }))).toEqual([]);
  });

  it('keeps the last records only', async () => {
    const store = new MemoryBudgetStore(() => NOW, { ...MEMORY_BUDGET_BOUNDS, recordsMax: 2 });
    const calls = [1, 2, 3].map((tokens) => held({ tokens, microUsd: 0 }, {}));
    for (const call of calls) {
      await store.reserve(call);
      await store.settle(call, settled(call.record.reserved.tokens, 0));
    }
    expect(store.settled.map(({ id }) => id)).toEqual(calls.slice(1).map(({ record }) => record.id));
  });
});
