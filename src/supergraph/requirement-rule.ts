import { DirectiveLocation, Kind } from 'graphql';
import type { DirectiveUse } from './directive-uses.ts';
import { CONJUNCTIONS_MAX, minimal } from './dnf.ts';
import type { Dnf, Requirement } from './policy.ts';
import { NO_REQUIREMENT } from './requirement.ts';

/** Rules of federation, and the argument that holds what each requires; null where it has none. */
export const RULE_ARGUMENTS: ReadonlyMap<string, 'scopes' | 'policies' | null> = new Map([
  ['authenticated', null],
  ['requiresScopes', 'scopes'],
  ['policy', 'policies'],
]);

/** Longest conjunction of one rule; a principal with more scopes than this is not refused, a schema that asks for more is. */
const NAMES_MAX = 100;

/** Where federation defines its rules. A union has no rule of its own: its members are judged. */
const LOCATIONS: ReadonlySet<DirectiveLocation> = new Set([
  DirectiveLocation.OBJECT,
  DirectiveLocation.INTERFACE,
  DirectiveLocation.FIELD_DEFINITION,
  DirectiveLocation.SCALAR,
  DirectiveLocation.ENUM,
]);

/** Reads one application of a rule of federation, or says why it cannot be enforced as it stands. */
export function readRequirement(use: DirectiveUse, rule: string): Requirement | string {
  if (!LOCATIONS.has(use.location)) return `a rule on ${use.location} cannot be enforced`;
  const wanted = RULE_ARGUMENTS.get(rule) ?? null;
  const given = use.node.arguments ?? [];
  const unknown = given.find(({ name }) => name.value !== wanted);
  if (unknown !== undefined) return `unknown argument ${unknown.name.value}`;
  if (wanted === null) return Object.freeze({ ...NO_REQUIREMENT, authenticated: true });
  const [argument, second] = given;
  if (argument === undefined) return `the argument ${wanted} is missing`;
  if (second !== undefined) return `the argument ${wanted} is given twice`;
  const dnf = readDnf(use, wanted);
  if (typeof dnf === 'string') return dnf;
  return Object.freeze({ ...NO_REQUIREMENT, [wanted]: dnf });
}

/**
 * Reads a list of lists of names.
 * Source: an empty list, outer or inner, composes and would let everyone pass (Apollo Router reads it as true), so it is a fault.
 */
function readDnf(use: DirectiveUse, what: string): Dnf | string {
  const value = use.node.arguments?.[0]?.value;
  if (value?.kind !== Kind.LIST) return `${what} must be a list of lists`;
  if (value.values.length === 0) return `${what} is empty and would let everyone pass`;
  if (value.values.length > CONJUNCTIONS_MAX) return `${what} has more than ${CONJUNCTIONS_MAX} alternatives`;
  const dnf: string[][] = [];
  for (const inner of value.values) {
    if (inner.kind !== Kind.LIST) return `${what} must be a list of lists`;
    if (inner.values.length === 0) return `${what} has an empty alternative, which would let everyone pass`;
    if (inner.values.length > NAMES_MAX) return `${what} has an alternative of more than ${NAMES_MAX} names`;
    const names: string[] = [];
    for (const item of inner.values) {
      if (item.kind !== Kind.STRING) return `${what} must hold strings`;
      if (item.value.trim() === '') return `${what} holds an empty name`;
      names.push(item.value);
    }
    dnf.push(names);
  }
  return minimal(dnf);
}
