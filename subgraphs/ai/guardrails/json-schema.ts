import { compilePattern, type LinearPattern } from './linear-pattern.ts';
import { hasFormat } from './text-formats.ts';

/** Deepest nesting of values and references that is followed. */
const DEPTH_MAX = 64;
/** Most steps of one validation; alternatives within alternatives multiply. */
const STEPS_MAX = 200_000;

/** Going through so much of a text takes as long as a step. Units: UTF-16 code units. */
const CHARACTERS_PER_STEP = 16;
/** Making a state of a pattern takes as long as so many steps. */
const STEPS_PER_COST = 10;

type Schema = Readonly<Record<string, unknown>>;
type Rule = (value: unknown, schema: Schema, at: Walk) => boolean;

interface Walk {
  readonly root: unknown;
  readonly depth: number;
  readonly budget: { steps: number };
  readonly patterns: Map<string, LinearPattern>;
}

/**
 * Whether a value follows a JSON Schema, by the keywords that models are asked by. A `pattern` is a program of the caller's: only such are run
 * as never go back, and each state that they visit is a step. Invariant: bounded steps, long texts and lists being many; what cannot be judged
 * within them does not follow.
 * Source: JSON Schema 2020-12, core and validation.
 */
export function followsSchema(value: unknown, schema: unknown): boolean {
  try {
    const budget = { steps: STEPS_MAX };
    return follows(value, schema, { root: schema, depth: 0, budget, patterns: new Map() });
  } catch (fault) {
    // Of a value that is nested too deeply to be compared, the engine says the same; a pattern that is not run is one, too.
    if (fault instanceof RangeError) return false;
    throw fault;
  }
}

function follows(value: unknown, schema: unknown, walk: Walk): boolean {
  const at = { ...walk, depth: walk.depth + 1 };
  if (at.depth > DEPTH_MAX) throw new RangeError('nested too deeply');
  if (typeof schema === 'boolean') return schema;
  if (!isObject(schema)) return false;
  spend(
    at,
    Object.values(schema).reduce((sum: number, part) => sum + widthOf(part), 1 + widthOf(value)),
  );
  return RULES.every(([keyword, rule]) => !Object.hasOwn(schema, keyword) || rule(value, schema, at));
}

/** Not a mere false: what is within a `not` would then follow. Throws: RangeError. */
function spend({ budget }: Walk, steps: number): void {
  budget.steps -= steps;
  if (budget.steps < 0) throw new RangeError('too many steps');
}

/** How much there is to go through of a value itself, and not of what it holds. Units: steps. */
function widthOf(value: unknown): number {
  if (typeof value === 'string') return Math.ceil(value.length / CHARACTERS_PER_STEP);
  if (Array.isArray(value)) return value.length;
  return isObject(value) ? Object.keys(value).length : 0;
}

const TYPES: ReadonlyMap<unknown, (value: unknown) => boolean> = new Map<
  unknown,
  (value: unknown) => boolean
>([
  ['object', isObject],
  ['array', Array.isArray],
  ['string', (value) => typeof value === 'string'],
  ['number', (value) => typeof value === 'number'],
  ['integer', (value) => Number.isInteger(value)],
  ['boolean', (value) => typeof value === 'boolean'],
  ['null', (value) => value === null],
]);

const RULES: readonly (readonly [string, Rule])[] = [
  ['$ref', (value, { $ref }, at) => follows(value, resolve(at.root, $ref), at)],
  ['type', (value, { type }) => listOf(type).some((name) => TYPES.get(name)?.(value) === true)],
  ['enum', isListed],
  ['const', (value, schema, at) => canonical(schema['const'], at) === canonical(value, at)],
  ['allOf', (value, { allOf }, at) => listOf(allOf).every((each) => follows(value, each, at))],
  ['anyOf', (value, { anyOf }, at) => listOf(anyOf).some((each) => follows(value, each, at))],
  ['oneOf', (value, { oneOf }, at) => listOf(oneOf).filter((each) => follows(value, each, at)).length === 1],
  ['not', (value, { not }, at) => !follows(value, not, at)],
  [
    'required',
    (value, { required }) =>
      !isObject(value) || listOf(required).every((name) => Object.hasOwn(value, String(name))),
  ],
  ['properties', (value, schema, at) => !isObject(value) || hasProperties(value, schema, at)],
  ['patternProperties', (value, schema, at) => !isObject(value) || hasPatterned(value, schema, at)],
  ['additionalProperties', (value, schema, at) => !isObject(value) || hasAdditional(value, schema, at)],
  [
    'minProperties',
    (value, schema) => !isObject(value) || Object.keys(value).length >= Number(schema['minProperties']),
  ],
  [
    'maxProperties',
    (value, schema) => !isObject(value) || Object.keys(value).length <= Number(schema['maxProperties']),
  ],
  [
    'prefixItems',
    (value, { prefixItems }, at) =>
      !Array.isArray(value) ||
      listOf(prefixItems).every((each, index) => index >= value.length || follows(value[index], each, at)),
  ],
  [
    'items',
    (value, schema, at) =>
      !Array.isArray(value) ||
      value
        .slice(listOf(schema['prefixItems'] ?? []).length)
        .every((each) => follows(each, schema['items'], at)),
  ],
  ['minItems', (value, { minItems }) => !Array.isArray(value) || value.length >= Number(minItems)],
  ['maxItems', (value, { maxItems }) => !Array.isArray(value) || value.length <= Number(maxItems)],
  [
    'uniqueItems',
    (value, { uniqueItems }, at) =>
      uniqueItems !== true ||
      !Array.isArray(value) ||
      new Set(value.map((each) => canonical(each, at))).size === value.length,
  ],
  [
    'minLength',
    (value, { minLength }) => typeof value !== 'string' || [...value].length >= Number(minLength),
  ],
  [
    'maxLength',
    (value, { maxLength }) => typeof value !== 'string' || [...value].length <= Number(maxLength),
  ],
  ['pattern', (value, { pattern }, at) => typeof value !== 'string' || isMatched(value, pattern, at)],
  ['format', (value, { format }) => typeof value !== 'string' || hasFormat(value, format)],
  ['minimum', (value, { minimum }) => typeof value !== 'number' || value >= Number(minimum)],
  ['maximum', (value, { maximum }) => typeof value !== 'number' || value <= Number(maximum)],
  [
    'exclusiveMinimum',
    (value, schema) => typeof value !== 'number' || value > Number(schema['exclusiveMinimum']),
  ],
  [
    'exclusiveMaximum',
    (value, schema) => typeof value !== 'number' || value < Number(schema['exclusiveMaximum']),
  ],
  [
    'multipleOf',
    (value, { multipleOf }) => typeof value !== 'number' || Number.isInteger(value / Number(multipleOf)),
  ],
];

function isListed(value: unknown, schema: Schema, at: Walk): boolean {
  const listed = listOf(schema['enum']);
  if (typeof value !== 'object' || value === null) return listed.includes(value);
  const text = canonical(value, at);
  return listed.some((each) => canonical(each, at) === text);
}

function hasProperties(value: Schema, { properties }: Schema, at: Walk): boolean {
  if (!isObject(properties)) return false;
  return Object.keys(properties).every(
    (name) => !Object.hasOwn(value, name) || follows(value[name], properties[name], at),
  );
}

function hasPatterned(value: Schema, { patternProperties }: Schema, at: Walk): boolean {
  if (!isObject(patternProperties)) return false;
  return Object.entries(patternProperties).every(([pattern, schema]) =>
    Object.keys(value).every((name) => !isMatched(name, pattern, at) || follows(value[name], schema, at)),
  );
}

function hasAdditional(value: Schema, schema: Schema, at: Walk): boolean {
  const { properties, patternProperties, additionalProperties } = schema;
  const named = isObject(properties) ? properties : {};
  const patterns = isObject(patternProperties) ? Object.keys(patternProperties) : [];
  return Object.keys(value).every(
    (name) =>
      Object.hasOwn(named, name) ||
      patterns.some((pattern) => isMatched(name, pattern, at)) ||
      follows(value[name], additionalProperties, at),
  );
}

/** Throws: RangeError. */
function isMatched(text: string, pattern: unknown, at: Walk): boolean {
  if (typeof pattern !== 'string') return false;
  let known = at.patterns.get(pattern);
  if (known === undefined) {
    known = compilePattern(pattern);
    at.patterns.set(pattern, known);
    spend(at, known.cost * STEPS_PER_COST);
  }
  // Its characters are told apart before the first of them is looked at.
  spend(at, widthOf(text));
  return known.matches(text, (visits) => spend(at, visits));
}

/** Places of the same schema only. Source: RFC 6901. */
function resolve(root: unknown, reference: unknown): unknown {
  if (typeof reference !== 'string' || !/^#(?:\/|$)/u.test(reference)) return false;
  let found: unknown = root;
  for (const step of reference.slice(1).split('/').slice(1)) {
    const name = step.replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, name)) return false;
    found = (found as Schema)[name];
  }
  return found;
}

function isObject(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [value];
}

/** Equal for equal values, whatever the order of their names. Throws: RangeError. */
function canonical(value: unknown, at: Walk): string {
  const text = JSON.stringify(value, (_, part: unknown) =>
    isObject(part)
      ? Object.fromEntries(Object.entries(part).sort(([one], [other]) => (one < other ? -1 : 1)))
      : part,
  );
  spend(at, Math.ceil(text.length / CHARACTERS_PER_STEP));
  return text;
}
