import { and, implies } from './dnf.ts';
import type { Dnf, Requirement } from './policy.ts';

/** Asks nothing of the caller. */
export const NO_REQUIREMENT: Requirement = Object.freeze({
  authenticated: false,
  scopes: null,
  policies: null,
});

/**
 * What passes both requirements, part by part: scopes and policies never stand in for authentication.
 * Throws: RangeError where a product of alternatives has too many.
 */
export function bothRequirements(a: Requirement, b: Requirement): Requirement {
  return Object.freeze({
    authenticated: a.authenticated || b.authenticated,
    scopes: bothDnfs(a.scopes, b.scopes),
    policies: bothDnfs(a.policies, b.policies),
    ...bothStepUps(a, b),
  });
}

/** True where both requirements let exactly the same callers pass. */
export function sameRequirement(a: Requirement, b: Requirement): boolean {
  return (
    a.authenticated === b.authenticated &&
    sameDnf(a.scopes, b.scopes) &&
    sameDnf(a.policies, b.policies) &&
    JSON.stringify(a.stepUps) === JSON.stringify(b.stepUps)
  );
}

function bothStepUps(a: Requirement, b: Requirement): Pick<Requirement, 'stepUps'> {
  const all = new Map(
    [...(a.stepUps ?? []), ...(b.stepUps ?? [])].map((rule) => [JSON.stringify(rule), rule]),
  );
  if (all.size === 0) return {};
  const sorted = [...all].sort(([one], [other]) => (one < other ? -1 : 1));
  return { stepUps: Object.freeze(sorted.map(([, rule]) => rule)) };
}

function bothDnfs(a: Dnf | null, b: Dnf | null): Dnf | null {
  if (a === null) return b;
  return b === null ? a : and(a, b);
}

function sameDnf(a: Dnf | null, b: Dnf | null): boolean {
  if (a === null || b === null) return a === b;
  return implies(a, b) && implies(b, a);
}
