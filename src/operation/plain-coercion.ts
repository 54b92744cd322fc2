import {
  GraphQLBoolean,
  GraphQLFloat,
  GraphQLID,
  type GraphQLInputObjectType,
  type GraphQLInputType,
  GraphQLInt,
  GraphQLString,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
} from 'graphql';

/** In place of a value that is not plain. */
export const NOT_PLAIN: unique symbol = Symbol('not plain');

/** Gives what a plain value is coerced to, or `NOT_PLAIN`. */
export type PlainCoercion = (value: unknown) => unknown;

const INT_MAX = 2_147_483_647;
const INT_MIN = -2_147_483_648;

/** Which values of built-in scalars are taken and given as they are; what would be converted, or is refused, is for the library. */
export const PLAIN_SCALARS: ReadonlyMap<unknown, (value: unknown) => boolean> = new Map<
  unknown,
  (value: unknown) => boolean
>([
  [GraphQLString, (value) => typeof value === 'string'],
  [GraphQLID, (value) => typeof value === 'string'],
  [GraphQLBoolean, (value) => typeof value === 'boolean'],
  [GraphQLFloat, (value) => Number.isFinite(value)],
  [
    GraphQLInt,
    (value) => Number.isInteger(value) && (value as number) >= INT_MIN && (value as number) <= INT_MAX,
  ],
]);
const never: PlainCoercion = () => NOT_PLAIN;
/** By type, which is one object as long as its schema is. */
const known = new WeakMap<GraphQLInputType, PlainCoercion>();

/**
 * Makes the coercion of values that need nothing but to be looked at: most do, and the library looks up anew for each value what its type is.
 * Invariant: a result that is not `NOT_PLAIN` is what the library would give; it judges the rest, and names what is wrong.
 */
export function plainCoercion(type: GraphQLInputType): PlainCoercion {
  const before = known.get(type);
  if (before !== undefined) return before;
  // A type that holds itself finds this one, which is whole before any value comes.
  let made: PlainCoercion | null = null;
  known.set(type, (value) => (made === null ? NOT_PLAIN : made(value)));
  made = isNonNullType(type) ? present(plainCoercion(type.ofType)) : nullable(coercionOf(type));
  known.set(type, made);
  return made;
}

function coercionOf(type: GraphQLInputType): PlainCoercion {
  const isTaken = PLAIN_SCALARS.get(type);
  if (isTaken !== undefined) return (value) => (isTaken(value) ? value : NOT_PLAIN);
  if (isListType(type)) return listOf(plainCoercion(type.ofType));
  if (isInputObjectType(type)) return objectOf(type);
  if (!isEnumType(type)) return never;
  const values = new Map<unknown, unknown>(type.getValues().map(({ name, value }) => [name, value]));
  return (value) => (values.has(value) ? values.get(value) : NOT_PLAIN);
}

function present(coerce: PlainCoercion): PlainCoercion {
  return (value) => (value === null || value === undefined ? NOT_PLAIN : coerce(value));
}

function nullable(coerce: PlainCoercion): PlainCoercion {
  return (value) => (value === null ? null : coerce(value));
}

function listOf(coerce: PlainCoercion): PlainCoercion {
  return (value) => {
    if (!Array.isArray(value)) return NOT_PLAIN;
    const items: unknown[] = [];
    for (const item of value) {
      const coerced = coerce(item);
      if (coerced === NOT_PLAIN) return NOT_PLAIN;
      items.push(coerced);
    }
    return items;
  };
}

interface Field {
  readonly name: string;
  readonly coerce: PlainCoercion;
  /** Undefined where there is none. */
  readonly fallback: unknown;
  readonly isRequired: boolean;
}

function objectOf(type: GraphQLInputObjectType): PlainCoercion {
  if (type.isOneOf) return never;
  const fields = Object.values(type.getFields()).map(
    (field): Field => ({
      name: field.name,
      coerce: plainCoercion(field.type),
      fallback: field.defaultValue,
      isRequired: isNonNullType(field.type) && field.defaultValue === undefined,
    }),
  );
  // The library finds what objects inherit.
  if (fields.some(({ name }) => name in Object.prototype)) return never;
  return (value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return NOT_PLAIN;
    const given = value as Readonly<Record<string, unknown>>;
    const coerced: Record<string, unknown> = {};
    let taken = 0;
    for (const { name, coerce, fallback, isRequired } of fields) {
      const field = given[name];
      if (field === undefined) {
        if (isRequired) return NOT_PLAIN;
        if (fallback !== undefined) coerced[name] = fallback;
        continue;
      }
      const result = coerce(field);
      if (result === NOT_PLAIN) return NOT_PLAIN;
      coerced[name] = result;
      taken += 1;
    }
    // A field that the type has not, or one without a value, which no JSON has.
    return Object.keys(given).length === taken ? coerced : NOT_PLAIN;
  };
}
