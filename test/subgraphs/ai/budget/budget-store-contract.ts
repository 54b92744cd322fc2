import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { BudgetStore, Held } from '../../../../subgraphs/ai/budget/budget-store.ts';
import type { Finding } from '../../../../subgraphs/ai/guardrails/finding.ts';
import { held, NOW, settled } from './budget-kit.ts';

/** A store with a way to look at what it counts. */
export interface WatchedStore {
  readonly store: BudgetStore;
  usedOf(key: string): Promise<number>;
  /** Calls that are reserved and not settled. */
  openCount(): Promise<number>;
}

let names = 0;

/** A name that no other test counts by. */
function fresh(kind: 'usd' | 'tok'): string {
  names += 1;
  return `${kind}-${process.pid}-${names}`;
}

/** What every store of budgets does; `runs` bounds the property. */
export function budgetStoreContract(start: () => WatchedStore, { runs }: { readonly runs: number }): void {
  it('takes up to the limit and nothing beyond it', async () => {
    const { store, usedOf } = start();
    const usd = fresh('usd');
    expect(await store.reserve(held({ tokens: 0, microUsd: 60 }, { [usd]: 100 }))).toEqual([]);
    expect(await store.reserve(held({ tokens: 0, microUsd: 41 }, { [usd]: 100 }))).toMatchObject([
      { key: usd },
    ]);
    expect(await store.reserve(held({ tokens: 0, microUsd: 40 }, { [usd]: 100 }))).toEqual([]);
    expect(await usedOf(usd)).toBe(100);
  });

  it('takes from all windows or from none, and names those without room', async () => {
    const { store, usedOf, openCount } = start();
    const [wide, narrow, tokens] = [fresh('usd'), fresh('usd'), fresh('tok')];
    const before = await openCount();
    const refused = await store.reserve(
      held({ tokens: 7, microUsd: 50 }, { [wide]: 1000, [narrow]: 49, [tokens]: 6 }),
    );
    expect(refused.map(({ key }) => key).toSorted()).toEqual([narrow, tokens].toSorted());
    expect([await usedOf(wide), await usedOf(narrow), await usedOf(tokens)]).toEqual([0, 0, 0]);
    expect(await openCount()).toBe(before);
  });

  it('settles once: what was not used comes back, and a second settlement changes nothing', async () => {
    const { store, usedOf } = start();
    const [usd, tokens] = [fresh('usd'), fresh('tok')];
    const call = held({ tokens: 100, microUsd: 80 }, { [usd]: 100, [tokens]: 100 });
    await store.reserve(call);
    await store.settle(call, settled(30, 20));
    await store.settle(call, settled(0, 0));
    expect([await usedOf(usd), await usedOf(tokens)]).toEqual([20, 30]);
  });

  it('counts what a call took beyond its reservation, and refuses the next', async () => {
    const { store, usedOf } = start();
    const usd = fresh('usd');
    const call = held({ tokens: 0, microUsd: 80 }, { [usd]: 100 });
    await store.reserve(call);
    await store.settle(call, settled(0, 130));
    expect(await usedOf(usd)).toBe(130);
    expect(await store.reserve(held({ tokens: 0, microUsd: 1 }, { [usd]: 100 }))).toHaveLength(1);
  });

  it('records what a kept answer saved, and takes nothing for it', async () => {
    const { store, usedOf, openCount } = start();
    const usd = fresh('usd');
    const before = await openCount();
    await store.reserve(held({ tokens: 0, microUsd: 80 }, { [usd]: 100 }));
    await store.recordSaved(held({ tokens: 0, microUsd: 0 }, {}).record, { tokens: 18, microUsd: 39 });
    expect([await usedOf(usd), (await openCount()) - before]).toEqual([80, 1]);
  });

  it('records what guardrails found in a call, open or settled, and a call that they block, which takes nothing', async () => {
    const { store, usedOf, openCount } = start();
    const usd = fresh('usd');
    const found: Finding = { guardrail: 'pii', kind: 'EMAIL', direction: 'input', action: 'mask', count: 3 };
    const call = held({ tokens: 0, microUsd: 80 }, { [usd]: 100 });
    await store.reserve(call);
    const before = await openCount();
    expect(await store.recordFindings(call.record.id, [found])).toBe(true);
    await store.settle(call, settled(0, 20));
    expect(await store.recordFindings(call.record.id, [found, found])).toBe(true);
    await store.recordBlocked(held({ tokens: 0, microUsd: 0 }, {}).record, [found]);
    expect([await usedOf(usd), (await openCount()) - before]).toEqual([20, -1]);
    expect(await store.recordFindings('use_of_nobody', [found])).toBe(false);
  });

  it('settles at its reservation what nobody settled in time, once', async () => {
    const { store, usedOf, openCount } = start();
    const usd = fresh('usd');
    const call = held({ tokens: 0, microUsd: 80 }, { [usd]: 100 }, { settleBy: NOW + 1000 });
    await store.reserve(call);
    const open = await openCount();
    await store.sweep(NOW + 999);
    expect(await openCount()).toBe(open);
    expect(await store.sweep(NOW + 1000)).toBeGreaterThanOrEqual(1);
    expect(await openCount()).toBe(open - 1);
    await store.settle(call, settled(0, 1));
    expect(await usedOf(usd)).toBe(80);
  });

  it('lets 200 callers at one budget take it to the last micro-dollar and no further', async () => {
    const { store, usedOf } = start();
    const usd = fresh('usd');
    const calls = Array.from({ length: 200 }, () => held({ tokens: 1, microUsd: 7 }, { [usd]: 700 }));
    const answers = await Promise.all(calls.map((call) => store.reserve(call)));
    expect(answers.filter((lacking) => lacking.length === 0)).toHaveLength(100);
    expect(await usedOf(usd)).toBe(700);
  });

  it('counts exactly through any mixture of reservations, settlements and sweeps', async () => {
    const { store, usedOf } = start();
    const operation = fc.oneof(
      fc.record({
        do: fc.constant('reserve' as const),
        microUsd: fc.nat(60),
        tokens: fc.nat(60),
        both: fc.boolean(),
      }),
      fc.record({
        do: fc.constant('settle' as const),
        which: fc.nat(),
        share: fc.integer({ min: 0, max: 100 }),
      }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { maxLength: 40 }), async (operations) => {
        const [usd, tokens] = [fresh('usd'), fresh('tok')];
        const open: Held[] = [];
        let [usedUsd, usedTokens] = [0, 0];
        for (const each of operations) {
          if (each.do === 'reserve') {
            const limits = each.both ? { [usd]: 100, [tokens]: 100 } : { [usd]: 100 };
            const call = held({ tokens: each.tokens, microUsd: each.microUsd }, limits);
            const fits = usedUsd + each.microUsd <= 100 && (!each.both || usedTokens + each.tokens <= 100);
            expect((await store.reserve(call)).length === 0).toBe(fits);
            if (!fits) continue;
            open.push(call);
            usedUsd += each.microUsd;
            if (each.both) usedTokens += each.tokens;
          } else {
            const [call] = open.splice(each.which % Math.max(1, open.length), 1);
            if (call === undefined) continue;
            const { reserved } = call.record;
            const took = (amount: number) => Math.floor((amount * each.share) / 100);
            await store.settle(call, settled(took(reserved.tokens), took(reserved.microUsd)));
            usedUsd += took(reserved.microUsd) - reserved.microUsd;
            if (call.demands.length === 2) usedTokens += took(reserved.tokens) - reserved.tokens;
          }
          expect([await usedOf(usd), await usedOf(tokens)]).toEqual([usedUsd, usedTokens]);
        }
      }),
      { numRuns: runs },
    );
  });
}
