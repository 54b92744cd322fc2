import { authenticated } from './authenticated.ts';
import { policies } from './policies.ts';
import type { Rule } from './rule.ts';
import { scopes } from './scopes.ts';

/** Every rule, cheapest first; the first that fails is the reason given. */
export const RULES: readonly Rule[] = Object.freeze([authenticated, scopes, policies]);
