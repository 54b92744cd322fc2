import {
  type FieldNode,
  type GraphQLEnumType,
  type GraphQLObjectType,
  type GraphQLOutputType,
  isEnumType,
  isListType,
  isNonNullType,
  isObjectType,
  type SelectionSetNode,
} from 'graphql';
import { PLAIN_SCALARS } from '../../src/operation/plain-coercion.ts';

/** Prints what a field resolved to as JSON; null where that is for the library to complete. */
export type PlainPrint = (value: unknown) => string | null;

/**
 * Makes the printing of what is selected of a type; null where any part of it has a resolver, an argument or a directive of its own, or has
 * several types. Invariant: what it prints is what the library would have made of the same value.
 */
export function plainPrint(
  type: GraphQLOutputType,
  selected: SelectionSetNode | undefined,
): PlainPrint | null {
  if (isNonNullType(type)) {
    const print = plainPrint(type.ofType, selected);
    return print === null ? null : (value) => (value === null || value === undefined ? null : print(value));
  }
  const print = isListType(type) ? listOf(type.ofType, selected) : namedOf(type, selected);
  return print === null ? null : (value) => (value === null || value === undefined ? 'null' : print(value));
}

function listOf(type: GraphQLOutputType, selected: SelectionSetNode | undefined): PlainPrint | null {
  const print = plainPrint(type, selected);
  if (print === null) return null;
  return (value) => {
    if (!Array.isArray(value)) return null;
    let text = '';
    for (const item of value) {
      const printed = print(item);
      if (printed === null) return null;
      text += text === '' ? printed : `,${printed}`;
    }
    return `[${text}]`;
  };
}

function namedOf(type: GraphQLOutputType, selected: SelectionSetNode | undefined): PlainPrint | null {
  if (isObjectType(type)) return objectOf(type, selected);
  if (isEnumType(type)) return enumOf(type);
  const isPlain = PLAIN_SCALARS.get(type);
  return isPlain === undefined ? null : (value) => (isPlain(value) ? JSON.stringify(value) : null);
}

function enumOf(type: GraphQLEnumType): PlainPrint {
  const names = new Map<unknown, string>(type.getValues().map(({ name, value }) => [value, `"${name}"`]));
  return (value) => names.get(value) ?? null;
}

interface Field {
  /** With its colon, and with what stands before it. */
  readonly key: string;
  readonly name: string;
  readonly print: PlainPrint;
}

function objectOf(type: GraphQLObjectType, selected: SelectionSetNode | undefined): PlainPrint | null {
  if (selected === undefined || (type.isTypeOf ?? null) !== null) return null;
  const keys = new Set<string>();
  const fields: Field[] = [];
  for (const selection of selected.selections) {
    const field = plainField(selection);
    if (field === null) return null;
    const key = (field.alias ?? field.name).value;
    const print = fieldOf(type, field);
    // Two of one key would have to be merged.
    if (print === null || keys.has(key)) return null;
    keys.add(key);
    fields.push({ key: `${fields.length === 0 ? '' : ','}"${key}":`, name: field.name.value, print });
  }
  return (value) => {
    // A fault that was not thrown, and what is still to come, are none of the object's type.
    if (typeof value !== 'object' || value === null || value instanceof Error || 'then' in value) return null;
    const source = value as Readonly<Record<string, unknown>>;
    let text = '{';
    for (const { key, name, print } of fields) {
      const printed = print(source[name]);
      if (printed === null) return null;
      text += key + printed;
    }
    return `${text}}`;
  };
}

function fieldOf(type: GraphQLObjectType, { name, selectionSet }: FieldNode): PlainPrint | null {
  if (name.value === '__typename') return () => `"${type.name}"`;
  const field = type.getFields()[name.value];
  if (field === undefined || field.resolve !== undefined) return null;
  return plainPrint(field.type, selectionSet);
}

/** A selection that is a field without arguments, on no condition. */
function plainField(selection: SelectionSetNode['selections'][number]): FieldNode | null {
  if (selection.kind !== 'Field' || (selection.directives ?? []).length > 0) return null;
  return (selection.arguments ?? []).length > 0 ? null : selection;
}
