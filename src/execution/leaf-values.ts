import { type GraphQLSchema, isEnumType } from 'graphql';
import type { LeafCheck } from './compiled-shape.ts';

const INT_MAX = 2_147_483_647;

const isInt = (value: unknown): boolean =>
  typeof value === 'number' && Number.isInteger(value) && value <= INT_MAX && value >= -INT_MAX - 1;

const BUILT_IN: ReadonlyMap<string, (value: unknown) => boolean> = new Map([
  ['Int', isInt],
  ['Float', (value: unknown) => typeof value === 'number' && Number.isFinite(value)],
  ['String', (value: unknown) => typeof value === 'string'],
  ['Boolean', (value: unknown) => typeof value === 'boolean'],
  ['ID', (value: unknown) => typeof value === 'string' || Number.isInteger(value)],
]);

/**
 * Builds the check of leaf values for one schema: built-in scalars by kind, enums by the values clients may see, custom
 * scalars freely but for how deep they nest.
 * Source: an enum value hidden by `@inaccessible` must not leak through a subgraph that still answers it.
 */
export function leafChecks(schema: GraphQLSchema): LeafCheck {
  const enums = new Map<string, ReadonlySet<unknown>>();
  for (const type of Object.values(schema.getTypeMap())) {
    if (isEnumType(type)) enums.set(type.name, new Set(type.getValues().map(({ name }) => name)));
  }
  return (typeName, value) => {
    const builtIn = BUILT_IN.get(typeName);
    if (builtIn !== undefined) return builtIn(value);
    const values = enums.get(typeName);
    if (values !== undefined) return values.has(value);
    return value !== null && value !== undefined && isPrintable(value, 0);
  };
}

/** Nesting of a custom scalar's value; reason: printing JSON recurs, and a value past the stack would cost the whole answer. */
const NESTING_MAX = 500;

function isPrintable(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (depth === NESTING_MAX) return false;
  return Object.values(value).every((item) => isPrintable(item, depth + 1));
}
