import { beforeEach, describe, expect, it } from 'vitest';
import { createKeyHealth, type KeyHealth } from '../../../../subgraphs/ai/routing/key-health.ts';
import { bounds, fault } from './faults.ts';

const A = { healthKey: 'a' };
let nowMs: number;
let health: KeyHealth;

beforeEach(() => {
  nowMs = 1_000_000;
  health = createKeyHealth(
    bounds({ failuresMax: 3, openMs: 1000, refusedMs: 5000, cooldownMs: 100, cooldownMsMax: 2000 }),
    () => nowMs,
  );
});
const admitted = (key = 'a'): boolean => health.admit({ healthKey: key }).admitted;
const fail = (times: number, outcome: Parameters<typeof fault>[0] = 'PROVIDER_ERROR'): void => {
  for (let time = 0; time < times; time += 1) health.failed(A, fault(outcome));
};

describe('a circuit', () => {
  it('opens after so many failures in a row, for that key alone', () => {
    fail(2);
    expect(admitted()).toBe(true);
    fail(1);
    expect(health.admit(A)).toEqual({ admitted: false, atMs: nowMs + 1000, limited: false });
    expect(admitted('b')).toBe(true);
  });

  it.each(['OVERLOADED', 'TIMEOUT', 'UNREACHABLE', 'MALFORMED'] as const)('opens by %s', (outcome) => {
    fail(3, outcome);
    expect(admitted()).toBe(false);
  });

  it.each(['REQUEST_REFUSED', 'FILTERED'] as const)('does not open by %s, which shows life', (outcome) => {
    fail(2);
    health.failed(A, fault(outcome, null, 400));
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
    health.answered(A);
    fail(2);
    expect(admitted()).toBe(true);
  });

  it('lets one call try when its time is over, and closes by an answer', () => {
    fail(3);
    nowMs += 1000;
    expect([admitted(), admitted(), admitted()]).toEqual([true, false, false]);
    health.answered(A);
    expect([admitted(), admitted()]).toEqual([true, true]);
  });

  it('opens again where that call fails, and lets the next try where its caller left', () => {
    fail(3);
    nowMs += 1000;
    expect(admitted()).toBe(true);
    fail(1);
    expect(health.admit(A)).toMatchObject({ admitted: false, atMs: nowMs + 1000 });
    nowMs += 1000;
    expect(admitted()).toBe(true);
    fail(1, 'ABANDONED');
    expect(admitted()).toBe(true);
  });
});

describe('a key that tenants share', () => {
  const of = (tenant: string) => ({ healthKey: 'a', tenant });
  const isFor = (tenant: string): boolean => health.admit(of(tenant)).admitted;
  const failing = (outcome: Parameters<typeof fault>[0], ...tenants: readonly string[]): void => {
    for (const tenant of tenants) health.failed(of(tenant), fault(outcome));
  };

  it.each(['TIMEOUT', 'PROVIDER_ERROR', 'MALFORMED'] as const)(
    'is taken by %s from the tenant whose requests bring it about, and from no other',
    (outcome) => {
      failing(outcome, ...Array.from({ length: 100 }, () => 'evil'));
      expect([isFor('evil'), isFor('good'), admitted('b')]).toEqual([false, true, true]);
    },
  );

  it.each(['TIMEOUT', 'PROVIDER_ERROR', 'MALFORMED'] as const)(
    'is left alone where %s comes of the requests of as many tenants',
    (outcome) => {
      failing(outcome, 'one', 'one', 'two', 'two');
      expect(isFor('good')).toBe(true);
      failing(outcome, 'three');
      expect(health.admit(of('good'))).toEqual({ admitted: false, atMs: nowMs + 1000, limited: false });
    },
  );

  it.each(['OVERLOADED', 'UNREACHABLE'] as const)('is left alone by %s, whoever was told', (outcome) => {
    failing(outcome, 'one', 'one', 'one');
    expect(isFor('good')).toBe(false);
  });

  it('is kept shut by no tenant that fails again where one call may try', () => {
    failing('TIMEOUT', 'evil', 'one', 'two');
    nowMs += 1000;
    expect(isFor('evil')).toBe(true);
    failing('TIMEOUT', 'evil');
    expect(isFor('good')).toBe(true);
    // Which is the one call now.
    expect(isFor('one')).toBe(false);
    health.answered(of('good'));
    expect(isFor('one')).toBe(true);
  });

  it('stays shut where another one fails that may try', () => {
    failing('TIMEOUT', 'one', 'two', 'three');
    nowMs += 1000;
    expect(isFor('four')).toBe(true);
    failing('TIMEOUT', 'four');
    expect(isFor('good')).toBe(false);
  });

  it('is not opened to a tenant by what others are answered', () => {
    failing('TIMEOUT', 'evil', 'evil', 'evil');
    health.answered(of('good'));
    expect(health.admit(of('evil'))).toMatchObject({ admitted: false, atMs: nowMs + 1000 });
    nowMs += 1000;
    expect([isFor('evil'), isFor('evil')]).toEqual([true, false]);
    health.answered(of('evil'));
    expect([isFor('evil'), isFor('evil')]).toEqual([true, true]);
  });

  it('counts those of no tenant as one', () => {
    for (let time = 0; time < 3; time += 1) health.failed({ healthKey: 'a', tenant: null }, fault('TIMEOUT'));
    expect([admitted(), isFor('good')]).toEqual([false, true]);
  });

  it('is as limited, or refused, for all of them', () => {
    failing('RATE_LIMITED', 'one');
    expect(isFor('good')).toBe(false);
    nowMs += 100;
    failing('CREDENTIAL_REFUSED', 'one');
    expect(isFor('good')).toBe(false);
  });
});

describe('a limited key', () => {
  it.each([
    ['as long as the provider says', 500, 500],
    ['for a time of our own where it says nothing', null, 100],
    ['no longer than the bound', 60_000, 2000],
  ])('is left alone %s', (_, saidMs, heededMs) => {
    health.failed(A, fault('RATE_LIMITED', saidMs));
    expect(health.admit(A)).toEqual({ admitted: false, atMs: nowMs + heededMs, limited: true });
    nowMs += heededMs;
    expect(admitted()).toBe(true);
  });

  it('is not left alone for less by a second answer', () => {
    health.failed(A, fault('RATE_LIMITED', 1500));
    health.failed(A, fault('RATE_LIMITED', 1));
    expect(health.admit(A)).toMatchObject({ atMs: nowMs + 1500 });
  });
});

it('a limited key is left alone also where calls that were under way are answered or refused', () => {
  health.failed(A, fault('RATE_LIMITED', 1500));
  health.answered(A);
  health.failed(A, fault('REQUEST_REFUSED', null, 400));
  expect(health.admit(A)).toMatchObject({ admitted: false, atMs: nowMs + 1500, limited: true });
});

it('a key that its provider refuses is left alone for long', () => {
  health.failed(A, fault('CREDENTIAL_REFUSED'));
  expect(health.admit(A)).toMatchObject({ admitted: false, atMs: nowMs + 5000 });
});
