import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { LeasedLimitStore } from '../../src/metering/leased-limit-store.ts';
import type { Demand } from '../../src/metering/limit-store.ts';
import { RedisClient } from '../../src/metering/redis-client.ts';
import { RedisLimitStore } from '../../src/metering/redis-limit-store.ts';
import { LIMIT_SCRIPTS } from '../../src/metering/redis-scripts.ts';
import { SettlementQueue } from '../../src/metering/settlement-queue.ts';

/** A process that takes from one shared bucket as fast as it may, and tells of each point, until it is told to end. */
const [path = '', options = '{}'] = process.argv.slice(2);
const { rate, heldMs, deadlineMs } = JSON.parse(options) as {
  readonly rate: Demand['rate'];
  readonly heldMs: number;
  readonly deadlineMs: number;
};
const now = () => performance.now();
const client = new RedisClient({ server: { url: path }, deadlineMs, reconnectMsMax: 100 }, LIMIT_SCRIPTS);
const shared = new RedisLimitStore(client, () => undefined);
const queue = new SettlementQueue({
  ...{ shared, gatherMs: 20, retryForMs: 30_000, waitingMax: 100, now, newBatchId: randomUUID },
  onLost: () => undefined,
});
const store = new LeasedLimitStore({ shared, queue, now, heldMs, share: 0.2, slicesMax: 10 });
const ending = new AbortController();
process.once('message', () => ending.abort());

while (!client.isReady) await pause(5);
process.send?.({ kind: 'ready' });
for (let turn = 0; !ending.signal.aborted; turn += 1) {
  // A whole call is reserved, and less may be used.
  const demand = { key: 'bucket', slot: 'bucket', rate, cost: 1 + (turn % 3) };
  // Late is not permitted: who guards the store decides what holds then.
  const { permitted } = await Promise.resolve(store.take([demand])).catch(() => ({ permitted: false }));
  const used = 1 + (turn % 2 === 0 ? demand.cost - 1 : 0);
  if (permitted) {
    process.send?.({ kind: 'admitted', atMs: Date.now(), points: used });
    store.settle([demand], demand.cost - used);
  }
  await pause(1);
}
await store.close();
process.send?.({ kind: 'ended' });
process.disconnect?.();
