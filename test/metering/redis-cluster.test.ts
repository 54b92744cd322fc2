import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { GuardedLimitStore } from '../../src/metering/guarded-limit-store.ts';
import { MemoryLimitStore } from '../../src/metering/limit-store.ts';
import { Outage } from '../../src/metering/outage.ts';
import { RedisClient } from '../../src/metering/redis-client.ts';
import { RedisLimitStore } from '../../src/metering/redis-limit-store.ts';
import { LIMIT_SCRIPTS } from '../../src/metering/redis-scripts.ts';
import { SettlementQueue } from '../../src/metering/settlement-queue.ts';
import type { SharedBuckets } from '../../src/metering/shared-buckets.ts';
import { StrictLimitStore } from '../../src/metering/strict-limit-store.ts';
import { aheadContract, contract, demand, plain } from './limit-store-contract.ts';
import { RedisClusterKit } from './redis-cluster-kit.ts';
import { redisInstalled } from './redis-kit.ts';

const WAIT = { timeout: 10_000, interval: 10 };
const DEADLINE_MS = 300;
/** A bound against hanging. */
const HANGS_MS = 10_000;

describe.skipIf(!redisInstalled)(
  'buckets in a Redis Cluster (skipped where no redis-server is on the PATH)',
  () => {
    let kit: RedisClusterKit;
    let store: RedisLimitStore;
    let hurried: RedisLimitStore;
    const givenBack: [string, number][] = [];

    beforeAll(async () => {
      kit = await RedisClusterKit.create();
      // The first is found from the others: it is the one that dies.
      const clientOf = (deadlineMs: number) =>
        new RedisClient(
          { server: { nodes: kit.nodes.slice(1) }, deadlineMs, reconnectMsMax: 100 },
          LIMIT_SCRIPTS,
        );
      store = new RedisLimitStore(clientOf(HANGS_MS), ({ key }, points) => givenBack.push([key, points]));
      hurried = new RedisLimitStore(clientOf(DEADLINE_MS), () => undefined);
      for (const each of [store, hurried])
        await vi.waitFor(
          async () => expect((await plain(each).take([demand('up', 1)])).permitted).toBe(true),
          WAIT,
        );
    });
    afterAll(async () => {
      await store?.close();
      await hurried?.close();
      await kit?.remove();
    });

    /** What a refused call took elsewhere comes back, here at once. */
    const atOnce = (): SharedBuckets => ({
      settle: (corrections, id) => store.settle(corrections, id),
      close: () => store.close(),
      async take(demands) {
        const taken = await store.take(demands);
        for (const [key, points] of givenBack.splice(0)) await plain(store).settle([demand(key, 0)], points);
        return taken;
      },
    });
    contract(() => plain(atOnce()));
    aheadContract(atOnce);

    it('are together where they are of one tenant', async () => {
      const tenants = Array.from({ length: 30 }, (_, index) => `tenant-${index}`);
      for (const slot of tenants)
        await plain(store).take(['a', 'b', 'c'].map((key) => ({ ...demand(`${slot}${key}`, 1), slot })));
      const tagOf = (key: string) => /\{(.*)\}/u.exec(key)?.[1] ?? '';
      const buckets = (keys: readonly string[]) => keys.filter((key) => key.startsWith('portcullis:rate:'));
      const byTag = (await kit.keys()).map((keys) => Map.groupBy(buckets(keys), tagOf));
      const whole = byTag.flatMap((tags) => [...tags.values()].filter((keys) => keys.length === 3));
      expect(whole).toHaveLength(30);
      expect(byTag.every((tags) => [...tags.values()].some((keys) => keys.length === 3))).toBe(true);
    });

    it('are given back to the others where one refuses, with what was taken ahead', async () => {
      givenBack.length = 0;
      await plain(store).take([demand('narrow', 8)]);
      const refused = await store.take([
        { ...demand('wide', 4), extra: 1 },
        { ...demand('narrow', 4), extra: 1 },
      ]);
      expect(refused).toMatchObject({ permitted: false, extras: [0, 0] });
      expect(refused.verdicts.map(({ permitted, remaining }) => [permitted, remaining])).toEqual([
        [true, 10],
        [false, 2],
      ]);
      expect(givenBack).toEqual([['wide', 5]]);
    });

    it('go on after a failover; meanwhile no call hangs and none is unlimited', async () => {
      const alarm = vi.fn<(state: 'lost' | 'back', cause?: unknown) => void>();
      const now = () => performance.now();
      const queue = new SettlementQueue({
        ...{
          shared: hurried,
          gatherMs: 5,
          retryForMs: 30_000,
          waitingMax: 100,
          now,
          onLost: () => undefined,
        },
        newBatchId: () => String(now()),
      });
      const guard = new GuardedLimitStore({
        ...{
          shared: new StrictLimitStore(hurried, queue),
          local: new MemoryLimitStore(100, now),
          localShare: 0.1,
        },
        outage: new Outage({ alarm, now, probeAfterMs: 50, random: Math.random }),
      });
      // Spread over all nodes, so that some are on the one that dies.
      const keys = Array.from({ length: 12 }, (_, index) => demand(`failover-${index}`, 1));
      for (const each of keys) expect((await plain(store).take([each])).permitted).toBe(true);
      await kit.killFirst();
      const slowest = { ms: 0 };
      const takeAll = async () => {
        for (const each of keys) {
          const startedMs = now();
          await guard.take([{ ...each, cost: 0 }]);
          slowest.ms = Math.max(slowest.ms, now() - startedMs);
        }
      };
      await takeAll();
      expect(alarm.mock.calls.map(([state]) => state)).toContain('lost');
      // Nobody has taken its place yet: what waited for that would wait still.
      expect(slowest.ms).toBeLessThan(HANGS_MS);
      await kit.failOver();
      await vi.waitFor(async () => {
        const all = await Promise.all(keys.map((each) => plain(store).take([{ ...each, cost: 0 }])));
        expect(all.every(({ permitted }) => permitted)).toBe(true);
      }, WAIT);
      await vi.waitFor(async () => {
        await takeAll();
        expect(alarm.mock.calls.at(-1)?.[0]).toBe('back');
      }, WAIT);
      // What was taken before is known to the replica that took over: of ten points eleven are not to be had.
      const spent = await Promise.all(keys.map((each) => plain(store).take([{ ...each, cost: 10 }])));
      expect(spent.map(({ permitted }) => permitted)).toEqual(keys.map(() => false));
    });
  },
);
