import { beforeEach, describe, expect, it } from 'vitest';
import { createKeyHealth, type KeyHealth } from '../../../../subgraphs/ai/routing/key-health.ts';
import { bounds, fault } from './faults.ts';

let nowMs: number;
let health: KeyHealth;

beforeEach(() => {
  nowMs = 1_000_000;
  health = createKeyHealth(
    bounds({ failuresMax: 3, openMs: 1000, refusedMs: 5000, cooldownMs: 100, cooldownMsMax: 2000 }),
    () => nowMs,
  );
});
const admitted = (key = 'a'): boolean => health.admit(key).admitted;
const fail = (times: number, outcome: Parameters<typeof fault>[0] = 'PROVIDER_ERROR'): void => {
  for (let time = 0; time < times; time += 1) health.failed('a', fault(outcome));
};

describe('a circuit', () => {
  it('opens after so many failures in a row, for that key alone', () => {
    fail(2);
    expect(admitted()).toBe(true);
    fail(1);
    expect(health.admit('a')).toEqual({ admitted: false, atMs: nowMs + 1000, limited: false });
    expect(admitted('b')).toBe(true);
  });

  it.each(['OVERLOADED', 'TIMEOUT', 'UNREACHABLE', 'MALFORMED'] as const)('opens by %s', (outcome) => {
    fail(3, outcome);
    expect(admitted()).toBe(false);
  });

  it.each(['REQUEST_REFUSED', 'FILTERED'] as const)('does not open by %s, which shows life', (outcome) => {
    fail(2);
    health.failed('a', fault(outcome, null, 400));
    fail(2);
    expect(admitted()).toBe(true);
  });

  it('neither opens nor forgets by what was never sent', () => {
    fail(2);
    fail(10, 'REQUEST_REFUSED');
    expect(admitted()).toBe(true);
    fail(1);
    expect(admitted()).toBe(false);
  });

  it('does not open by callers who leave', () => {
    fail(10, 'ABANDONED');
    expect(admitted()).toBe(true);
  });

  it('forgets failures after an answer', () => {
    fail(2);
    health.answered('a');
    fail(2);
    expect(admitted()).toBe(true);
  });

  it('lets one call try when its time is over, and closes by an answer', () => {
    fail(3);
    nowMs += 1000;
    expect([admitted(), admitted(), admitted()]).toEqual([true, false, false]);
    health.answered('a');
    expect([admitted(), admitted()]).toEqual([true, true]);
  });

  it('opens again where that call fails, and lets the next try where its caller left', () => {
    fail(3);
    nowMs += 1000;
    expect(admitted()).toBe(true);
    fail(1);
    expect(health.admit('a')).toMatchObject({ admitted: false, atMs: nowMs + 1000 });
    nowMs += 1000;
    expect(admitted()).toBe(true);
    fail(1, 'ABANDONED');
    expect(admitted()).toBe(true);
  });
});

describe('a limited key', () => {
  it.each([
    ['as long as the provider says', 500, 500],
    ['for a time of our own where it says nothing', null, 100],
    ['no longer than the bound', 60_000, 2000],
  ])('is left alone %s', (_, saidMs, heededMs) => {
    health.failed('a', fault('RATE_LIMITED', saidMs));
    expect(health.admit('a')).toEqual({ admitted: false, atMs: nowMs + heededMs, limited: true });
    nowMs += heededMs;
    expect(admitted()).toBe(true);
  });

  it('is not left alone for less by a second answer', () => {
    health.failed('a', fault('RATE_LIMITED', 1500));
    health.failed('a', fault('RATE_LIMITED', 1));
    expect(health.admit('a')).toMatchObject({ atMs: nowMs + 1500 });
  });
});

it('a limited key is left alone also where calls that were under way are answered or refused', () => {
  health.failed('a', fault('RATE_LIMITED', 1500));
  health.answered('a');
  health.failed('a', fault('REQUEST_REFUSED', null, 400));
  expect(health.admit('a')).toMatchObject({ admitted: false, atMs: nowMs + 1500, limited: true });
});

it('a key that its provider refuses is left alone for long', () => {
  health.failed('a', fault('CREDENTIAL_REFUSED'));
  expect(health.admit('a')).toMatchObject({ admitted: false, atMs: nowMs + 5000 });
});
