import { type ConstValueNode, DirectiveLocation, Kind } from 'graphql';
import type { DirectiveUse } from './directive-uses.ts';
import type { Requirement, StepUp } from './policy.ts';
import { NO_REQUIREMENT } from './requirement.ts';

const LOCATIONS: ReadonlySet<DirectiveLocation> = new Set([
  DirectiveLocation.OBJECT,
  DirectiveLocation.FIELD_DEFINITION,
]);
const NAMES_MAX = 32;

/** Reads one `@stepUp`, or says why it cannot be enforced as it stands. */
export function readStepUp(use: DirectiveUse): Requirement | string {
  if (!LOCATIONS.has(use.location)) return `a rule on ${use.location} cannot be enforced`;
  const read = {
    acr: null as string[] | null,
    amr: null as string[] | null,
    maxAgeSeconds: null as number | null,
  };
  const seen = new Set<string>();
  for (const { name, value } of use.node.arguments ?? []) {
    const argument = name.value;
    if (seen.has(argument)) return `the argument ${argument} is given twice`;
    seen.add(argument);
    if (argument === 'maxAgeSeconds') {
      const seconds = value.kind === Kind.INT ? Number(value.value) : Number.NaN;
      if (!Number.isSafeInteger(seconds) || seconds < 1)
        return 'maxAgeSeconds must be a whole number of 1 or more';
      read.maxAgeSeconds = seconds;
    } else if (argument === 'acr' || argument === 'amr') {
      const names = readNames(argument, value);
      if (typeof names === 'string') return names;
      read[argument] = names;
    } else return `unknown argument ${argument}`;
  }
  if (seen.size === 0) return 'it asks for nothing, and would let everyone pass';
  const stepUp: StepUp = Object.freeze({ ...read, amr: read.amr ?? [] });
  return Object.freeze({ ...NO_REQUIREMENT, stepUps: Object.freeze([stepUp]) });
}

/** Names in one order, so that rules that mean the same are the same. */
function readNames(what: string, value: ConstValueNode): string[] | string {
  const items = value.kind === Kind.LIST ? value.values : [value];
  if (items.length === 0) return `${what} is empty and would let everyone pass`;
  if (items.length > NAMES_MAX) return `${what} has more than ${NAMES_MAX} names`;
  const names = new Set<string>();
  for (const item of items) {
    if (item.kind !== Kind.STRING) return `${what} must hold strings`;
    // They are told in a header field, between quotation marks and apart by blanks.
    if (!/^[\x21\x23-\x5b\x5d-\x7e]{1,256}$/u.test(item.value))
      return `${what} holds a name that no header field can tell`;
    names.add(item.value);
  }
  return [...names].sort();
}
