import type { Rule } from './rule.ts';

/** `@authenticated`: the principal has a verified credential. */
export const authenticated: Rule = {
  name: 'authenticated',
  lasting: true,
  applies: (requirement) => requirement.authenticated,
  holds: (_, { principal }) => principal.kind !== 'anonymous',
};
