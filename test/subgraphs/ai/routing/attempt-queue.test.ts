import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AttemptOutcome } from '../../../../subgraphs/ai/routing/attempt-outcome.ts';
import { createAttemptQueue } from '../../../../subgraphs/ai/routing/attempt-queue.ts';
import { createKeyHealth } from '../../../../subgraphs/ai/routing/key-health.ts';
import { weightedOrder } from '../../../../subgraphs/ai/routing/weighted-order.ts';
import { bounds, fault } from './faults.ts';

const candidate = (name: string) => {
  const [provider = '', model = '', key = ''] = name.split(' ');
  return { name, model: { id: `${provider}/${model}`, provider }, healthKey: `${provider} ${key}` };
};
const CANDIDATES = ['x m 1', 'x m 2', 'y n 1'].map(candidate);

function queueOf(candidates = CANDIDATES, part: Parameters<typeof bounds>[0] = {}) {
  const clock = { nowMs: 1000 };
  const now = () => clock.nowMs;
  const limits = bounds({ backoffMs: 100, ...part });
  const health = createKeyHealth(limits, now);
  const queue = createAttemptQueue(candidates, { bounds: limits, health, now, random: () => 0.5 });
  /** Who is asked where all fail by these, in order. */
  const asked = (...outcomes: Exclude<AttemptOutcome, 'ANSWERED'>[]): string[] => {
    const names: string[] = [];
    for (const outcome of outcomes) {
      const next = queue.next();
      if (next.step !== 'ask') return [...names, next.step];
      names.push(next.candidate.name);
      health.failed(next.candidate, fault(outcome));
      queue.failed(next.candidate, fault(outcome));
    }
    return [...names, queue.next().step];
  };
  return { queue, health, clock, asked };
}

describe('the order of attempts', () => {
  it.each(['OVERLOADED', 'PROVIDER_ERROR', 'TIMEOUT', 'UNREACHABLE', 'MALFORMED'] as const)(
    'goes to another provider by %s, then to another key, then waits for the first',
    (outcome) => {
      expect(queueOf().asked(outcome, outcome, outcome)).toEqual(['x m 1', 'y n 1', 'x m 2', 'wait']);
    },
  );

  it('goes to another key of the same provider by a limit', () => {
    expect(queueOf().asked('RATE_LIMITED', 'RATE_LIMITED', 'RATE_LIMITED')).toEqual([
      ...['x m 1', 'x m 2', 'y n 1', 'wait'],
    ]);
  });

  it('goes from a refused key only to other keys of the model', () => {
    expect(queueOf().asked('CREDENTIAL_REFUSED', 'CREDENTIAL_REFUSED')).toEqual(['x m 1', 'x m 2', 'end']);
  });

  it.each(['REQUEST_REFUSED', 'FILTERED', 'ABANDONED'] as const)('ends by %s', (outcome) => {
    expect(queueOf().asked(outcome)).toEqual(['x m 1', 'end']);
  });

  it('ends after so many attempts', () => {
    expect(queueOf(CANDIDATES, { attemptsMax: 2 }).asked('TIMEOUT', 'TIMEOUT')).toEqual([
      ...['x m 1', 'y n 1', 'end'],
    ]);
  });

  it('waits longer each time for the same key, and as long as it is told', () => {
    const { queue, clock } = queueOf(CANDIDATES.slice(2), { attemptsMax: 4 });
    const waits: unknown[] = [];
    for (const retryAfterMs of [null, null, 5000]) {
      const next = queue.next();
      if (next.step !== 'ask') throw new Error(next.step);
      queue.failed(next.candidate, fault('OVERLOADED', retryAfterMs));
      const wait = queue.next();
      waits.push(wait.step === 'wait' && wait.untilMs - clock.nowMs);
      if (wait.step === 'wait') clock.nowMs = wait.untilMs;
    }
    expect(waits).toEqual([150, 300, 5000]);
  });

  it('passes over keys that are left alone, and says when the first of them is not', () => {
    const { queue, health, clock } = queueOf();
    health.failed({ healthKey: 'x 1' }, fault('RATE_LIMITED', 700));
    health.failed({ healthKey: 'x 2' }, fault('CREDENTIAL_REFUSED'));
    expect(queue.next()).toMatchObject({ step: 'ask', candidate: { name: 'y n 1' } });
    const other = queueOf(CANDIDATES.slice(0, 2));
    other.health.failed({ healthKey: 'x 1' }, fault('RATE_LIMITED', 700));
    other.health.failed({ healthKey: 'x 2' }, fault('CREDENTIAL_REFUSED'));
    expect(other.queue.next()).toEqual({ step: 'wait', untilMs: clock.nowMs + 700, limited: true });
  });

  it('always ends, asks no key before its time, and no more often than the bound', () => {
    const outcome = fc.constantFrom(
      'RATE_LIMITED',
      'OVERLOADED',
      'CREDENTIAL_REFUSED',
      'TIMEOUT',
      'MALFORMED',
    );
    const names = fc.uniqueArray(fc.constantFrom('x m 1', 'x m 2', 'x o 1', 'y n 1', 'y n 2'), {
      minLength: 1,
    });
    fc.assert(
      fc.property(names, fc.array(outcome, { minLength: 40, maxLength: 40 }), (chosen, outcomes) => {
        const { queue, health, clock } = queueOf(chosen.map(candidate), { attemptsMax: 6 });
        let asked = 0;
        for (const what of outcomes) {
          const next = queue.next();
          if (next.step === 'end') break;
          if (next.step === 'wait') {
            expect(next.untilMs).toBeGreaterThan(clock.nowMs);
            clock.nowMs = next.untilMs;
            continue;
          }
          asked += 1;
          health.failed(next.candidate, fault(what));
          queue.failed(next.candidate, fault(what));
        }
        expect(queue.next().step).toBe('end');
        expect(asked).toBeLessThanOrEqual(6);
      }),
      { numRuns: 200 },
    );
  });
});

describe('weights', () => {
  const items = [
    { name: 'a', weight: 3 },
    { name: 'none', weight: 0 },
    { name: 'b', weight: 1 },
  ];

  it.each([
    [0, ['a', 'b', 'none']],
    [0.74, ['a', 'b', 'none']],
    [0.76, ['b', 'a', 'none']],
    [0.999, ['b', 'a', 'none']],
  ])('give at %f the order %j', (random, names) => {
    expect(weightedOrder(items, () => random).map(({ name }) => name)).toEqual(names);
  });

  it('lose and double nobody', () => {
    const weights = fc.array(fc.float({ min: 0, max: 1000, noNaN: true }), { maxLength: 12 });
    fc.assert(
      fc.property(weights, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (all, random) => {
        const given = all.map((weight, index) => ({ index, weight }));
        const ordered = weightedOrder(given, () => random);
        expect([...ordered].sort((one, other) => one.index - other.index)).toEqual(given);
      }),
    );
  });
});
