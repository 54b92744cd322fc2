import { createHmac } from 'node:crypto';
import type { ArgumentOutcome } from './audit/event.ts';
import type { Principal } from './identity/principal.ts';
import { keepMembers } from './list-members.ts';
import { ArgumentReader, OVERSIZED } from './operation/argument-value.ts';
import { conditionHolds, whenApplies } from './operation/condition.ts';
import type { AuditedArgument, CompiledOperation } from './operation/operation.ts';

const DIGEST_CHARS = 22;
/** Members of lists of ids that are digested for one request; reason: a hundredth of a second for a thousand. */
const MEMBERS_MAX = 1_000;

/** What the key of these digests is told apart by from others that follow from that of the audit. */
export const ARGUMENT_KEY_PURPOSE = 'audited arguments';

/** How values are digested. */
export interface ArgumentDigests {
  readonly key: Uint8Array;
  /** Whether somebody counts the members of lists of ids. */
  readonly ofMembers: boolean;
}

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
  { key, ofMembers }: ArgumentDigests,
): readonly ArgumentOutcome[] | null {
  const { listed } = operation.auditedArguments;
  if (listed.length === 0) return null;
  const held = operation.conditions.map((condition) => conditionHolds(condition, variables));
  const reader = new ArgumentReader(variables);
  const members = new Map<number, readonly string[]>();
  let left = ofMembers ? MEMBERS_MAX : 0;
  const outcomes = listed.map((argument, index) => {
    if (!whenApplies(argument.when, held)) return null;
    const text = reader.read(argument.value, argument.fallback);
    if (text === null) return null;
    if (argument.treatment === 'redact') return 'redacted';
    if (text === OVERSIZED) return 'oversized';
    const domain = { tenant, argument: argumentOf(argument, operation.coordinates) };
    if (argument.isId && left > 0 && text.startsWith('[')) {
      const { taken, isCut } = membersIn(text, left);
      const digests = taken.map((member) => digestOf(member, domain, key));
      // Of one that is too long the whole counts too: no list hides behind a beginning that stays the same.
      members.set(index, isCut ? [...digests, digestOf(text, domain, key)] : digests);
      left -= digests.length;
    }
    return digestOf(text, domain, key);
  });
  if (members.size > 0) keepMembers(outcomes, members);
  return outcomes;
}

/** The first members of a list, as canonical as itself; a list in it counts as one. */
function membersIn(
  text: string,
  max: number,
): { readonly taken: readonly string[]; readonly isCut: boolean } {
  const list: readonly unknown[] = JSON.parse(text);
  return { taken: list.slice(0, max).map((member) => JSON.stringify(member)), isCut: list.length > max };
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
