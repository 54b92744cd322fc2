import type { ResponsePath } from '../shape-result.ts';
import type { Withheld } from './withheld.ts';

/** An object of the answer being built. Only own properties count: subgraphs choose the names of what they send. */
export type DataObject = Record<string, unknown>;

export function isObject(value: unknown): value is DataObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Collects the objects at a path, in order, lists walked, nulls and what is withheld passed over. */
export function entitiesAt(
  root: DataObject,
  path: readonly string[],
  withheld: Withheld | null = null,
): DataObject[] {
  let level: unknown[] = [root];
  for (const step of path) level = step === '@' ? itemsOf(level) : valuesOf(level, step, withheld);
  return level.filter((value): value is DataObject => isObject(value) && withheld?.(value) !== true);
}

function itemsOf(lists: readonly unknown[]): unknown[] {
  const items: unknown[] = [];
  // A list that the path does not announce is a misfit, as is another value where it announces one; shaping tells both.
  for (const list of lists) if (Array.isArray(list)) for (const item of list) items.push(item);
  return items;
}

function valuesOf(objects: readonly unknown[], key: string, withheld: Withheld | null): unknown[] {
  const values: unknown[] = [];
  // Almost no key is the name of something that all objects inherit, and a plain read costs a third.
  const isInherited = key in Object.prototype;
  for (const object of objects) {
    if (!isObject(object) || withheld?.(object) === true) continue;
    if (!isInherited || Object.hasOwn(object, key)) values.push(object[key]);
  }
  return values;
}

/** The response paths of `entitiesAt`, in the same order; worked out only where an error needs them. */
export function entityPathsAt(
  root: DataObject,
  path: readonly string[],
  withheld: Withheld | null = null,
): ResponsePath[] {
  const found: ResponsePath[] = [];
  const walk = (value: unknown, at: number, trail: ResponsePath): void => {
    if (value === null || typeof value !== 'object') return;
    const step = path[at];
    if (Array.isArray(value)) {
      if (step !== '@') return;
      for (const [index, item] of value.entries()) walk(item, at + 1, [...trail, index]);
    } else if (withheld?.(value as DataObject) === true) {
      // Left out here as it is from the objects.
    } else if (step === undefined) {
      found.push(trail);
    } else if (step !== '@' && Object.hasOwn(value, step)) {
      walk((value as DataObject)[step], at + 1, [...trail, step]);
    }
  };
  walk(root, 0, []);
  return found;
}

/**
 * Merges what a subgraph answered into an object of the answer: objects deeply, lists of equal length item by item,
 * anything else replaced.
 * Source: prototype pollution by a subgraph's `__proto__` key.
 */
export function mergeInto(target: DataObject, source: DataObject): void {
  // Sources come from JSON: nothing they inherit can be enumerated.
  for (const key in source) {
    const value = source[key];
    if (key === '__proto__' || value === undefined) continue;
    // What a target inherits are functions, which are neither object nor list and so give way.
    if (typeof value !== 'object' || value === null || !isMergeable(target[key], value)) target[key] = value;
  }
}

/** Merges in place where both sides are objects or lists of one length; false where the new value must replace. */
function isMergeable(present: unknown, value: unknown): boolean {
  if (isObject(present)) {
    if (!isObject(value)) return false;
    if (present !== value) mergeInto(present, value);
    return true;
  }
  if (!Array.isArray(present) || !Array.isArray(value) || present.length !== value.length) return false;
  for (const [index, item] of value.entries()) {
    if (!isMergeable(present[index], item)) present[index] = item;
  }
  return true;
}

/** Copies JSON data deeply. */
export function copyOf<T>(value: T): T {
  if (Array.isArray(value)) return value.map(copyOf) as T;
  if (!isObject(value)) return value;
  const copy: DataObject = {};
  for (const key of Object.keys(value)) if (key !== '__proto__') copy[key] = copyOf(value[key]);
  return copy as T;
}
