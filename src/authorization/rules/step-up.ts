import type { Principal } from '../../identity/principal.ts';
import type { StepUp } from '../../supergraph/policy.ts';
import type { Rule } from './rule.ts';

/** How far the clock of an identity provider may be ahead: what is further ahead is not fresh. */
const CLOCK_TOLERANCE_SECONDS = 60;

/** `@stepUp`: the caller has authenticated as strongly, and as lately, as each rule asks. */
export const stepUp: Rule = {
  name: 'step-up',
  applies: (requirement) => requirement.stepUps !== undefined,
  holds: (requirement, { principal, nowMs }) =>
    principal.kind !== 'anonymous' &&
    (requirement.stepUps ?? []).every((rule) => meets(principal, rule, nowMs)),
};

/**
 * Whether an authentication is what a rule asks for; what the credential does not say is not met.
 * Source: RFC 9470; `auth_time` of OpenID Connect.
 */
function meets({ acr, amr, authTime }: Principal, rule: StepUp, nowMs: number): boolean {
  if (rule.acr !== null && (acr === null || !rule.acr.includes(acr))) return false;
  if (!rule.amr.every((method) => amr.includes(method))) return false;
  if (rule.maxAgeSeconds === null) return true;
  const ageSeconds = authTime === null ? Number.NaN : nowMs / 1000 - authTime;
  return ageSeconds >= -CLOCK_TOLERANCE_SECONDS && ageSeconds <= rule.maxAgeSeconds;
}
