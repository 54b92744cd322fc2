import type { FetchStep, RequiredSelection } from '../../operation/plan.ts';
import type { DataObject } from './entities.ts';

/** The key of one type where it is leaves only, as almost every key is: compared and printed without building an object. */
export interface LeafKey {
  /** Response keys in the order of the representation. */
  readonly fields: readonly string[];
  /** JSON of what comes before each value: `{"sku":`, `,"size":`. */
  readonly heads: readonly string[];
  /** The one whose value tells almost all objects of a type apart. */
  readonly first: string;
  /** Those besides it and the type's name. */
  readonly rest: readonly string[];
}

const compiled = new WeakMap<FetchStep, ReadonlyMap<string, LeafKey>>();

/** The leaf keys of a fetch of entities by type name, compiled once; a type whose key needs the general way has none. */
export function leafKeysOf(fetch: FetchStep): ReadonlyMap<string, LeafKey> {
  const known = compiled.get(fetch);
  if (known !== undefined) return known;
  const keys = fetch.inputRewrites.length > 0 ? new Map<string, LeafKey>() : compile(fetch.requires ?? []);
  compiled.set(fetch, keys);
  return keys;
}

function compile(requires: readonly RequiredSelection[]): Map<string, LeafKey> {
  const keys = new Map<string, LeafKey>();
  const general = new Set<string>();
  for (const part of requires) {
    if (part.kind === 'field') return new Map();
    const key = leafKey(part.selections);
    for (const typeName of part.types) {
      // What several parts of a key add up to is not leaves in one order any more.
      if (key === null || keys.has(typeName)) general.add(typeName);
      else keys.set(typeName, key);
    }
  }
  for (const typeName of general) keys.delete(typeName);
  return keys;
}

function leafKey(selections: readonly RequiredSelection[]): LeafKey | null {
  const fields: string[] = [];
  for (const selection of selections) {
    if (selection.kind !== 'field' || selection.selections !== null) return null;
    // Every object inherits something of such a name, which must not pass for its own.
    if (selection.key in Object.prototype || fields.includes(selection.key)) return null;
    fields.push(selection.key);
  }
  const [first, ...rest] = fields.filter((field) => field !== '__typename');
  if (first === undefined || !fields.includes('__typename')) return null;
  const heads = fields.map((field, at) => `${at === 0 ? '{' : ','}${JSON.stringify(field)}:`);
  return { fields, heads, first, rest };
}

/** True where every part of the key is there, and a leaf. */
export function hasLeaves(entity: DataObject, { fields }: LeafKey): boolean {
  for (const field of fields) {
    const value = entity[field];
    if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') return false;
  }
  return true;
}

/** True where both objects, of one type and with the same first value, have the same representation. */
export function sameLeaves(one: DataObject, other: DataObject, { rest }: LeafKey): boolean {
  for (const field of rest) if (one[field] !== other[field]) return false;
  return true;
}

/** The representation of an object whose key is leaves. */
export function printLeaves(entity: DataObject, { fields, heads }: LeafKey): string {
  let members = '';
  for (let at = 0; at < fields.length; at += 1)
    members += heads[at] + JSON.stringify(entity[fields[at] as string]);
  return `${members}}`;
}
