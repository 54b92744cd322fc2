import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type FullAt, giveBack, judge, left, type Rate } from '../../src/metering/gcra.ts';

const RATE: Rate = { points: 10, perMs: 1000, burst: 20 };

describe('a bucket', () => {
  it('permits as much as was saved up, and then as much as comes back', () => {
    let fullAt: FullAt | undefined;
    const ask = (cost: number, now: number) => {
      const verdict = judge(fullAt, cost, RATE, now);
      fullAt = verdict.fullAt;
      return [verdict.permitted, verdict.remaining, verdict.retryAfterMs];
    };
    expect(ask(20, 0)).toEqual([true, 0, 0]);
    expect(ask(1, 0)).toEqual([false, 0, 100]);
    expect(ask(1, 99)).toEqual([false, 0, 1]);
    expect(ask(1, 100)).toEqual([true, 0, 0]);
    expect(ask(5, 600)).toEqual([true, 0, 0]);
    expect(ask(20, 2600)).toEqual([true, 0, 0]);
  });

  it('never permits more than it can hold, and says so', () => {
    expect(judge(undefined, 21, RATE, 0)).toMatchObject({
      permitted: false,
      retryAfterMs: Number.POSITIVE_INFINITY,
    });
    expect(judge(undefined, 20, RATE, 0).permitted).toBe(true);
  });

  it('gets back what was not used, and owes what was used beyond', () => {
    const { fullAt } = judge(undefined, 10, RATE, 0);
    expect(left(giveBack(fullAt, 4, RATE), RATE, 0)).toBe(14);
    expect(left(giveBack(fullAt, -5, RATE), RATE, 0)).toBe(5);
    expect(left(giveBack(fullAt, -50, RATE), RATE, 0)).toBe(0);
    expect(left(giveBack(fullAt, 1000, RATE), RATE, 0)).toBe(20);
  });

  it('is no fuller when the clock steps back, and not locked for longer than it takes to fill', () => {
    const { fullAt } = judge(undefined, 20, RATE, 1_000_000);
    expect(judge(fullAt, 1, RATE, 0)).toMatchObject({ permitted: false });
    expect(judge(fullAt, 20, RATE, 2000).permitted).toBe(false);
    expect(judge(judge(fullAt, 1, RATE, 0).fullAt, 1, RATE, 2000).permitted).toBe(true);
  });

  it('admits in no window more than its burst and what comes back in it', () => {
    const calls = fc.array(fc.record({ wait: fc.nat(400), cost: fc.integer({ min: 0, max: 25 }) }), {
      maxLength: 60,
    });
    const rates = fc.record({
      points: fc.integer({ min: 1, max: 50 }),
      perMs: fc.integer({ min: 1, max: 2000 }),
      burst: fc.integer({ min: 1, max: 60 }),
    });
    fc.assert(
      fc.property(calls, rates, (asked, rate) => {
        let now = 0;
        let fullAt: FullAt | undefined;
        const admitted: { at: number; cost: number }[] = [];
        for (const { wait, cost } of asked) {
          now += wait;
          const verdict = judge(fullAt, cost, rate, now);
          fullAt = verdict.fullAt;
          if (verdict.permitted) admitted.push({ at: now, cost });
        }
        for (const [start, { at: from }] of admitted.entries()) {
          let sum = 0;
          for (const { at, cost } of admitted.slice(start)) {
            sum += cost;
            expect(sum).toBeLessThanOrEqual(rate.burst + (rate.points * (at - from)) / rate.perMs + 0.1);
          }
        }
      }),
    );
  });
});
