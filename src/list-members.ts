import type { ArgumentOutcome } from './audit/event.ts';

/**
 * Digests of the members of lists of ids, by the index of their argument. They stand beside what the audit records of arguments and not in it:
 * detectors of this process count them, and nobody else sees them.
 */
export type MemberDigests = ReadonlyMap<number, readonly string[]>;

const known = new WeakMap<readonly ArgumentOutcome[], MemberDigests>();

/** Keeps the digests of members as long as what is recorded of the arguments. */
export function keepMembers(outcomes: readonly ArgumentOutcome[], members: MemberDigests): void {
  known.set(outcomes, members);
}

/** Null where none of the arguments is a list of ids, or nobody counts them. */
export function membersOf(outcomes: readonly ArgumentOutcome[]): MemberDigests | null {
  return known.get(outcomes) ?? null;
}
