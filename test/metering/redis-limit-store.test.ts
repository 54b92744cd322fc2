import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { GuardedLimitStore } from '../../src/metering/guarded-limit-store.ts';
import { type LimitStore, MemoryLimitStore } from '../../src/metering/limit-store.ts';
import { Outage } from '../../src/metering/outage.ts';
import { RedisClient } from '../../src/metering/redis-client.ts';
import { RedisLimitStore } from '../../src/metering/redis-limit-store.ts';
import { LIMIT_SCRIPTS } from '../../src/metering/redis-scripts.ts';
import { aheadContract, contract, demand, plain } from './limit-store-contract.ts';
import { RedisKit, redisInstalled } from './redis-kit.ts';
import { SharedModel } from './shared-model.ts';

describe('the contract of buckets, in memory', () => {
  const store = new MemoryLimitStore(100, () => performance.now());
  contract(() => store);
});

describe('the contract of buckets, in the model that properties are tested on', () => {
  const model = new SharedModel(() => performance.now());
  contract(() => plain(model));
  aheadContract(() => model);
});

describe.skipIf(!redisInstalled)('buckets in Redis (skipped where no redis-server is on the PATH)', () => {
  let kit: RedisKit;
  let store: RedisLimitStore;
  let client: RedisClient;
  const open = async (deadlineMs: number) => {
    const client = new RedisClient(
      { server: { url: kit.path }, deadlineMs, reconnectMsMax: 100 },
      LIMIT_SCRIPTS,
    );
    await vi.waitFor(() => expect(client.isReady).toBe(true), { timeout: 5000, interval: 5 });
    return { client, opened: new RedisLimitStore(client, () => undefined) };
  };

  beforeAll(async () => {
    kit = await RedisKit.create();
    ({ opened: store, client } = await open(2000));
  });
  afterAll(async () => {
    await store.close();
    await kit.remove();
  });

  contract(() => plain(store));
  aheadContract(() => store);

  it('have keys that expire and show no outside text', async () => {
    await plain(store).take([demand('subject-secret', 1)]);
    await plain(store).settle([demand('subject-secret', 1)], -1);
    const redis = new Redis(kit.path);
    const keys = await redis.keys('*');
    const lives = await Promise.all(keys.map((key) => redis.pttl(key)));
    redis.disconnect();
    expect(keys.join()).not.toContain('secret');
    // A key whose time came between the two calls answers -2; one that would stay for ever answers -1.
    expect(lives.filter((lifeMs) => lifeMs === -1 || lifeMs > 36_000_002)).toEqual([]);
  });

  it('permit no more than the burst to two gateways together', async () => {
    const { opened: other } = await open(2000);
    const turns = Array.from({ length: 40 }, (_, turn) =>
      plain(turn % 2 ? other : store).take([demand('pair', 1)]),
    );
    const all = await Promise.all(turns);
    await other.close();
    expect(all.filter(({ permitted }) => permitted)).toHaveLength(10);
  });

  it('give way to local ones at the deadline while Redis stands still', async () => {
    const { opened: quick } = await open(50);
    const local = new MemoryLimitStore(10, () => 0);
    const alarm = vi.fn();
    const shared: LimitStore = { ...plain(quick), settle: () => undefined, close: () => quick.close() };
    const outage = new Outage({ probeAfterMs: 60_000, now: () => 0, random: () => 0, alarm });
    const options = { shared, local, localShare: 0.2, outage };
    const guard = new GuardedLimitStore(options);
    kit.pause();
    try {
      const permitted = [];
      for (let turn = 0; turn < 3; turn += 1)
        permitted.push((await guard.take([demand('slow', 1)])).permitted);
      expect(permitted).toEqual([true, true, false]);
      expect(alarm).toHaveBeenCalledOnce();
    } finally {
      kit.goOn();
    }
    await guard.close();
  });

  it('fail while Redis is gone and take again after its restart', async () => {
    await kit.kill();
    await expect(plain(store).take([demand('restart', 1)])).rejects.toThrow();
    await kit.start();
    await vi.waitFor(() => expect(client.isReady).toBe(true), { timeout: 5000, interval: 5 });
    expect(await plain(store).take([demand('restart', 1)])).toMatchObject({ permitted: true });
  });
});
