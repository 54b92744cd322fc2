import { type GraphQLSchema, isEnumType } from 'graphql';
import type { LeafCheck, LeafChecks } from './compiled-shape.ts';

const INT_MAX = 2_147_483_647;

const isInt: LeafCheck = (value) =>
  typeof value === 'number' && Number.isInteger(value) && value <= INT_MAX && value >= -INT_MAX - 1;

const BUILT_IN: ReadonlyMap<string, LeafCheck> = new Map([
  ['Int', isInt],
  ['Float', (value) => typeof value === 'number' && Number.isFinite(value)],
  ['String', (value) => typeof value === 'string'],
  ['Boolean', (value) => typeof value === 'boolean'],
  ['ID', (value) => typeof value === 'string' || Number.isInteger(value)],
]);

/**
 * Builds the checks of leaf values for one schema: built-in scalars by kind, enums by the values clients may see, custom
 * scalars freely but for how deep they nest.
 * Source: an enum value hidden by `@inaccessible` must not leak through a subgraph that still answers it.
 */
export function leafChecks(schema: GraphQLSchema): LeafChecks {
  const enums = new Map<string, ReadonlySet<unknown>>();
  for (const type of Object.values(schema.getTypeMap())) {
    if (isEnumType(type)) enums.set(type.name, new Set(type.getValues().map(({ name }) => name)));
  }
  return (typeName) => {
    const values = enums.get(typeName);
    return BUILT_IN.get(typeName) ?? (values === undefined ? isCustom : (value) => values.has(value));
  };
}

/** Nesting of a custom scalar's value; reason: printing JSON recurs, and a value past the stack would cost the whole answer. */
const NESTING_MAX = 500;

function isCustom(value: unknown): boolean {
  return value !== null && value !== undefined && isPrintable(value, 0);
}

function isPrintable(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (depth === NESTING_MAX) return false;
  return Object.values(value).every((item) => isPrintable(item, depth + 1));
}
