import type { AuditEvent } from '../audit/event.ts';
import { CATALOGUE, type ErrorCode } from '../errors.ts';
import type { BehaviourWatch } from './behaviour-watch.ts';
import type { ObservedCall } from './behaviour-window.ts';
import type { ThrottleTarget } from './throttles.ts';

const INVALID: ReadonlySet<ErrorCode> = new Set([
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
  'BAD_USER_INPUT',
  'OPERATION_RESOLUTION_FAILURE',
] as const);

/**
 * Tells a watch of a call, as its audit event has it. What could not be known, and what is no doing of the caller, is not
 * counted: refusals by limits, which would hold a caller for being held, faults of the gateway, and the end of a stream.
 */
export function observeBehaviour(watch: BehaviourWatch, event: AuditEvent): void {
  const { principal, code, operation, cost, events, remoteAddress } = event;
  if (principal === null || events !== null) return;
  const outcome = outcomeOf(code);
  if (outcome === null) return;
  const target = targetOf(principal, remoteAddress);
  watch.observe(JSON.stringify(Object.values(target)), target, {
    outcome,
    operationHash: operation?.hash ?? null,
    points: cost === null ? null : (cost.actual ?? cost.estimated),
  });
}

function outcomeOf(code: ErrorCode | null): ObservedCall['outcome'] | null {
  if (code === null) return 'answered';
  if (INVALID.has(code)) return 'invalid';
  const { retryable, status } = CATALOGUE[code];
  return retryable || status >= 500 ? null : 'refused';
}

/** All that tells this caller from others, what it does not have included; without a credential only the address does. */
function targetOf(principal: NonNullable<AuditEvent['principal']>, ip: string): ThrottleTarget {
  const { kind, tenant, application, issuer, subject } = principal;
  const caller = { tenant, application, issuer, subject };
  return kind === 'anonymous' ? { ...caller, ip } : caller;
}
