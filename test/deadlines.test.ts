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

  it('take more while they end others', () => {
    const deadlines = new Deadlines(Date.now);
    deadlines.watch({ untilMs: 10, expire: () => deadlines.watch(expiring('second', 50)) });
    vi.advanceTimersByTime(100);
    expect(over).toEqual(['second']);
  });
});
