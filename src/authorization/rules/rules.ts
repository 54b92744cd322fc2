import { authenticated } from './authenticated.ts';
import { policies } from './policies.ts';
import type { Rule } from './rule.ts';
import { scopes } from './scopes.ts';
import { stepUp } from './step-up.ts';

/** Every rule; the first that fails is the reason given: who may not at all is not sent to authenticate anew. */
export const RULES: readonly Rule[] = Object.freeze([authenticated, scopes, policies, stepUp]);
