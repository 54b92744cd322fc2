import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { SettlementQueue } from '../../src/metering/settlement-queue.ts';
import type { Correction } from '../../src/metering/shared-buckets.ts';

const bucket = (key: string) => ({ key, slot: key, rate: { points: 1, perMs: 1000, burst: 10 } });

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function open(waitingMax = 10_000) {
  const state = { isDown: false, batches: 0 };
  const sent: { readonly id: string; readonly corrections: readonly Correction[] }[] = [];
  const onLost = vi.fn<(corrections: number) => void>();
  const queue = new SettlementQueue({
    shared: {
      settle: async (corrections, id) => {
        sent.push({ id, corrections });
        if (state.isDown) throw new Error('down');
      },
    },
    ...{ gatherMs: 20, retryForMs: 5000, waitingMax, onLost, now: () => performance.now() },
    newBatchId: () => `batch-${state.batches++}`,
  });
  return { state, sent, onLost, queue };
}

describe('corrections on their way', () => {
  it('of one bucket are added up, and not sent where nothing is left of them', async () => {
    const { queue, sent } = open();
    for (const points of [3, -1, 5]) queue.add(bucket('a'), points);
    queue.add(bucket('b'), 2);
    queue.add(bucket('b'), -2);
    await vi.advanceTimersByTimeAsync(20);
    expect(sent.map(({ corrections }) => corrections.map(({ key, points }) => [key, points]))).toEqual([
      [['a', 7]],
    ]);
  });

  it('are sent again under one name, while what comes meanwhile waits for the next', async () => {
    const { queue, sent, state, onLost } = open();
    state.isDown = true;
    queue.add(bucket('a'), 3);
    await vi.advanceTimersByTimeAsync(200);
    queue.add(bucket('a'), 4);
    await vi.advanceTimersByTimeAsync(1000);
    state.isDown = false;
    await vi.advanceTimersByTimeAsync(2000);
    const ids = new Set(sent.slice(0, -1).map(({ id }) => id));
    expect(ids).toEqual(new Set(['batch-0']));
    expect(sent.at(-1)).toMatchObject({ id: 'batch-1', corrections: [{ points: 4 }] });
    expect(onLost).not.toHaveBeenCalled();
  });

  it('are under way one batch at a time, and none is forgotten whatever becomes of the one before', async () => {
    const under: { readonly id: string; readonly ended: PromiseWithResolvers<void> }[] = [];
    let batches = 0;
    const queue = new SettlementQueue({
      shared: {
        settle: (_, id) => {
          const ended = Promise.withResolvers<void>();
          under.push({ id, ended });
          return ended.promise;
        },
      },
      ...{ gatherMs: 20, retryForMs: 5000, waitingMax: 10, onLost: () => expect.unreachable() },
      ...{ now: () => performance.now(), newBatchId: () => `batch-${batches++}` },
    });
    queue.add(bucket('a'), 3);
    await vi.advanceTimersByTimeAsync(20);
    // The shared buckets are slower than corrections gather.
    queue.add(bucket('b'), 4);
    await vi.advanceTimersByTimeAsync(100);
    expect(under.map(({ id }) => id)).toEqual(['batch-0']);
    under[0]?.ended.resolve();
    await vi.advanceTimersByTimeAsync(20);
    under[1]?.ended.reject(new Error('down'));
    await vi.advanceTimersByTimeAsync(200);
    under[2]?.ended.resolve();
    await queue.close();
    expect(under.map(({ id }) => id)).toEqual(['batch-0', 'batch-1', 'batch-1']);
  });

  it('are given up after their time, and those for which there is no room at once', async () => {
    const { queue, state, onLost } = open(2);
    state.isDown = true;
    for (const key of ['a', 'b', 'c']) queue.add(bucket(key), 1);
    expect(onLost.mock.calls).toEqual([[1]]);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(onLost.mock.calls).toEqual([[1], [2]]);
  });

  it('are sent when the gateway ends, and all given up with the first that cannot be', async () => {
    const ending = open();
    for (let key = 0; key < 600; key += 1) ending.queue.add(bucket(`k${key}`), 1);
    await ending.queue.close();
    expect(ending.sent.map(({ corrections }) => corrections.length)).toEqual([256, 256, 88]);
    const lost = open();
    lost.state.isDown = true;
    for (let key = 0; key < 600; key += 1) lost.queue.add(bucket(`k${key}`), 1);
    await lost.queue.close();
    expect(lost.sent).toHaveLength(1);
    expect(lost.onLost.mock.calls.flat()).toEqual([256, 344]);
  });
});
