import { AUDIT_LEVELS, type AuditRule, ownersOf, type SecurityPolicy } from '../supergraph/policy.ts';

type AuditPolicy = Pick<SecurityPolicy, 'audit' | 'sensitive'>;

/** Level of what the schema says nothing of. */
const USUAL: AuditRule['level'] = 'ACCESS';

/**
 * What is recorded of a field or an argument: the level that is said nearest to it, and no value where its own rule, its
 * field's or its type's forbids it.
 */
export function auditRuleOf({ audit }: Pick<AuditPolicy, 'audit'>, coordinate: string): AuditRule {
  const said = ownersOf(coordinate).flatMap((owner) => audit.get(owner) ?? []);
  return { level: said[0]?.level ?? USUAL, redact: said.some(({ redact }) => redact) };
}

/**
 * How an argument is recorded: by a digest of its value, as given and no more, or not at all. An argument that is given
 * is itself a use that its own rule may ask for; values are only taken where the level asks for them.
 */
export function treatmentOf(policy: AuditPolicy, coordinate: string): 'digest' | 'redact' | null {
  const { level, redact } = auditRuleOf(policy, coordinate);
  const isDetailed = AUDIT_LEVELS.indexOf(level) >= AUDIT_LEVELS.indexOf('DETAILED');
  if (level === 'NONE' || !(isDetailed || policy.audit.has(coordinate))) return null;
  return redact || !isDetailed || policy.sensitive.has(coordinate) ? 'redact' : 'digest';
}
