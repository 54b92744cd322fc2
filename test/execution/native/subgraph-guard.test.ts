import { describe, expect, it } from 'vitest';
import {
  type CallOutcome,
  type GuardOptions,
  SubgraphGuard,
} from '../../../src/execution/native/subgraph-guard.ts';

const OPTIONS: GuardOptions = {
  failurePercent: 50,
  callsMin: 4,
  windowMs: 1_000,
  openMs: 100,
  retryPercent: 50,
};

function guardAt(options: Partial<GuardOptions> = {}) {
  const clock = { nowMs: 5_000 };
  return { clock, guard: new SubgraphGuard({ ...OPTIONS, ...options }, () => clock.nowMs) };
}

function calls(guard: SubgraphGuard, outcomes: readonly CallOutcome[]): void {
  for (const outcome of outcomes) {
    const admission = guard.admit();
    if (admission === null) expect.fail('the circuit is open');
    guard.settle(outcome, admission);
  }
}

describe('the circuit of a subgraph', () => {
  it('stays closed below the least number of calls, however many fail', () => {
    const { guard } = guardAt();
    calls(guard, ['failed', 'failed', 'failed']);
    expect(guard.admit()).not.toBeNull();
  });

  it('opens at the share of failures and not below it', () => {
    const below = guardAt();
    calls(below.guard, ['answered', 'answered', 'answered', 'failed']);
    expect(below.guard.admit()).not.toBeNull();
    const at = guardAt();
    calls(at.guard, ['answered', 'answered', 'failed', 'failed']);
    expect(at.guard.admit()).toBeNull();
  });

  it('forgets failures of an earlier window', () => {
    const { guard, clock } = guardAt();
    calls(guard, ['failed', 'failed', 'failed']);
    clock.nowMs += OPTIONS.windowMs;
    calls(guard, ['failed']);
    expect(guard.admit()).not.toBeNull();
  });

  it('does not count callers who left', () => {
    const { guard } = guardAt();
    calls(guard, ['left', 'left', 'left', 'left', 'left']);
    expect(guard.admit()).not.toBeNull();
  });

  it('lets exactly one call try again once the pause is over, and not a millisecond before', () => {
    const { guard, clock } = guardAt();
    calls(guard, ['failed', 'failed', 'failed', 'failed']);
    clock.nowMs += OPTIONS.openMs - 1;
    expect(guard.admit()).toBeNull();
    clock.nowMs += 1;
    expect(guard.admit()).not.toBeNull();
    expect(guard.admit()).toBeNull();
  });

  it('closes when the probe is answered', () => {
    const { guard, clock } = guardAt();
    calls(guard, ['failed', 'failed', 'failed', 'failed']);
    clock.nowMs += OPTIONS.openMs;
    calls(guard, ['answered']);
    calls(guard, ['answered', 'answered']);
  });

  it.each(['answered', 'failed', 'left'] as const)(
    'leaves it to the probe when a call from before is %s meanwhile',
    (outcome) => {
      const { guard, clock } = guardAt();
      expect(guard.admit()).toBe('call');
      calls(guard, ['failed', 'failed', 'failed', 'failed']);
      clock.nowMs += OPTIONS.openMs;
      expect(guard.admit()).toBe('probe');
      guard.settle(outcome, 'call');
      expect(guard.admit()).toBeNull();
      guard.settle('answered', 'probe');
      expect(guard.admit()).toBe('call');
    },
  );

  it('waits again when the probe fails, and lets another probe in when its caller left', () => {
    const { guard, clock } = guardAt();
    calls(guard, ['failed', 'failed', 'failed', 'failed']);
    clock.nowMs += OPTIONS.openMs;
    calls(guard, ['failed']);
    expect(guard.admit()).toBeNull();
    clock.nowMs += OPTIONS.openMs;
    calls(guard, ['left']);
    expect(guard.admit()).not.toBeNull();
  });
});

describe('retries', () => {
  it('are bounded by what is saved up', () => {
    const { guard } = guardAt();
    let taken = 0;
    while (guard.takeRetry() && taken < 1_000) taken += 1;
    expect(taken).toBe(10);
  });

  it('come back as a share of calls', () => {
    const { guard } = guardAt();
    while (guard.takeRetry()) {}
    calls(guard, ['answered']);
    expect(guard.takeRetry()).toBe(false);
    calls(guard, ['answered']);
    expect(guard.takeRetry()).toBe(true);
    expect(guard.takeRetry()).toBe(false);
  });

  it('are refused while the circuit is open', () => {
    const { guard } = guardAt();
    calls(guard, ['failed', 'failed', 'failed', 'failed']);
    expect(guard.takeRetry()).toBe(false);
  });
});
