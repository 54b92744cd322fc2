import type { Requirement } from '../../supergraph/policy.ts';
import type { Rule, RuleContext } from './rule.ts';
import { RULES } from './rules.ts';

/**
 * Name of the first rule that a requirement fails; null where it is met.
 * Invariant: a rule that throws fails; a requirement that no rule understands fails.
 */
export function failedRule(
  requirement: Requirement,
  context: RuleContext,
  rules: readonly Rule[] = RULES,
): string | null {
  let judged = false;
  for (const rule of rules) {
    if (!rule.applies(requirement)) continue;
    judged = true;
    try {
      if (!rule.holds(requirement, context)) return rule.name;
    } catch {
      // The fault is told by its own name in the decision, and denies.
      return `${rule.name}.fault`;
    }
  }
  return judged ? null : 'unknown-requirement';
}
