import type { RequiredSelection } from '../../operation/plan.ts';
import { type DataObject, isObject, mergeInto } from './entities.ts';

/**
 * Builds what identifies an object to a subgraph: the required fields that apply to its type. Null where a required field
 * is missing, or nothing applies, so that the object is left as it is.
 * Source: Apollo federation subgraph specification, `_entities`.
 */
export function representationOf(
  entity: DataObject,
  requires: readonly RequiredSelection[],
): DataObject | null {
  const representation = select(entity, requires);
  return representation !== null && typeof representation['__typename'] === 'string' ? representation : null;
}

function select(source: DataObject, selections: readonly RequiredSelection[]): DataObject | null {
  const selected: DataObject = {};
  for (const selection of selections) {
    if (selection.kind === 'fragment') {
      const typeName = source['__typename'];
      if (typeof typeName !== 'string' || !selection.types.includes(typeName)) continue;
      const inner = select(source, selection.selections);
      if (inner === null) continue;
      mergeInto(selected, inner);
      continue;
    }
    const { key } = selection;
    const value = Object.hasOwn(source, key) ? source[key] : undefined;
    if (value === undefined) return null;
    selected[key] = selection.selections === null ? value : selectBelow(value, selection.selections);
  }
  return selected;
}

function selectBelow(value: unknown, selections: readonly RequiredSelection[]): unknown {
  if (Array.isArray(value)) return value.map((item) => selectBelow(item, selections));
  return isObject(value) ? select(value, selections) : null;
}
