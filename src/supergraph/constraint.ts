import {
  type ConstArgumentNode,
  type DocumentNode,
  Kind,
  specifiedScalarTypes,
  type TypeNode,
} from 'graphql';
import type { DirectiveUse } from './directive-uses.ts';
import type { Constraint, ConstraintFormat } from './policy.ts';

/** Longest regular expression a schema may ask to run on every value. Units: UTF-16 code units. */
export const PATTERN_LENGTH_MAX = 500;

const COUNT_MAX = 2 ** 31 - 1;
const COUNTS = ['minLength', 'maxLength', 'minItems', 'maxItems'] as const;
const RANGES = [
  ['minLength', 'maxLength'],
  ['min', 'max'],
  ['minItems', 'maxItems'],
] as const;
const FORMATS: ReadonlySet<string> = new Set<ConstraintFormat>([
  'EMAIL',
  'UUID',
  'URI',
  'DATE',
  'DATE_TIME',
  'IPV4',
  'IPV6',
]);

type Draft = { -readonly [Key in keyof Constraint]: Constraint[Key] };

/** Names of the scalars a document defines itself: any bound may apply to their values. */
export function customScalars(document: DocumentNode): ReadonlySet<string> {
  const builtIn = new Set(specifiedScalarTypes.map(({ name }) => name));
  const names = document.definitions.flatMap((definition) =>
    definition.kind === Kind.SCALAR_TYPE_DEFINITION ? [definition.name.value] : [],
  );
  return new Set(names).difference(builtIn);
}

/** Reads one `@constraint`, or says why it cannot be enforced as it stands. */
export function readConstraint(use: DirectiveUse, scalars: ReadonlySet<string>): Constraint | string {
  const { valueType } = use;
  if (valueType === null || use.typeName.startsWith('@')) {
    return `a constraint on ${use.location} of ${use.typeName} cannot be enforced`;
  }
  const given = use.node.arguments ?? [];
  if (given.length === 0) return 'the constraint bounds nothing';
  const draft: Draft = {};
  const seen = new Set<string>();
  for (const argument of given) {
    if (seen.has(argument.name.value)) return `the argument ${argument.name.value} is given twice`;
    seen.add(argument.name.value);
    const fault = readBound(draft, argument);
    if (fault !== null) return fault;
  }
  return impossible(draft) ?? inapplicable(draft, valueType, scalars) ?? Object.freeze(draft);
}

/**
 * The constraint that holds both.
 * Two different patterns or formats cannot be one, and are told as a fault.
 */
export function bothConstraints(a: Constraint, b: Constraint): Constraint | string {
  const both: Draft = { ...b, ...a };
  for (const [lower, upper] of RANGES) {
    const least = strictest(a[lower], b[lower], Math.max);
    const most = strictest(a[upper], b[upper], Math.min);
    if (least !== undefined) both[lower] = least;
    if (most !== undefined) both[upper] = most;
  }
  for (const key of ['pattern', 'format'] as const) {
    if (a[key] !== undefined && b[key] !== undefined && a[key] !== b[key])
      return `two different values of ${key} meet`;
  }
  return impossible(both) ?? Object.freeze(both);
}

function strictest(
  a: number | undefined,
  b: number | undefined,
  choose: (a: number, b: number) => number,
): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : choose(a, b);
}

/** Adds one argument of the directive to the draft; a fault where its value means nothing. */
function readBound(draft: Draft, { name: { value: name }, value }: ConstArgumentNode): string | null {
  const count = COUNTS.find((key) => key === name);
  if (count !== undefined) {
    const number = value.kind === Kind.INT ? Number(value.value) : -1;
    if (number < 0 || number > COUNT_MAX) return `${name} must be an integer from 0 to ${COUNT_MAX}`;
    draft[count] = number;
    return null;
  }
  if (name === 'min' || name === 'max') {
    const number = value.kind === Kind.INT || value.kind === Kind.FLOAT ? Number(value.value) : Number.NaN;
    if (!Number.isFinite(number)) return `${name} must be a number`;
    draft[name] = number;
    return null;
  }
  if (name === 'format') {
    const format = value.kind === Kind.STRING || value.kind === Kind.ENUM ? value.value : '';
    if (!FORMATS.has(format)) return `format must be one of ${[...FORMATS].join(', ')}`;
    draft.format = format as ConstraintFormat;
    return null;
  }
  if (name !== 'pattern') return `unknown argument ${name}`;
  if (value.kind !== Kind.STRING) return 'pattern must be a string';
  if (value.value.length > PATTERN_LENGTH_MAX) return `pattern is longer than ${PATTERN_LENGTH_MAX}`;
  if (!compiles(value.value)) return 'pattern is not a regular expression of ECMAScript in Unicode mode';
  draft.pattern = `^(?:${value.value})$`;
  return null;
}

function compiles(source: string): boolean {
  try {
    return new RegExp(source, 'u') instanceof RegExp;
  } catch {
    return false;
  }
}

function impossible(draft: Constraint): string | null {
  for (const [lower, upper] of RANGES) {
    const least = draft[lower];
    const most = draft[upper];
    if (least !== undefined && most !== undefined && least > most)
      return `${lower} is above ${upper}: no value can pass`;
  }
  return null;
}

/** A bound that no value of the type could ever be held to would look like protection and be none. */
function inapplicable(draft: Constraint, type: TypeNode, scalars: ReadonlySet<string>): string | null {
  const { name, isList } = unwrapped(type);
  if (!isList && (draft.minItems ?? draft.maxItems) !== undefined) return 'minItems and maxItems need a list';
  const custom = scalars.has(name);
  const bounds = {
    number: draft.min ?? draft.max,
    text: draft.minLength ?? draft.maxLength ?? draft.pattern ?? draft.format,
  };
  if (bounds.number !== undefined && !custom && name !== 'Int' && name !== 'Float') {
    return `min and max cannot be held against ${name}`;
  }
  if (bounds.text !== undefined && !custom && name !== 'String' && name !== 'ID') {
    return `lengths, pattern and format cannot be held against ${name}`;
  }
  return null;
}

function unwrapped(type: TypeNode): { readonly name: string; readonly isList: boolean } {
  if (type.kind === Kind.NAMED_TYPE) return { name: type.name.value, isList: false };
  const inner = unwrapped(type.type);
  return type.kind === Kind.LIST_TYPE ? { ...inner, isList: true } : inner;
}
