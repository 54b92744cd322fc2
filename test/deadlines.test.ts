import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Deadlines, type Expiring } from '../src/deadlines.ts';

describe('deadlines', () => {
  let over: string[] = [];
  const expiring = (name: string, untilMs: number): Expiring => ({
    untilMs,
    expire: () => void over.push(name),
  });

  beforeEach(() => {
    over = [];
    vi.useFakeTimers({ now: 0 });
  });

  afterEach(() => {
    vi.useRealTimers();
  });

  it('end what is over, once, and soon after; not what has time left', () => {
    const deadlines = new Deadlines(Date.now);
    deadlines.watch(expiring('late', 1_000));
    deadlines.watch(expiring('early', 100));
    vi.advanceTimersByTime(99);
    expect(over).toEqual([]);
    vi.advanceTimersByTime(26);
    expect(over).toEqual(['early']);
    vi.advanceTimersByTime(2_000);
    expect(over).toEqual(['early', 'late']);
  });

  it('end at once what was over before it began', () => {
    const deadlines = new Deadlines(Date.now);
    deadlines.watch(expiring('past', -1));
    vi.advanceTimersByTime(25);
    expect(over).toEqual(['past']);
  });

  it('leave alone what was forgotten, and keep no timer when nothing is watched', () => {
    const deadlines = new Deadlines(Date.now);
    const call = expiring('forgotten', 100);
    deadlines.watch(call);
    deadlines.forget(call);
    vi.advanceTimersByTime(1_000);
    expect(over).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
    deadlines.watch(expiring('next', 1_010));
    vi.advanceTimersByTime(40);
    expect(over).toEqual(['next']);
  });

  it('end each of many once, whichever of them were forgotten meanwhile', () => {
    const deadlines = new Deadlines(Date.now);
    const calls = Array.from({ length: 9 }, (_, index) => expiring(String(index), index < 6 ? 100 : 5_000));
    for (const call of calls) deadlines.watch(call);
    for (const index of [0, 3, 8, 3]) deadlines.forget(calls[index] as Expiring);
    vi.advanceTimersByTime(1_000);
    expect(over.toSorted()).toEqual(['1', '2', '4', '5']);
    vi.advanceTimersByTime(9_000);
    expect(over.toSorted()).toEqual(['1', '2', '4', '5', '6', '7']);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('leave alone what the end of another has forgotten', () => {
    const deadlines = new Deadlines(Date.now);
    const second = expiring('second', 100);
    const first: Expiring = {
      untilMs: 100,
      expire: () => {
        over.push('first');
        deadlines.forget(second);
      },
    };
    deadlines.watch(first);
    deadlines.watch(second);
    vi.advanceTimersByTime(1_000);
    expect(over).toEqual(['first']);
  });

  it('take more while they end others', () => {
    const deadlines = new Deadlines(Date.now);
    deadlines.watch({ untilMs: 10, expire: () => deadlines.watch(expiring('second', 50)) });
    vi.advanceTimersByTime(100);
    expect(over).toEqual(['second']);
  });
});
