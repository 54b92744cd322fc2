import { compilePattern } from './linear-pattern.ts';
import { PatternRefusedError } from './pattern-syntax.ts';

type Json = Readonly<Record<string, unknown>>;

/** Of all patterns of one schema together, with what making them takes. */
const STATES_MAX = 10_000;
/** Keywords whose value is a schema, a list of schemas, or schemas by name. */
const SCHEMA: readonly string[] = ['items', 'additionalProperties', 'not'];
const SCHEMAS: readonly string[] = ['allOf', 'anyOf', 'oneOf', 'prefixItems'];
const NAMED: readonly string[] = ['properties', 'patternProperties', '$defs', 'definitions'];

/** Why answers cannot be held to the patterns of a schema; null where they can. */
export function patternFault(schema: unknown): string | null {
  let left = STATES_MAX;
  try {
    for (const pattern of patternsOf(schema)) {
      left -= compilePattern(pattern).cost;
      if (left < 0)
        throw new PatternRefusedError(`all patterns together have more than ${STATES_MAX} states`);
    }
    return null;
  } catch (fault) {
    if (fault instanceof PatternRefusedError) return fault.message;
    throw fault;
  }
}

/** Whether two schemas have the same patterns, wherever they stand. */
export function samePatterns(one: unknown, other: unknown): boolean {
  const [first, second] = [one, other].map((schema) => JSON.stringify([...patternsOf(schema)].sort()));
  return first === second;
}

function* patternsOf(schema: unknown): Generator<string> {
  const stack: unknown[] = [schema];
  while (stack.length > 0) {
    const part = stack.pop();
    if (!isObject(part)) continue;
    const { pattern, patternProperties } = part;
    if (typeof pattern === 'string') yield pattern;
    if (isObject(patternProperties)) yield* Object.keys(patternProperties);
    for (const keyword of SCHEMA) stack.push(part[keyword]);
    for (const keyword of SCHEMAS) if (Array.isArray(part[keyword])) stack.push(...part[keyword]);
    for (const keyword of NAMED) if (isObject(part[keyword])) stack.push(...Object.values(part[keyword]));
  }
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
