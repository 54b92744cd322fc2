/** States of a subscription; all but the first four are terminal. */
export const STATES = [
  'PENDING',
  'PARTIALLY_APPROVED',
  'ACTIVE',
  'SUSPENDED',
  'REJECTED',
  'WITHDRAWN',
  'LAPSED',
  'EXPIRED',
  'REVOKED',
  'CANCELLED',
] as const;
export type SubscriptionState = (typeof STATES)[number];

/** What can be done to a subscription; `lapse`, `expire` and `supersede` are done by the control plane itself. */
export const ACTIONS = [
  'approve',
  'reject',
  'withdraw',
  'edit',
  'lapse',
  'suspend',
  'resume',
  'expire',
  'revoke',
  'cancel',
  'supersede',
] as const;
export type SubscriptionAction = (typeof ACTIONS)[number];

/** How many administrators have to agree. */
export type ApprovalKind = 'auto' | 'single' | 'dual';

type Transitions = Readonly<Partial<Record<SubscriptionAction, SubscriptionState>>>;

const WHILE_ASKED: Transitions = {
  reject: 'REJECTED',
  withdraw: 'WITHDRAWN',
  lapse: 'LAPSED',
  edit: 'PENDING',
};
const WHILE_LIVE: Transitions = {
  expire: 'EXPIRED',
  revoke: 'REVOKED',
  cancel: 'CANCELLED',
  supersede: 'EXPIRED',
};
const TERMINAL: Transitions = {};

const LIFE: Readonly<Record<SubscriptionState, Transitions>> = {
  PENDING: { ...WHILE_ASKED, approve: 'ACTIVE' },
  PARTIALLY_APPROVED: { ...WHILE_ASKED, approve: 'ACTIVE' },
  ACTIVE: { ...WHILE_LIVE, suspend: 'SUSPENDED' },
  SUSPENDED: { ...WHILE_LIVE, resume: 'ACTIVE' },
  REJECTED: TERMINAL,
  WITHDRAWN: TERMINAL,
  LAPSED: TERMINAL,
  EXPIRED: TERMINAL,
  REVOKED: TERMINAL,
  CANCELLED: TERMINAL,
};

/** The state that an action leads to; null where it is not allowed. The first of two approvals leads half the way. */
export function nextState(
  state: SubscriptionState,
  action: SubscriptionAction,
  approval: ApprovalKind,
): SubscriptionState | null {
  if (state === 'PENDING' && action === 'approve' && approval === 'dual') return 'PARTIALLY_APPROVED';
  return LIFE[state][action] ?? null;
}

/** True for a state that no action leaves. */
export function isTerminal(state: SubscriptionState): boolean {
  return LIFE[state] === TERMINAL;
}

/** What the clock decides of a subscription. Units: milliseconds since the epoch. */
export interface SubscriptionTimes {
  readonly state: SubscriptionState;
  readonly endsAt: number | null;
  /** When a request that nobody decided ends by itself. */
  readonly lapsesAt: number;
}

/** The state at a time, whatever a sweeper has or has not written down; the bound itself is past the end. */
export function stateAt({ state, endsAt, lapsesAt }: SubscriptionTimes, nowMs: number): SubscriptionState {
  const asked = state === 'PENDING' || state === 'PARTIALLY_APPROVED';
  if (asked) return nowMs >= lapsesAt ? 'LAPSED' : state;
  const live = state === 'ACTIVE' || state === 'SUSPENDED';
  return live && endsAt !== null && nowMs >= endsAt ? 'EXPIRED' : state;
}

/** States in which a request waits. */
export const UNDECIDED: readonly SubscriptionState[] = ['PENDING', 'PARTIALLY_APPROVED'];
/** States that hold the place of a product for an application. */
export const LIVE: readonly SubscriptionState[] = ['ACTIVE', 'SUSPENDED'];

/** Longest reason or comment. */
export const REASON_CHARS_MAX = 2000;
