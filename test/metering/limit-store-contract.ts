import { expect, it, vi } from 'vitest';
import type { Demand, Settled, Taken } from '../../src/metering/limit-store.ts';
import type { SharedBuckets } from '../../src/metering/shared-buckets.ts';

/** A rate so slow that no point comes back during a test. */
export const RATE = { points: 10, perMs: 36_000_000, burst: 10 };

export function demand(key: string, cost: number, rate = RATE): Demand {
  return { key, slot: key, rate, cost };
}

/** What every place for buckets does. */
export interface AnyStore {
  take(demands: readonly Demand[]): Taken | Promise<Taken>;
  settle(demands: readonly Settled[], points: number): void | Promise<void>;
}

let batches = 0;

/** Shared buckets without anything ahead of need, corrections counted at once. */
export function plain(shared: SharedBuckets): AnyStore {
  return {
    take: (demands) => shared.take(demands.map((each) => ({ ...each, extra: 0 }))),
    settle: (demands, points) => {
      batches += 1;
      return shared.settle(
        demands.map((each) => ({ ...each, points })),
        `batch-${batches}`,
      );
    },
  };
}

/** One list of behaviours for every place where buckets are. */
export function contract(storeOf: () => AnyStore): void {
  it('permits the burst and refuses the next point', async () => {
    expect(await storeOf().take([demand('burst', 10)])).toMatchObject({ permitted: true });
    const { permitted, verdicts } = await storeOf().take([demand('burst', 1)]);
    expect(permitted).toBe(false);
    expect(verdicts).toMatchObject([{ permitted: false, remaining: 0 }]);
    expect(verdicts[0]?.retryAfterMs).toBeGreaterThan(3_500_000);
    expect(verdicts[0]?.retryAfterMs).toBeLessThanOrEqual(3_600_000);
  });

  it('permits a burst of single points whose interval is no whole number', async () => {
    const single = demand('thirds', 1, { points: 3, perMs: 36_000_001, burst: 3 });
    const permitted = [];
    for (let turn = 0; turn < 4; turn += 1) permitted.push((await storeOf().take([single])).permitted);
    expect(permitted).toEqual([true, true, true, false]);
  });

  it('takes from all or none, and says what is left without the taking', async () => {
    await storeOf().take([demand('a', 8)]);
    const refused = await storeOf().take([demand('b', 5), demand('a', 5)]);
    expect(refused.permitted).toBe(false);
    expect(refused.verdicts.map(({ permitted, remaining }) => [permitted, remaining])).toEqual([
      [true, 10],
      [false, 2],
    ]);
    expect(await storeOf().take([demand('b', 10)])).toMatchObject({ permitted: true });
    expect(await storeOf().take([demand('a', 2)])).toMatchObject({ permitted: true });
  });

  it('counts one bucket that is asked twice in one request twice', async () => {
    expect(await storeOf().take([demand('twice', 6), demand('twice', 6)])).toMatchObject({
      permitted: false,
    });
    expect(await storeOf().take([demand('twice', 5), demand('twice', 5)])).toMatchObject({ permitted: true });
    expect(await storeOf().take([demand('twice', 1)])).toMatchObject({ permitted: false });
  });

  it('keeps a quota until it ends, and takes it with all others or not at all', async () => {
    const quota = (key: string, cost: number): Demand => ({
      ...demand(key, cost),
      window: { points: 10, leftMs: 3_600_000 },
    });
    expect((await storeOf().take([quota('day', 7)])).verdicts).toMatchObject([
      { permitted: true, remaining: 3 },
    ]);
    const refused = await storeOf().take([quota('day', 4), demand('beside', 5)]);
    expect(refused).toMatchObject({ permitted: false });
    expect(refused.verdicts.map(({ permitted, remaining }) => [permitted, remaining])).toEqual([
      [false, 3],
      [true, 10],
    ]);
    expect(refused.verdicts[0]?.retryAfterMs).toBe(3_600_000);
    expect((await storeOf().take([quota('day', 11)])).verdicts[0]?.retryAfterMs).toBe(
      Number.POSITIVE_INFINITY,
    );
    expect((await storeOf().take([quota('day', 2), quota('day', 2)])).permitted).toBe(false);
    await storeOf().settle([quota('day', 7)], 5);
    expect((await storeOf().take([quota('day', 8)])).permitted).toBe(true);
    expect((await storeOf().take([quota('day', 0.5)])).permitted).toBe(false);
    await storeOf().settle([quota('day', 8)], -3);
    expect((await storeOf().take([quota('day', 0)])).permitted).toBe(false);
    await storeOf().settle([quota('day', 8)], 500);
    expect((await storeOf().take([quota('day', 10)])).permitted).toBe(true);
    expect((await storeOf().take([quota('day', 1)])).permitted).toBe(false);
  });

  it('begins a quota anew once it has ended', async () => {
    const window = { points: 1, leftMs: 60 };
    // Where the machine is busy for longer than that, it has ended before it is asked again: then another.
    const short = await vi.waitFor(async () => {
      batches += 1;
      const other: Demand = { ...demand(`short-${batches}`, 1), window };
      expect((await storeOf().take([other])).permitted).toBe(true);
      expect((await storeOf().take([other])).permitted).toBe(false);
      return other;
    });
    await vi.waitFor(async () => expect((await storeOf().take([short])).permitted).toBe(true));
  });

  it('never permits more than the bucket can hold', async () => {
    const { verdicts } = await storeOf().take([demand('large', 11)]);
    expect(verdicts).toMatchObject([{ permitted: false, retryAfterMs: Number.POSITIVE_INFINITY }]);
  });

  it('gives back what was not used, and never more than the bucket holds', async () => {
    await storeOf().take([demand('refund', 10)]);
    await storeOf().settle([demand('refund', 10)], 4);
    expect(await storeOf().take([demand('refund', 4)])).toMatchObject({ permitted: true });
    await storeOf().settle([demand('refund', 4)], 500);
    expect(await storeOf().take([demand('refund', 10)])).toMatchObject({ permitted: true });
    expect(await storeOf().take([demand('refund', 1)])).toMatchObject({ permitted: false });
  });

  it('takes what an operation cost beyond its estimate', async () => {
    await storeOf().take([demand('debt', 1)]);
    await storeOf().settle([demand('debt', 1)], -9);
    expect(await storeOf().take([demand('debt', 1)])).toMatchObject({ permitted: false });
  });

  it('takes a bucket that it does not know for full', async () => {
    await storeOf().settle([demand('unknown', 1)], 9);
    expect(await storeOf().take([demand('unknown', 10)])).toMatchObject({ permitted: true });
    await storeOf().settle([demand('forgotten', 1)], -9);
    expect(await storeOf().take([demand('forgotten', 2)])).toMatchObject({ permitted: false });
    expect(await storeOf().take([demand('forgotten', 1)])).toMatchObject({ permitted: true });
    const quota = { ...demand('old', 1), window: { points: 10, leftMs: 3_600_000 } };
    await storeOf().settle([quota], -9);
    expect(await storeOf().take([{ ...quota, cost: 2 }])).toMatchObject({ permitted: false });
  });

  it('permits no more than the burst to fifty at once', async () => {
    const all = await Promise.all(
      Array.from({ length: 50 }, async () => storeOf().take([demand('crowd', 1)])),
    );
    expect(all.filter(({ permitted }) => permitted)).toHaveLength(10);
  });
}

/** What shared buckets do besides. */
export function aheadContract(sharedOf: () => SharedBuckets): void {
  const ask = (key: string, cost: number, extra: number) => ({ ...demand(key, cost), extra });

  it('gives ahead of need a part of what is left, whole points, and not more than was asked', async () => {
    expect((await sharedOf().take([ask('ahead', 1, 100)])).extras).toEqual([2]);
    expect((await sharedOf().take([ask('ahead', 0, 1)])).extras).toEqual([1]);
    // Six are left.
    expect(await sharedOf().take([ask('ahead', 6, 5)])).toMatchObject({ permitted: true, extras: [0] });
    expect(await sharedOf().take([ask('ahead', 0, 5)])).toMatchObject({ permitted: true, extras: [0] });
    expect(await sharedOf().take([ask('ahead', 1, 5)])).toMatchObject({ permitted: false, extras: [0] });
  });

  it('gives nothing ahead where a cost is refused, and nothing while points are owed', async () => {
    const refused = await sharedOf().take([ask('alone', 1, 5), ask('over', 11, 5)]);
    expect(refused).toMatchObject({ permitted: false, extras: [0, 0] });
    expect(await sharedOf().take([ask('alone', 10, 0)])).toMatchObject({ permitted: true });
    await plain(sharedOf()).settle([demand('alone', 0)], -50);
    expect(await sharedOf().take([ask('alone', 0, 5)])).toMatchObject({ permitted: true, extras: [0] });
  });

  it('gives ahead of a quota too', async () => {
    const quota = { ...ask('quota-ahead', 2, 100), window: { points: 10, leftMs: 3_600_000 } };
    expect(await sharedOf().take([quota])).toMatchObject({ permitted: true, extras: [2] });
    expect((await sharedOf().take([{ ...quota, cost: 7, extra: 0 }])).permitted).toBe(false);
    expect((await sharedOf().take([{ ...quota, cost: 6, extra: 0 }])).permitted).toBe(true);
  });

  it('counts a batch once, however often it comes', async () => {
    await sharedOf().take([ask('again', 10, 0)]);
    const back = [{ ...demand('again', 0), points: 3 }];
    for (let turn = 0; turn < 3; turn += 1) await sharedOf().settle(back, 'same');
    expect(await sharedOf().take([ask('again', 4, 0)])).toMatchObject({ permitted: false });
    expect(await sharedOf().take([ask('again', 3, 0)])).toMatchObject({ permitted: true });
  });
}
