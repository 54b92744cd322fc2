import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AuditEvent } from '../../src/audit/event.ts';
import type { ErrorCode } from '../../src/errors.ts';
import { type BehaviourChange, BehaviourWatch } from '../../src/metering/behaviour-watch.ts';
import type { ObservedCall } from '../../src/metering/behaviour-window.ts';
import { observeBehaviour } from '../../src/metering/observe-behaviour.ts';
import { Throttles } from '../../src/metering/throttles.ts';
import { ada } from './limiter-kit.ts';

const WINDOW_MS = 1000;
const OPTIONS = {
  ...{ callsMin: 10, refusals: 0.5, invalid: 0.5, distinctOperations: 20, costTimes: 5 },
  ...{ windowMs: WINDOW_MS, step: 0.5, floor: 0.2, relaxAfterMs: 5000, callersMax: 100 },
};
const FINE: ObservedCall = { outcome: 'answered', operationHash: 'one', points: 10 };
const REFUSED: ObservedCall = { ...FINE, outcome: 'refused', points: null };

function watched(options = {}) {
  const clock = { now: 0 };
  const throttles = new Throttles(() => clock.now);
  const changes: BehaviourChange[] = [];
  const watch = new BehaviourWatch(
    { ...OPTIONS, ...options },
    { throttles, now: () => clock.now, onChange: (change) => changes.push(change) },
  );
  const observe = (call: ObservedCall, times = 1, subject = 'ada') => {
    for (let turn = 0; turn < times; turn += 1) watch.observe(subject, { subject }, call);
  };
  const factorOf = (subject: string) =>
    Math.min(
      1,
      ...throttles.of({ principal: { ...ada, subject }, remoteAddress: '' }).map(({ factor }) => factor),
    );
  return { clock, watch, changes, observe, factorOf };
}

/** Windows of ordinary calls, until their cost is known. */
function learn({ clock, observe }: ReturnType<typeof watched>): void {
  for (let window = 0; window < 4; window += 1) {
    observe(FINE, 20);
    clock.now += WINDOW_MS;
  }
}

describe('what a caller does', () => {
  it.each([
    ['refusals', (observe: (call: ObservedCall, times?: number) => void) => observe(REFUSED, 10)],
    [
      'invalid',
      (observe: (call: ObservedCall, times?: number) => void) =>
        observe({ ...REFUSED, outcome: 'invalid' }, 10),
    ],
    [
      'distinctOperations',
      (observe: (call: ObservedCall, times?: number) => void) => {
        for (let each = 0; each < 24; each += 1) observe({ ...FINE, operationHash: `op-${each}` });
      },
    ],
    ['cost', (observe: (call: ObservedCall, times?: number) => void) => observe({ ...FINE, points: 60 }, 10)],
  ] as const)('tightens its limits for %s', (cause, act) => {
    const all = watched();
    learn(all);
    expect(all.changes).toEqual([]);
    act(all.observe);
    expect(all.changes).toEqual([{ target: { subject: 'ada' }, direction: 'tightened', cause, factor: 0.5 }]);
    expect([all.factorOf('ada'), all.factorOf('eve')]).toEqual([0.5, 1]);
    const counted = [
      [[cause, 'tightened'], 1],
      [[cause, 'relaxed'], 0],
    ];
    expect([...all.watch.changes()]).toEqual(counted);
  });

  it.each([
    ['half of the calls refused', [...Array(10).fill(FINE), ...Array(10).fill(REFUSED)]],
    ['nine refusals and nothing else', Array(9).fill(REFUSED)],
    [
      'fifteen operations',
      Array.from({ length: 100 }, (_, each) => ({ ...FINE, operationHash: `op-${each % 15}` })),
    ],
    ['calls four times as costly', Array(50).fill({ ...FINE, points: 40 })],
    ['calls that cost nothing', Array(50).fill({ ...FINE, points: 0 })],
  ] as const)('tightens nothing for %s', (_, calls) => {
    const all = watched();
    learn(all);
    for (const call of calls) all.observe(call);
    expect(all.changes).toEqual([]);
  });

  it('tightens step by step down to the floor, and relaxes step by step', () => {
    const { clock, observe, changes, factorOf } = watched();
    const factors: number[] = [];
    for (let step = 0; step < 4; step += 1) {
      observe(REFUSED, 10);
      factors.push(factorOf('ada'));
    }
    expect(factors).toEqual([0.5, 0.25, 0.2, 0.2]);
    factors.length = 0;
    for (let step = 0; step < 4; step += 1) {
      clock.now += OPTIONS.relaxAfterMs;
      observe(FINE, 1, 'somebody');
      factors.push(factorOf('ada'));
    }
    expect(factors).toEqual([0.25, 0.5, 1, 1]);
    expect(changes.map(({ direction, cause }) => `${direction} ${cause}`)).toEqual([
      ...Array(4).fill('tightened refusals'),
      ...Array(3).fill('relaxed refusals'),
    ]);
  });

  it('is not held against it for ever, though nobody calls any more', () => {
    const { clock, observe, factorOf } = watched();
    observe(REFUSED, 10);
    clock.now += 2 * OPTIONS.relaxAfterMs;
    expect(factorOf('ada')).toBe(1);
  });

  it('begins with no habit: what its first calls cost is what they cost', () => {
    const { observe, changes } = watched();
    observe({ ...FINE, points: 100_000 }, 100);
    expect(changes).toEqual([]);
  });

  it('becomes a habit by and by, and not by one window', () => {
    const all = watched();
    learn(all);
    const dear = { ...FINE, points: 60 };
    all.observe(dear, 10);
    expect(all.changes).toHaveLength(1);
    for (let window = 0; window < 12; window += 1) {
      all.clock.now += WINDOW_MS;
      all.observe(dear, 20);
    }
    all.changes.length = 0;
    all.clock.now += WINDOW_MS;
    all.observe(dear, 20);
    expect(all.changes.filter(({ direction }) => direction === 'tightened')).toEqual([]);
  });

  it('is looked at in bounded memory, and who is held to less stays so, under a million callers', () => {
    const { clock, watch, observe, factorOf } = watched();
    observe(REFUSED, 10);
    for (let each = 0; each < 1_000_000; each += 1) watch.observe(`c${each}`, { subject: `c${each}` }, FINE);
    expect([watch.callers, watch.tightened, factorOf('ada')]).toEqual([100, 1, 0.5]);
    clock.now += OPTIONS.relaxAfterMs;
    observe(FINE);
    expect(watch.tightened).toBe(0);
  });

  it('moves no other caller, and never loosens what is configured, whatever anybody does', () => {
    const calls = fc.array(
      fc.record({
        subject: fc.constantFrom('ada', 'eve', 'bob'),
        outcome: fc.constantFrom('answered' as const, 'refused' as const, 'invalid' as const),
        operation: fc.nat(60),
        points: fc.option(fc.nat(10_000)),
        waitMs: fc.nat(400),
      }),
      { maxLength: 300 },
    );
    fc.assert(
      fc.property(calls, (played) => {
        const together = watched({ callsMin: 5 });
        const alone = watched({ callsMin: 5 });
        for (const { subject, outcome, operation, points, waitMs } of played) {
          for (const { clock } of [together, alone]) clock.now += waitMs;
          const call = { outcome, operationHash: `op-${operation}`, points };
          together.observe(call, 1, subject);
          // The clock of relaxing is that of whoever calls: the same calls are made, by somebody who does nothing wrong.
          alone.observe(
            subject === 'ada' ? call : { ...FINE, points: null },
            1,
            subject === 'ada' ? 'ada' : 'nobody',
          );
          expect(together.factorOf('ada')).toBe(alone.factorOf('ada'));
          for (const each of ['ada', 'eve', 'bob', 'nobody']) {
            expect(together.factorOf(each)).toBeGreaterThanOrEqual(OPTIONS.floor);
            expect(together.factorOf(each)).toBeLessThanOrEqual(1);
          }
        }
        expect(together.factorOf('nobody')).toBe(1);
      }),
      { numRuns: 50 },
    );
  });
});

describe('a call that is audited', () => {
  const seen = (part: Partial<AuditEvent>) => {
    const { watch, changes, factorOf } = watched({ callsMin: 5, refusals: 0.4, invalid: 0.4 });
    const { kind, tenant, application, issuer, subject, credentialId } = ada;
    const event = {
      ...{ remoteAddress: '10.0.0.1', operation: null, cost: null, code: null, events: null },
      ...{ principal: { kind, tenant, application, issuer, subject, credentialId }, ...part },
    } as AuditEvent;
    for (let turn = 0; turn < 5; turn += 1) observeBehaviour(watch, event);
    return { cause: changes[0]?.cause ?? null, factorOf };
  };

  it.each<[ErrorCode | null, string | null]>([
    ['FORBIDDEN', 'refusals'],
    ['UNAUTHORIZED_FIELD_OR_TYPE', 'refusals'],
    ['MAX_DEPTH_LIMIT', 'refusals'],
    ['GRAPHQL_VALIDATION_FAILED', 'invalid'],
    ['GRAPHQL_PARSE_FAILED', 'invalid'],
    ['BAD_USER_INPUT', 'invalid'],
    ['RATE_LIMITED', null],
    ['QUOTA_EXHAUSTED', null],
    ['SUBGRAPH_TIMEOUT', null],
    ['REQUEST_ABORTED', null],
    ['INTERNAL_SERVER_ERROR', null],
    [null, null],
  ])('with %s counts as %s', (code, cause) => {
    expect(seen({ code }).cause).toBe(cause);
  });

  it('holds who made it and nobody else', () => {
    expect(seen({ code: 'FORBIDDEN' }).factorOf(ada.subject)).toBe(0.5);
    expect(seen({ code: 'FORBIDDEN' }).factorOf('eve')).toBe(1);
  });

  it('is not counted where nobody is known, nor twice where a stream ends', () => {
    expect(seen({ code: 'FORBIDDEN', principal: null }).cause).toBeNull();
    expect(seen({ code: 'FORBIDDEN', events: 3 }).cause).toBeNull();
  });
});
