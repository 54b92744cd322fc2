import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { GuardedLimitStore, type SharedLimitStore } from '../../src/metering/guarded-limit-store.ts';
import { type Demand, type LimitStore, MemoryLimitStore } from '../../src/metering/limit-store.ts';
import { RedisLimitStore } from '../../src/metering/redis-limit-store.ts';
import { RedisKit, redisInstalled } from './redis-kit.ts';

/** A rate so slow that no point comes back during a test. */
const RATE = { points: 10, perMs: 36_000_000, burst: 10 };
const demand = (key: string, cost: number, rate = RATE): Demand => ({ key, rate, cost });
type Settling = Pick<SharedLimitStore, 'take'> | Pick<LimitStore, 'take'>;
type AnyStore = Settling & { settle(demands: readonly Demand[], points: number): void | Promise<void> };

function contract(storeOf: () => AnyStore): void {
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
    const short: Demand = { ...demand('short', 1), window: { points: 1, leftMs: 60 } };
    expect((await storeOf().take([short])).permitted).toBe(true);
    expect((await storeOf().take([short])).permitted).toBe(false);
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

  it('settles nothing that it does not know', async () => {
    await storeOf().settle([demand('unknown', 1)], -9);
    expect(await storeOf().take([demand('unknown', 10)])).toMatchObject({ permitted: true });
  });

  it('permits no more than the burst to fifty at once', async () => {
    const all = await Promise.all(
      Array.from({ length: 50 }, async () => storeOf().take([demand('crowd', 1)])),
    );
    expect(all.filter(({ permitted }) => permitted)).toHaveLength(10);
  });
}

describe('the contract of buckets, in memory', () => {
  const store = new MemoryLimitStore(100, () => performance.now());
  contract(() => store);
});

describe('buckets guarded against the loss of Redis', () => {
  function guarded() {
    const state = { nowMs: 0, isDown: true, asked: 0 };
    const distant = new MemoryLimitStore(10, () => 0);
    const shared: SharedLimitStore = {
      take: async (demands) => {
        state.asked += 1;
        if (state.isDown) throw new Error('down');
        return distant.take(demands);
      },
      settle: async (demands, points) => distant.settle(demands, points),
      close: () => distant.close(),
    };
    const alarm = vi.fn<(state: 'lost' | 'back', cause?: unknown) => void>();
    const local = new MemoryLimitStore(10, () => 0);
    const now = () => state.nowMs;
    return {
      state,
      alarm,
      distant,
      store: new GuardedLimitStore({ shared, local, localShare: 0.5, probeAfterMs: 1000, now, alarm }),
    };
  }

  it('permit the local share, ask with one probe at a time, and tell of loss and return once', async () => {
    const { state, alarm, store } = guarded();
    const one = async () => (await store.take([demand('k', 1)])).permitted;
    const permitted = [];
    for (let turn = 0; turn < 6; turn += 1) permitted.push(await one());
    expect(permitted).toEqual([true, true, true, true, true, false]);
    expect(state.asked).toBe(1);
    state.nowMs = 1000;
    await Promise.all([one(), one(), one()]);
    expect(state.asked).toBe(2);
    state.isDown = false;
    state.nowMs = 1999;
    expect(await one()).toBe(false);
    state.nowMs = 2000;
    expect(await one()).toBe(true);
    expect(alarm.mock.calls.map(([name]) => name)).toEqual(['lost', 'back']);
  });

  it('do not give back to a shared bucket what was taken locally', async () => {
    const { state, distant, store } = guarded();
    const mine = demand('k', 4);
    await store.take([mine]);
    distant.take([demand('k', 10)]);
    state.isDown = false;
    state.nowMs = 1000;
    store.settle([mine], 4);
    expect(distant.take([demand('k', 1)]).permitted).toBe(false);
  });
});

describe.skipIf(!redisInstalled)('buckets in Redis (skipped where no redis-server is on the PATH)', () => {
  let kit: RedisKit;
  let store: RedisLimitStore;
  const open = async (deadlineMs: number) => {
    const opened = new RedisLimitStore({ url: kit.path, deadlineMs, reconnectMsMax: 100 });
    await vi.waitFor(() => expect(opened.isReady).toBe(true), { timeout: 5000, interval: 5 });
    return opened;
  };

  beforeAll(async () => {
    kit = await RedisKit.create();
    store = await open(2000);
  });
  afterAll(async () => {
    await store.close();
    await kit.remove();
  });

  contract(() => store);

  it('have keys that expire and show no outside text', async () => {
    await store.take([demand('subject-secret', 1)]);
    const redis = new Redis(kit.path);
    const keys = await redis.keys('*');
    const lives = await Promise.all(keys.map((key) => redis.pttl(key)));
    redis.disconnect();
    expect(keys.join()).not.toContain('secret');
    expect(lives.every((lifeMs) => lifeMs > 0 && lifeMs <= 36_000_002)).toBe(true);
  });

  it('permit no more than the burst to two gateways together', async () => {
    const other = await open(2000);
    const turns = Array.from({ length: 40 }, (_, turn) =>
      (turn % 2 ? other : store).take([demand('pair', 1)]),
    );
    const all = await Promise.all(turns);
    await other.close();
    expect(all.filter(({ permitted }) => permitted)).toHaveLength(10);
  });

  it('give way to local ones at the deadline while Redis stands still', async () => {
    const quick = await open(50);
    const local = new MemoryLimitStore(10, () => 0);
    const alarm = vi.fn();
    const options = { shared: quick, local, localShare: 0.2, probeAfterMs: 60_000, now: () => 0, alarm };
    const guard = new GuardedLimitStore(options);
    const redis = new Redis(kit.path);
    await redis.ping();
    const asleep = redis.call('DEBUG', 'SLEEP', '1');
    const permitted = [];
    for (let turn = 0; turn < 3; turn += 1) permitted.push((await guard.take([demand('slow', 1)])).permitted);
    expect(permitted).toEqual([true, true, false]);
    expect(alarm).toHaveBeenCalledOnce();
    await asleep;
    redis.disconnect();
    await guard.close();
  });

  it('fail while Redis is gone and take again after its restart', async () => {
    await kit.kill();
    await expect(store.take([demand('restart', 1)])).rejects.toThrow();
    await kit.start();
    await vi.waitFor(() => expect(store.isReady).toBe(true), { timeout: 5000, interval: 5 });
    expect(await store.take([demand('restart', 1)])).toMatchObject({ permitted: true });
  });
});
