import { type ConstValueNode, DirectiveLocation, type DocumentNode, Kind } from 'graphql';
import type { ErrorDetail } from '../errors.ts';
import { type DirectiveUse, directiveUses } from './directive-uses.ts';
import { faultAt } from './fault.ts';
import { directiveNameOf, type Link, ownsDirective } from './link.ts';
import type { CostRules, ListSize } from './policy.ts';
import { COST_IDENTITY } from './specs.ts';

/** The cost rules of a supergraph, and every reason why they are not all that it asks for. */
export interface CostRulesRead {
  readonly rules: CostRules;
  readonly faults: readonly ErrorDetail[];
}

const INT_MAX = 2 ** 31 - 1;
const NAME_PATH = /^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*$/;
const COST_LOCATIONS: ReadonlySet<DirectiveLocation> = new Set([
  DirectiveLocation.ARGUMENT_DEFINITION,
  DirectiveLocation.ENUM,
  DirectiveLocation.FIELD_DEFINITION,
  DirectiveLocation.INPUT_FIELD_DEFINITION,
  DirectiveLocation.OBJECT,
  DirectiveLocation.SCALAR,
]);

/**
 * Reads every `@cost` and `@listSize`, by the names that the link to the cost specification gives them.
 * Invariant: each application of the linked specification ends as a rule or as a fault.
 */
export function readCostRules(document: DocumentNode, links: readonly Link[]): CostRulesRead {
  const weights = new Map<string, number>();
  const listSizes = new Map<string, ListSize>();
  const faults: ErrorDetail[] = [];
  const link = links.find(({ identity }) => identity === COST_IDENTITY);
  if (link === undefined) return { rules: { weights, listSizes }, faults };
  const record = (use: DirectiveUse): string | null => {
    const { coordinate } = use;
    const name = use.node.name.value;
    if (name === directiveNameOf(link, 'cost')) {
      if (weights.has(coordinate)) return 'the weight is given twice';
      const weight = readWeight(use);
      if (typeof weight === 'string') return weight;
      weights.set(coordinate, weight);
      return null;
    }
    if (name !== directiveNameOf(link, 'listSize')) return `${COST_IDENTITY} has no directive of this name`;
    if (listSizes.has(coordinate)) return 'the size is given twice';
    const size = readListSize(use);
    if (typeof size === 'string') return size;
    listSizes.set(coordinate, size);
    return null;
  };
  for (const use of directiveUses(document)) {
    if (!ownsDirective(link, use.node.name.value)) continue;
    const fault = record(use);
    if (fault !== null) faults.push(faultAt(use.node, `${use.coordinate} @${use.node.name.value}: ${fault}`));
  }
  return { rules: Object.freeze({ weights, listSizes }), faults };
}

/** Reads one `@cost`, or says why it means nothing; a negative weight would let one field pay for another. */
function readWeight(use: DirectiveUse): number | string {
  if (!COST_LOCATIONS.has(use.location)) return `a weight on ${use.location} cannot be counted`;
  const [argument, second] = use.node.arguments ?? [];
  if (argument?.name.value !== 'weight' || second !== undefined)
    return 'it takes exactly the argument weight';
  return wholeNumber(argument.value) ?? `weight must be an integer from 0 to ${INT_MAX}`;
}

function readListSize(use: DirectiveUse): ListSize | string {
  if (use.location !== DirectiveLocation.FIELD_DEFINITION) return `a size on ${use.location} means nothing`;
  const given = new Map<string, ConstValueNode>();
  for (const { name, value } of use.node.arguments ?? []) {
    if (given.has(name.value)) return `the argument ${name.value} is given twice`;
    given.set(name.value, value);
  }
  let assumedSize: number | null = null;
  let requireOneSlicingArgument = true;
  const paths: Record<'slicingArguments' | 'sizedFields', readonly (readonly string[])[]> = {
    slicingArguments: [],
    sizedFields: [],
  };
  for (const [name, value] of given) {
    if (name === 'assumedSize') {
      if (value.kind === Kind.NULL) continue;
      assumedSize = wholeNumber(value);
      if (assumedSize === null) return `assumedSize must be an integer from 0 to ${INT_MAX}`;
    } else if (name === 'requireOneSlicingArgument') {
      if (value.kind === Kind.NULL) continue;
      if (value.kind !== Kind.BOOLEAN) return 'requireOneSlicingArgument must be a Boolean';
      requireOneSlicingArgument = value.value;
    } else if (name === 'slicingArguments' || name === 'sizedFields') {
      const read = namePaths(value);
      if (read === null) return `${name} must be a list of names`;
      paths[name] = read;
    } else return `unknown argument ${name}`;
  }
  return Object.freeze({ assumedSize, requireOneSlicingArgument, ...paths });
}

function wholeNumber(value: ConstValueNode): number | null {
  const number = value.kind === Kind.INT ? Number(value.value) : -1;
  return number >= 0 && number <= INT_MAX ? number : null;
}

function namePaths(value: ConstValueNode): (readonly string[])[] | null {
  if (value.kind === Kind.NULL) return [];
  const paths: (readonly string[])[] = [];
  for (const item of value.kind === Kind.LIST ? value.values : [value]) {
    if (item.kind !== Kind.STRING || !NAME_PATH.test(item.value)) return null;
    paths.push(item.value.split('.'));
  }
  return paths;
}
