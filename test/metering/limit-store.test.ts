import { describe, expect, it } from 'vitest';
import { MemoryLimitStore } from '../../src/metering/limit-store.ts';

const RATE = { points: 10, perMs: 1000, burst: 10 };
const demand = (key: string, cost: number, rate = RATE) => ({ key, slot: key, rate, cost });

function store(bucketsMax = 1000) {
  const clock = { now: 0 };
  return { clock, buckets: new MemoryLimitStore(bucketsMax, () => clock.now) };
}

describe('buckets in memory', () => {
  it('are taken from all or none', () => {
    const { buckets } = store();
    buckets.take([demand('a', 8)]);
    const refused = buckets.take([demand('b', 5), demand('a', 5)]);
    expect(refused.permitted).toBe(false);
    expect(refused.verdicts.map(({ permitted, remaining }) => [permitted, remaining])).toEqual([
      [true, 10],
      [false, 2],
    ]);
    expect(buckets.take([demand('b', 10)]).permitted).toBe(true);
    expect(buckets.take([demand('a', 2)]).permitted).toBe(true);
  });

  it('count one bucket that is asked twice in one request twice', () => {
    const { buckets } = store();
    expect(buckets.take([demand('a', 6), demand('a', 6)]).permitted).toBe(false);
    expect(buckets.take([demand('a', 5), demand('a', 5)]).permitted).toBe(true);
    expect(buckets.take([demand('a', 1)]).permitted).toBe(false);
  });

  it('do not know each other', () => {
    const { buckets } = store();
    buckets.take([demand('a', 10)]);
    expect(buckets.take([demand('b', 10)]).permitted).toBe(true);
  });

  it('take names that every object has', () => {
    const { buckets } = store();
    for (const key of ['__proto__', 'constructor', 'toString']) {
      expect(buckets.take([demand(key, 10)]).permitted).toBe(true);
      expect(buckets.take([demand(key, 1)]).permitted).toBe(false);
    }
  });

  it('forget full ones to make room, and never one that is not', () => {
    const { buckets, clock } = store(3);
    for (const key of ['a', 'b', 'c']) buckets.take([demand(key, 10)]);
    expect(buckets.take([demand('d', 1)]).permitted).toBe(false);
    expect(buckets.take([demand('a', 1)]).permitted).toBe(false);
    expect(buckets.size).toBe(3);
    clock.now = 1000;
    expect(buckets.take([demand('d', 1)]).permitted).toBe(true);
    expect(buckets.size).toBeLessThanOrEqual(3);
  });

  it('hold nothing for who took nothing', () => {
    const { buckets } = store();
    buckets.take([demand('a', 0)]);
    expect(buckets.size).toBe(0);
  });

  it('hold nothing for what is given back to a full one', () => {
    const { buckets } = store();
    buckets.take([demand('a', 10)]);
    buckets.settle([demand('a', 0), demand('b', 0)], 4);
    expect(buckets.take([demand('a', 4)]).permitted).toBe(true);
    expect(buckets.take([demand('a', 1)]).permitted).toBe(false);
    expect(buckets.size).toBe(1);
  });
});
