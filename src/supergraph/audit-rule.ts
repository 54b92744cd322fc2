import { type ConstValueNode, DirectiveLocation, Kind } from 'graphql';
import { implementing } from './carry-interface-rules.ts';
import type { DirectiveUse } from './directive-uses.ts';
import type { Implementations } from './implementations.ts';
import { AUDIT_LEVELS, type AuditLevel, type AuditRule, ownersOf } from './policy.ts';

/** What the directive means where it says no more. Source: its defaults in the specification. */
const USUAL: AuditRule = Object.freeze({ level: 'ACCESS', redact: false });

const LOCATIONS: ReadonlySet<DirectiveLocation> = new Set([
  DirectiveLocation.OBJECT,
  DirectiveLocation.FIELD_DEFINITION,
  DirectiveLocation.ARGUMENT_DEFINITION,
]);

/** Reads one `@audit`, or says why it cannot be obeyed as it stands. */
export function readAudit(use: DirectiveUse): AuditRule | string {
  if (!LOCATIONS.has(use.location) || use.typeName.startsWith('@'))
    return `uses of ${use.location} are not recorded`;
  const given = new Map<string, ConstValueNode>();
  for (const { name, value } of use.node.arguments ?? []) {
    if (name.value !== 'level' && name.value !== 'redact') return `unknown argument ${name.value}`;
    if (given.has(name.value)) return `the argument ${name.value} is given twice`;
    given.set(name.value, value);
  }
  const level = levelOf(given.get('level'));
  if (level === null) return `level must be one of ${AUDIT_LEVELS.join(', ')}`;
  const redact = given.get('redact');
  if (redact !== undefined && redact.kind !== Kind.BOOLEAN) return 'redact must be true or false';
  return Object.freeze({ level, redact: redact?.value ?? USUAL.redact });
}

function levelOf(value: ConstValueNode | undefined): AuditLevel | null {
  if (value === undefined) return USUAL.level;
  return value.kind === Kind.ENUM ? (AUDIT_LEVELS.find((level) => level === value.value) ?? null) : null;
}

/** Adds what interfaces say to their implementations: of both, more is recorded and less of the values. */
export function carryAudit(
  target: Map<string, AuditRule>,
  rules: ReadonlyMap<string, AuditRule>,
  implementations: Implementations,
): void {
  // The rule of a field comes before those of its arguments, so that it is there when they are carried.
  for (const [origin, rule] of rules) {
    for (const coordinate of implementing(origin, implementations)) {
      const own = ownersOf(coordinate).flatMap((owner) => target.get(owner) ?? []);
      const [nearest] = own;
      target.set(coordinate, nearest === undefined ? rule : bothRules(nearest, rule));
    }
  }
}

function bothRules(a: AuditRule, b: AuditRule): AuditRule {
  return Object.freeze({ level: more(a.level, b.level), redact: a.redact || b.redact });
}

function more(a: AuditLevel, b: AuditLevel): AuditLevel {
  return AUDIT_LEVELS.indexOf(a) > AUDIT_LEVELS.indexOf(b) ? a : b;
}
