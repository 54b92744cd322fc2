import { describe, expect, it } from 'vitest';
import {
  ACTIONS,
  type ApprovalKind,
  isTerminal,
  nextState,
  STATES,
  type SubscriptionAction,
  type SubscriptionState,
  stateAt,
} from '../../src/control/subscription-life.ts';

/** Written down once more, from the design and not from the code. */
const ALLOWED: Readonly<Record<string, string>> = {
  'PENDING approve': 'ACTIVE',
  'PENDING reject': 'REJECTED',
  'PENDING withdraw': 'WITHDRAWN',
  'PENDING lapse': 'LAPSED',
  'PENDING edit': 'PENDING',
  'PARTIALLY_APPROVED approve': 'ACTIVE',
  'PARTIALLY_APPROVED reject': 'REJECTED',
  'PARTIALLY_APPROVED withdraw': 'WITHDRAWN',
  'PARTIALLY_APPROVED lapse': 'LAPSED',
  'PARTIALLY_APPROVED edit': 'PENDING',
  'ACTIVE suspend': 'SUSPENDED',
  'ACTIVE expire': 'EXPIRED',
  'ACTIVE supersede': 'EXPIRED',
  'ACTIVE revoke': 'REVOKED',
  'ACTIVE cancel': 'CANCELLED',
  'SUSPENDED resume': 'ACTIVE',
  'SUSPENDED expire': 'EXPIRED',
  'SUSPENDED supersede': 'EXPIRED',
  'SUSPENDED revoke': 'REVOKED',
  'SUSPENDED cancel': 'CANCELLED',
};
const KINDS: readonly ApprovalKind[] = ['auto', 'single', 'dual'];
const MATRIX = STATES.flatMap((state) =>
  ACTIONS.flatMap((action) => KINDS.map((kind) => [state, action, kind] as const)),
);

describe('the life of a subscription', () => {
  it.each(MATRIX)('from %s by %s under %s approval leads where it should', (state, action, kind) => {
    const half = state === 'PENDING' && action === 'approve' && kind === 'dual';
    const expected = half ? 'PARTIALLY_APPROVED' : (ALLOWED[`${state} ${action}`] ?? null);
    expect(nextState(state, action, kind)).toBe(expected);
  });

  it('has six ends that nothing leaves', () => {
    expect(STATES.filter(isTerminal)).toEqual([
      'REJECTED',
      'WITHDRAWN',
      'LAPSED',
      'EXPIRED',
      'REVOKED',
      'CANCELLED',
    ]);
    const left = STATES.filter(isTerminal).flatMap((state: SubscriptionState) =>
      ACTIONS.filter((action: SubscriptionAction) => nextState(state, action, 'single') !== null),
    );
    expect(left).toEqual([]);
  });

  it.each([
    ['PENDING', 9, 'PENDING'],
    ['PENDING', 10, 'LAPSED'],
    ['PARTIALLY_APPROVED', 10, 'LAPSED'],
    ['ACTIVE', 19, 'ACTIVE'],
    ['ACTIVE', 20, 'EXPIRED'],
    ['SUSPENDED', 20, 'EXPIRED'],
    ['REVOKED', 99, 'REVOKED'],
    ['REJECTED', 99, 'REJECTED'],
  ] as const)('of %s is at %i what the clock says', (state, now, expected) => {
    expect(stateAt({ state, lapsesAt: 10, endsAt: 20 }, now)).toBe(expected);
  });

  it('has no end where none is set', () => {
    expect(stateAt({ state: 'ACTIVE', lapsesAt: 10, endsAt: null }, Number.MAX_SAFE_INTEGER)).toBe('ACTIVE');
  });
});
