import type { Rule } from './rule.ts';

/** `@requiresScopes`: all scopes of at least one of the lists. */
export const scopes: Rule = {
  name: 'scopes',
  lasting: true,
  applies: (requirement) => requirement.scopes !== null,
  holds: (requirement, { principal }) =>
    requirement.scopes?.some((all) => all.length > 0 && all.every((scope) => principal.scopes.has(scope))) ===
    true,
};
