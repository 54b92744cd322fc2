import type { Principal } from '../identity/principal.ts';
import type { Requirement } from '../supergraph/policy.ts';
import { failedRule } from './rules/failed-rule.ts';
import type { Rule, RuleContext } from './rules/rule.ts';
import { RULES } from './rules/rules.ts';

/** What views are judged for: no operation is known where a document is refused or the schema is asked for. */
const ANY_OPERATION = Object.freeze({ hash: '', name: null, type: 'query' });

/** What is known of one principal for one list of requirements: null where it must be judged each time. */
type Lasting = readonly (boolean | null)[];

const known = new WeakMap<readonly Requirement[], WeakMap<Principal, Lasting>>();

/**
 * Judges every requirement for a principal: `1` for each that is held and `0` for the others, in their order.
 * Invariant: only what depends on nothing but the principal is kept; rules that may look at the time, at policies or at
 * anything else are asked again each time, and keep what they can themselves.
 */
export function heldRequirements(
  requirements: readonly Requirement[],
  principal: Principal,
  { policies, nowMs }: Pick<RuleContext, 'policies' | 'nowMs'>,
  rules: readonly Rule[] = RULES,
): string {
  const context = { principal, operation: ANY_OPERATION, policies, nowMs };
  const holds = (requirement: Requirement): boolean => failedRule(requirement, context, rules) === null;
  let lasting = known.get(requirements)?.get(principal);
  if (lasting === undefined) {
    lasting = requirements.map((requirement) =>
      rules.some((rule) => rule.lasting !== true && rule.applies(requirement)) ? null : holds(requirement),
    );
    const principals = known.get(requirements) ?? new WeakMap<Principal, Lasting>();
    known.set(requirements, principals.set(principal, lasting));
  }
  return requirements
    .map((requirement, index) => ((lasting[index] ?? holds(requirement)) ? '1' : '0'))
    .join('');
}
