import type { Restraint } from '../../control/restraint.ts';
import type { Principal } from '../../identity/principal.ts';
import type { Reason } from '../decision.ts';

const SUSPENDED: Reason = { rule: 'incident', code: 'ACCESS_SUSPENDED', coordinate: null, path: null };
/** How far the clock of an identity provider may be behind: it gives whole seconds. */
const CLOCK_TOLERANCE_MS = 1000;

/** The refusal of a caller that an incident restrains; null where it may go on. */
export function restrainedBy(
  { isSuspended, authenticatedSinceMs, factors }: Restraint,
  { acr, amr, authTime }: Principal,
  nowMs: number,
): Reason | null {
  if (isSuspended) return SUSPENDED;
  if (authenticatedSinceMs === null) return null;
  const proven = factors.some((factor) => factor === acr || amr.includes(factor));
  const isSince = authTime !== null && authTime * 1000 + CLOCK_TOLERANCE_MS >= authenticatedSinceMs;
  if (proven && isSince) return null;
  const maxAgeSeconds = Math.max(0, Math.floor((nowMs - authenticatedSinceMs) / 1000));
  const stepUps = [{ acr: null, amr: [], maxAgeSeconds }];
  return { rule: 'incident', code: 'STEP_UP_REQUIRED', coordinate: null, path: null, stepUps };
}
