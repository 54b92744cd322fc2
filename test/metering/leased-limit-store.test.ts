import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LeasedLimitStore } from '../../src/metering/leased-limit-store.ts';
import type { Demand, Taken } from '../../src/metering/limit-store.ts';
import { SettlementQueue } from '../../src/metering/settlement-queue.ts';
import type { SharedBuckets } from '../../src/metering/shared-buckets.ts';
import { SharedModel } from './shared-model.ts';

/** A hundred points a second, of which a thousand can be saved up. */
const RATE = { points: 100, perMs: 1000, burst: 1000 };
const HELD_MS = 1000;
const demand = (key: string, cost: number, rate = RATE): Demand => ({ key, slot: key, rate, cost });

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const now = () => performance.now();

function processOn(model: SharedBuckets, slicesMax = 1000, clock = now) {
  const state = { asked: 0, isDown: false };
  const shared: SharedBuckets = {
    take: async (demands) => {
      state.asked += 1;
      if (state.isDown) throw new Error('down');
      return model.take(demands);
    },
    settle: async (corrections, id) => {
      if (state.isDown) throw new Error('down');
      await model.settle(corrections, id);
    },
    close: async () => undefined,
  };
  let batches = 0;
  const onLost = vi.fn();
  const queue = new SettlementQueue({
    ...{ shared, gatherMs: 20, retryForMs: 30_000, waitingMax: 1000, onLost, now: clock },
    newBatchId: () => `batch-${batches++}`,
  });
  const store = new LeasedLimitStore({ shared, queue, slicesMax, now: clock, heldMs: HELD_MS, share: 0.1 });
  return { state, store, onLost };
}

/** Calls once every so often; how many were permitted, and how many waited. */
async function call(store: LeasedLimitStore, calls: number, everyMs: number, cost = 1) {
  const seen = { permitted: 0, waited: 0, remaining: 0 };
  for (let turn = 0; turn < calls; turn += 1) {
    const answer = store.take([demand('a', cost)]);
    if (answer instanceof Promise) seen.waited += 1;
    const { permitted, verdicts } = await answer;
    if (permitted) seen.permitted += 1;
    seen.remaining = verdicts[0]?.remaining ?? -1;
    await vi.advanceTimersByTimeAsync(everyMs);
  }
  return seen;
}

describe('leased buckets', () => {
  it('answer a steady caller without waiting, with few questions to the shared bucket', async () => {
    const { store, state } = processOn(new SharedModel(now));
    const { permitted, waited, remaining } = await call(store, 1000, 10);
    expect(permitted).toBe(1000);
    expect(waited).toBeLessThan(5);
    expect(state.asked).toBeLessThan(60);
    // As much comes back as is used.
    expect(remaining).toBeGreaterThan(900);
  });

  it('take nothing ahead for who calls now and then', async () => {
    const model = new SharedModel(now);
    const { store } = processOn(model);
    await call(store, 5, 3000);
    expect(model.taken('a')).toBe(5);
  });

  it('permit all processes together what the bucket holds', async () => {
    const model = new SharedModel(now);
    const stores = Array.from({ length: 4 }, () => processOn(model).store);
    let permitted = 0;
    for (let turn = 0; turn < 400; turn += 1)
      for (const store of stores) if ((await store.take([demand('a', 1)])).permitted) permitted += 1;
    expect(permitted).toBeLessThanOrEqual(1000);
    // What the others hold is the most that is missing.
    expect(permitted).toBeGreaterThanOrEqual(1000 - 3 * 100);
  });

  it('do not care how far the clocks of processes are apart, or that one of them jumps', async () => {
    const model = new SharedModel(now);
    const skew = { ms: 0 };
    const stores = [
      processOn(model).store,
      processOn(model, 1000, () => now() + 3_600_000).store,
      processOn(model, 1000, () => now() + skew.ms).store,
    ];
    let permitted = 0;
    for (let turn = 0; turn < 400; turn += 1) {
      if (turn % 50 === 0) skew.ms += turn % 100 === 0 ? -5_000_000 : 9_000_000;
      for (const store of stores) if ((await store.take([demand('a', 1)])).permitted) permitted += 1;
    }
    expect(permitted).toBeLessThanOrEqual(1000);
    expect(permitted).toBeGreaterThan(700);
  });

  it('answer a caller over its limit without asking each time, and say when to come back', async () => {
    const { store, state } = processOn(new SharedModel(now));
    const over = { ...demand('a', 1), rate: { points: 1, perMs: 10_000, burst: 3 } };
    for (let turn = 0; turn < 3; turn += 1) await store.take([over]);
    const first = await store.take([over]);
    const { asked } = state;
    let last: Taken = first;
    for (let turn = 0; turn < 100; turn += 1) last = await store.take([over]);
    expect(state.asked).toBe(asked);
    expect(last).toMatchObject({ permitted: false, verdicts: [{ permitted: false, remaining: 0 }] });
    expect(last.verdicts[0]?.retryAfterMs).toBeCloseTo(first.verdicts[0]?.retryAfterMs ?? 0, 3);
    await vi.advanceTimersByTimeAsync(10_000);
    expect((await store.take([over])).permitted).toBe(true);
  });

  it('take from all or none: what was at hand for a refused call is at hand again', async () => {
    const model = new SharedModel(now);
    const { store } = processOn(model);
    await call(store, 50, 5);
    const before = model.taken('a');
    const small = { ...demand('b', 5), rate: { points: 1, perMs: 1_000_000, burst: 4 } };
    for (let turn = 0; turn < 20; turn += 1) {
      const { permitted, verdicts } = await store.take([demand('a', 1), small]);
      expect([permitted, verdicts.map((each) => each.permitted)]).toEqual([false, [true, false]]);
      expect(verdicts[1]?.retryAfterMs).toBe(Number.POSITIVE_INFINITY);
    }
    expect(model.taken('b')).toBe(0);
    expect(model.taken('a')).toBe(before);
    await store.close();
    expect(model.taken('a')).toBe(50);
  });

  it('count one bucket that is asked twice in one request twice', async () => {
    const model = new SharedModel(now);
    const { store } = processOn(model);
    await call(store, 50, 5);
    await store.take([demand('a', 7), demand('a', 7)]);
    expect(await store.take([demand('a', 999), demand('a', 999)])).toMatchObject({ permitted: false });
    await store.close();
    expect(model.taken('a')).toBe(64);
  });

  it('hold no more for a bucket that is asked twice in one request than for one asked once', async () => {
    const model = new SharedModel(now);
    const { store, state } = processOn(model);
    await call(store, 50, 5);
    const held = model.taken('a') - 50;
    expect(held).toBeGreaterThan(1);
    const before = state.asked;
    const pair = [demand('a', held), demand('a', held)];
    expect(await store.take(pair)).toMatchObject({ permitted: true });
    expect(state.asked).toBeGreaterThan(before);
    await store.close();
    expect(model.taken('a')).toBe(50 + 2 * held);
  });

  it('give back what was not used in time, and what is settled, once', async () => {
    const model = new SharedModel(now);
    const { store } = processOn(model);
    await call(store, 100, 2);
    expect(model.taken('a')).toBeGreaterThan(100);
    store.settle([demand('a', 0)], 30);
    store.settle([demand('a', 0)], -10);
    await vi.advanceTimersByTimeAsync(3 * HELD_MS);
    expect(model.taken('a')).toBe(80);
    expect(store.size).toBe(0);
  });

  it('send what is settled again until it was counted, and not twice', async () => {
    const model = new SharedModel(now);
    const { store, state, onLost } = processOn(model);
    await store.take([demand('a', 10)]);
    state.isDown = true;
    store.settle([demand('a', 0)], 4);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(model.taken('a')).toBe(10);
    state.isDown = false;
    await vi.advanceTimersByTimeAsync(2000);
    expect(model.taken('a')).toBe(6);
    expect(onLost).not.toHaveBeenCalled();
    state.isDown = true;
    store.settle([demand('a', 0)], 4);
    await vi.advanceTimersByTimeAsync(40_000);
    expect(onLost).toHaveBeenCalledWith(1);
  });

  it('go on with what they hold while the shared bucket is out of reach, then fail, and lose nothing they held', async () => {
    const model = new SharedModel(now);
    const { store, state } = processOn(model);
    await call(store, 100, 2);
    state.isDown = true;
    expect(store.take([demand('a', 1)])).toMatchObject({ permitted: true });
    await expect(Promise.resolve(store.take([demand('a', 1), demand('b', 1)]))).rejects.toThrow('down');
    await vi.advanceTimersByTimeAsync(HELD_MS);
    await expect(Promise.resolve(store.take([demand('a', 1)]))).rejects.toThrow('down');
    state.isDown = false;
    await vi.advanceTimersByTimeAsync(3000);
    expect((await store.take([demand('a', 1)])).permitted).toBe(true);
    expect(model.taken('a')).toBe(102);
  });

  it('tell two at once for one bucket apart from many: each is answered, and one asks ahead', async () => {
    const model = new SharedModel(now);
    const { store } = processOn(model);
    const all = await Promise.all(Array.from({ length: 1200 }, () => store.take([demand('a', 1)])));
    expect(all.filter(({ permitted }) => permitted).length).toBeGreaterThanOrEqual(900);
    expect(all.filter(({ permitted }) => permitted).length).toBeLessThanOrEqual(1000);
  });

  it('ask for each call where there is no room for another slice', async () => {
    const { store, state } = processOn(new SharedModel(now), 2);
    for (const key of ['x', 'y', 'z', 'z', 'z']) await store.take([demand(key, 1)]);
    expect([store.size, state.asked]).toEqual([2, 5]);
    await vi.advanceTimersByTimeAsync(2 * HELD_MS);
    expect(store.size).toBe(0);
  });

  it('look at a bucket that nothing is taken from without asking each time', async () => {
    const { store, state } = processOn(new SharedModel(now));
    const failures = (cost: number) =>
      store.take([demand('failures', cost, { ...RATE, perMs: 1e9, burst: 3 })]);
    for (let turn = 0; turn < 50; turn += 1) expect((await failures(0)).verdicts[0]?.remaining).toBe(3);
    expect(state.asked).toBe(1);
    for (const left of [2, 1, 0]) {
      await failures(1);
      expect((await failures(0)).verdicts[0]?.remaining).toBe(left);
    }
  });
});
