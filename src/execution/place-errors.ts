import type { ExecutionError } from './executor.ts';
import type { ResponsePath } from './shape-result.ts';

/** What the errors of a part say of each of its objects, and which of them are about none. */
export interface PlacedErrors {
  /** By object, with paths from it. */
  readonly own: readonly (readonly ExecutionError[])[];
  readonly elsewhere: readonly ExecutionError[];
}

/**
 * Gives each object the errors below it; one that is about all of them, or says not of what, is told with the first.
 * Invariant: takes time by the errors and the objects, not by their product: one fault of a subgraph has a place at each object.
 */
export function placeErrors(
  errors: readonly ExecutionError[],
  objects: readonly { readonly path: ResponsePath }[],
): PlacedErrors {
  const own: ExecutionError[][] = objects.map(() => []);
  const elsewhere: ExecutionError[] = [];
  const firstAt = errors.length === 0 ? new Map<string, number>() : firstBelow(objects);
  for (const error of errors) {
    const path = exactly(error.path ?? []);
    const [at, known] = nearest(path, firstAt);
    const from = objects[at]?.path.length ?? Number.POSITIVE_INFINITY;
    if (from === known) own[at]?.push({ ...error, path: error.path?.slice(from) ?? null });
    else if (known === path.length) own[at]?.push({ ...error, path: null });
    else elsewhere.push(error);
  }
  return { own, elsewhere };
}

/** The first object at or below each path that leads to one. */
function firstBelow(objects: readonly { readonly path: ResponsePath }[]): Map<string, number> {
  const first = new Map<string, number>();
  for (const [index, { path }] of objects.entries()) {
    for (let length = path.length; length >= 0; length -= 1) {
      const key = JSON.stringify(path.slice(0, length));
      if (first.has(key)) break;
      first.set(key, index);
    }
  }
  return first;
}

/** The object at or below the longest part of a path that leads to one, and how long that is. */
function nearest(path: ResponsePath, firstAt: ReadonlyMap<string, number>): readonly [number, number] {
  for (let length = path.length; length >= 0; length -= 1) {
    const at = firstAt.get(JSON.stringify(path.slice(0, length)));
    if (at !== undefined) return [at, length];
  }
  return [-1, -1];
}

/** A path as far as it says which item of a list it means. */
function exactly(path: ResponsePath): ResponsePath {
  const list = path.indexOf('@');
  return list === -1 ? path : path.slice(0, list);
}
