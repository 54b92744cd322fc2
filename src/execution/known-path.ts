import type { FieldShape, ObjectShape, TypeWrapper } from '../operation/shape.ts';
import type { ResponsePath } from './shape-result.ts';

/** Where a path leads that a subgraph told. */
export interface KnownPath {
  readonly path: ResponsePath;
  /** The last field on it; null where it leads to none. */
  readonly field: FieldShape | null;
}

/** The part of a path that follows response keys the client wrote; the rest could carry anything. */
export function knownPath(path: readonly unknown[] | null, shape: ObjectShape): KnownPath {
  const known: (string | number)[] = [];
  let at: ObjectShape | null = shape;
  let last: FieldShape | null = null;
  let item: TypeWrapper | null = null;
  for (const step of Array.isArray(path) ? path : []) {
    if (item !== null && Number.isSafeInteger(step) && step >= 0) {
      known.push(step);
      item = item.item;
      continue;
    }
    const field = fieldAt(at, step);
    if (field === undefined) break;
    known.push(field.key);
    last = field;
    at = field.child;
    item = field.type.item;
  }
  return { path: known, field: last };
}

function fieldAt(shape: ObjectShape | null, key: unknown): FieldShape | undefined {
  for (const type of shape?.types.values() ?? []) {
    const field = type.fields.find((candidate) => candidate.key === key);
    if (field !== undefined) return field;
  }
  return undefined;
}
