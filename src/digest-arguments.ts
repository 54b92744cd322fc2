import { createHmac } from 'node:crypto';
import type { ArgumentOutcome } from './audit/event.ts';
import type { Principal } from './identity/principal.ts';
import { ArgumentReader, OVERSIZED } from './operation/argument-value.ts';
import { conditionHolds, whenApplies } from './operation/condition.ts';
import type { AuditedArgument, CompiledOperation } from './operation/operation.ts';

const DIGEST_CHARS = 22;

/** What the key of these digests is told apart by from others that follow from that of the audit. */
export const ARGUMENT_KEY_PURPOSE = 'audited arguments';

/** The operation and the values of its variables, coerced, before anything is filled in from the principal. */
export interface GivenArguments {
  readonly operation: Pick<CompiledOperation, 'auditedArguments' | 'conditions' | 'coordinates'>;
  readonly variables: Readonly<Record<string, unknown>>;
}

/**
 * What the audit records of the arguments of a request, in the order in which the operation lists them; null where the schema
 * asks for none, which costs nothing.
 * Invariant: no value leaves this function. A digest is equal for equal values of one argument and one tenant, and without the
 * key tells nothing else, whether the value was a literal, a variable or a default.
 */
export function digestArguments(
  { operation, variables }: GivenArguments,
  { tenant }: Pick<Principal, 'tenant'>,
  key: Uint8Array,
): readonly ArgumentOutcome[] | null {
  const { listed } = operation.auditedArguments;
  if (listed.length === 0) return null;
  const held = operation.conditions.map((condition) => conditionHolds(condition, variables));
  const reader = new ArgumentReader(variables);
  return listed.map((argument) => {
    if (!whenApplies(argument.when, held)) return null;
    const text = reader.read(argument.value, argument.fallback);
    if (text === null) return null;
    if (argument.treatment === 'redact') return 'redacted';
    if (text === OVERSIZED) return 'oversized';
    return digestOf(text, { tenant, argument: argumentOf(argument, operation.coordinates) }, key);
  });
}

function argumentOf({ slot, name }: AuditedArgument, coordinates: readonly string[]): string {
  return `${coordinates[slot]}(${name}:)`;
}

/** The argument of a field as `Type.field(name:)`, and whose it was. */
export interface ArgumentDomain {
  readonly tenant: string | null;
  readonly argument: string;
}

/**
 * The digest that the audit has of a value, for who knows it and holds the key; null where the value is one of those that get
 * none.
 */
export function digestArgument(value: unknown, domain: ArgumentDomain, key: Uint8Array): string | null {
  const text = new ArgumentReader({ value }).read({ kind: 'variable', name: 'value' }, null);
  return text === null || text === OVERSIZED ? null : digestOf(text, domain, key);
}

/** The domain is JSON, which tells where it ends: tenant, argument and value cannot be taken for one another. */
function digestOf(text: string, { tenant, argument }: ArgumentDomain, key: Uint8Array): string {
  const domain = JSON.stringify([tenant, argument]);
  return createHmac('sha256', key).update(domain).update(text).digest('base64url').slice(0, DIGEST_CHARS);
}
