import type { Rule } from './rule.ts';

/** `@policy`: all policies of at least one of the lists permit the principal and the operation. */
export const policies: Rule = {
  name: 'policies',
  applies: (requirement) => requirement.policies !== null,
  holds: (requirement, { principal, operation, policies: decider }) =>
    requirement.policies?.some(
      (all) => all.length > 0 && all.every((name) => decider.allows(name, principal, operation)),
    ) === true,
};
