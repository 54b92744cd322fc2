import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LeasedLimitStore } from '../../src/metering/leased-limit-store.ts';
import type { Demand, LimitStore } from '../../src/metering/limit-store.ts';
import { SettlementQueue } from '../../src/metering/settlement-queue.ts';
import type { SharedBuckets } from '../../src/metering/shared-buckets.ts';
import { StrictLimitStore } from '../../src/metering/strict-limit-store.ts';
import { SharedModel } from './shared-model.ts';

const PROCESSES = 4;
const HELD_MS = 200;
/** Longest way to the shared buckets and back. */
const WAY_MS = 40;

const steps = fc.array(
  fc.oneof(
    {
      weight: 20,
      arbitrary: fc.record({
        kind: fc.constant('call' as const),
        process: fc.nat(PROCESSES - 1),
        cost: fc.integer({ min: 1, max: 12 }),
        used: fc.integer({ min: 0, max: 100 }),
        runsMs: fc.nat(300),
      }),
    },
    { weight: 8, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.nat(60) }) },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('kill' as const), process: fc.nat(PROCESSES - 1) }),
    },
  ),
  { minLength: 20, maxLength: 120 },
);
const rates = fc.record({
  points: fc.integer({ min: 1, max: 40 }),
  perMs: fc.integer({ min: 50, max: 1000 }),
  burst: fc.integer({ min: 12, max: 120 }),
});

const now = () => performance.now();

/** A process whose words to the shared buckets take their time, and end with it. */
class Simulated {
  readonly store: LimitStore;
  isDead = false;

  constructor(
    model: SharedModel,
    { name, mode }: { name: string; mode: 'leased' | 'strict' },
    ways: () => number,
  ) {
    const onItsWay = async () => {
      await new Promise((resolve) => setTimeout(resolve, ways() / 2));
      if (this.isDead) await new Promise(() => undefined);
    };
    const shared: SharedBuckets = {
      take: async (demands) => {
        await onItsWay();
        const taken = await model.take(demands);
        await onItsWay();
        return taken;
      },
      settle: async (corrections, id) => {
        await onItsWay();
        await model.settle(corrections, id);
        await onItsWay();
      },
      close: async () => undefined,
    };
    let batches = 0;
    const queue = new SettlementQueue({
      ...{ shared, gatherMs: 20, retryForMs: 30_000, waitingMax: 100, now, onLost: () => undefined },
      newBatchId: () => `${name}-${batches++}`,
    });
    this.store =
      mode === 'strict'
        ? new StrictLimitStore(shared, queue)
        : new LeasedLimitStore({ shared, queue, now, slicesMax: 100, heldMs: HELD_MS, share: 0.3 });
  }
}

interface Admitted {
  readonly atMs: number;
  readonly points: number;
}

type Step = (typeof steps extends fc.Arbitrary<infer T> ? T : never)[number];

async function play(mode: 'leased' | 'strict', played: readonly Step[], demands: (cost: number) => Demand[]) {
  const model = new SharedModel(now);
  let seed = 7;
  const ways = () => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed % WAY_MS;
  };
  const processes = Array.from(
    { length: PROCESSES },
    (_, index) => new Simulated(model, { name: `p${index}`, mode }, ways),
  );
  const admitted: Admitted[] = [];
  for (const step of played) {
    if (step.kind === 'wait') await vi.advanceTimersByTimeAsync(step.ms);
    else {
      const process = processes[step.process];
      if (process === undefined || process.isDead) continue;
      if (step.kind === 'kill') process.isDead = true;
      else {
        const asked = demands(step.cost);
        void Promise.resolve(process.store.take(asked)).then(({ permitted }) => {
          if (!permitted || process.isDead) return;
          const points = Math.min(step.cost, Math.round((step.cost * step.used) / 100));
          admitted.push({ atMs: now(), points });
          setTimeout(() => {
            if (!process.isDead) process.store.settle(asked, step.cost - points);
          }, step.runsMs);
        });
      }
    }
  }
  await vi.advanceTimersByTimeAsync(1000);
  const alive = processes.filter(({ isDead }) => !isDead);
  const closing = Promise.all(alive.map(({ store }) => store.close()));
  await vi.advanceTimersByTimeAsync(1000);
  await closing;
  vi.clearAllTimers();
  return { model, admitted, someDied: alive.length < PROCESSES };
}

function requireWithin(admitted: readonly Admitted[], bound: (windowMs: number) => number): void {
  const inOrder = [...admitted].sort((one, other) => one.atMs - other.atMs);
  for (const [start, { atMs: from }] of inOrder.entries()) {
    let sum = 0;
    for (const { atMs, points } of inOrder.slice(start)) {
      sum += points;
      if (sum > bound(atMs - from) + 0.1) throw new Error(`${sum} points in ${atMs - from} ms`);
    }
  }
}

describe.each(['leased', 'strict'] as const)('four processes on shared buckets, %s', (mode) => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());
  const held = mode === 'leased' ? Math.max(HELD_MS, WAY_MS) : WAY_MS;
  const runs = { numRuns: 40 };

  it('admit in no window more than the burst and what comes back in it and in the time that points are held', async () => {
    await fc.assert(
      fc.asyncProperty(steps, rates, async (played, rate) => {
        const { admitted } = await play(mode, played, (cost) => [{ key: 'a', slot: 'a', rate, cost }]);
        requireWithin(admitted, (windowMs) => rate.burst + (rate.points * (windowMs + held)) / rate.perMs);
      }),
      runs,
    );
  });

  it('admit of a quota never more than it is', async () => {
    const rate = { points: 1, perMs: 1, burst: 1 };
    await fc.assert(
      fc.asyncProperty(steps, fc.integer({ min: 12, max: 150 }), async (played, points) => {
        const window = { points, leftMs: 1_000_000 };
        const { admitted } = await play(mode, played, (cost) => [
          { key: 'q', slot: 'q', rate, cost, window },
        ]);
        requireWithin(admitted, () => points);
      }),
      runs,
    );
  });

  it('have taken in the end what was used, from all buckets of a call or from none; after a death not less', async () => {
    await fc.assert(
      fc.asyncProperty(steps, rates, async (played, rate) => {
        const small = { ...rate, burst: 12 };
        const { model, admitted, someDied } = await play(mode, played, (cost) => [
          { key: 'a', slot: 'a', rate, cost },
          { key: 'b', slot: 'b', rate: small, cost },
        ]);
        const used = admitted.reduce((sum, { points }) => sum + points, 0);
        for (const key of ['a', 'b']) {
          if (someDied) expect(model.taken(key)).toBeGreaterThanOrEqual(used);
          else expect(model.taken(key)).toBe(used);
        }
      }),
      runs,
    );
  });
});
