import type { When } from '../operation/condition.ts';
import type { Denial, FieldShape, ObjectShape, TypeWrapper } from '../operation/shape.ts';

/** Decides whether a subgraph's leaf value is one that the named scalar or enum has. */
export type LeafCheck = (typeName: string, value: unknown) => boolean;

/** An object position with what is the same for every answer worked out. */
export interface CompiledShape {
  /** The one type possible where the position is not abstract. */
  readonly only: CompiledType | null;
  readonly types: ReadonlyMap<string, CompiledType>;
}

export interface CompiledType {
  readonly name: string;
  readonly denied: Denial | null;
  readonly fields: readonly CompiledField[];
  readonly weight: number;
  /** Response key of the owner; null where objects belong to no tenant. */
  readonly tenantKey: string | null;
}

export interface CompiledField {
  readonly key: string;
  readonly when: When;
  readonly type: TypeWrapper;
  readonly denied: Denial | null;
  /** True for a `__typename` that is not refused: the shape knows it better than a subgraph. */
  readonly isTypename: boolean;
  /** True where every object inherits something of that name, so that only an own property counts. */
  readonly inherited: boolean;
  /** Null for composite types. */
  readonly isLeaf: ((value: unknown) => boolean) | null;
  readonly child: CompiledShape | null;
  /** Of each value, where the field says so; null where the type of an object decides. */
  readonly weight: number | null;
}

const compiled = new WeakMap<ObjectShape, { readonly isLeaf: LeafCheck; readonly shape: CompiledShape }>();

/** Compiles a shape once; shapes live as long as their operation, and belong to one schema. */
export function compileShape(shape: ObjectShape, isLeaf: LeafCheck): CompiledShape {
  const known = compiled.get(shape);
  if (known !== undefined && known.isLeaf === isLeaf) return known.shape;
  const types = new Map<string, CompiledType>();
  for (const [name, { denied, fields, weight = 1, tenantKey = null }] of shape.types) {
    const compiledFields = fields.map((field) => compileField(field, isLeaf));
    types.set(name, { name, denied, fields: compiledFields, weight, tenantKey });
  }
  const only = shape.abstract ? null : (types.values().next().value ?? null);
  const result: CompiledShape = { only, types };
  compiled.set(shape, { isLeaf, shape: result });
  return result;
}

function compileField(field: FieldShape, isLeaf: LeafCheck): CompiledField {
  const { key, name, when, type, denied, typeName, child, weight } = field;
  return {
    key,
    when,
    type,
    denied,
    isTypename: name === '__typename' && denied === null,
    inherited: key in Object.prototype,
    isLeaf: child === null ? leafCheckOf(typeName, isLeaf) : null,
    child: child === null ? null : compileShape(child, isLeaf),
    weight: weight ?? (child === null ? 0 : null),
  };
}

/** The commonest leaves without a look-up per value. */
function leafCheckOf(typeName: string, isLeaf: LeafCheck): (value: unknown) => boolean {
  if (typeName === 'String') return isString;
  if (typeName === 'Boolean') return isBoolean;
  return (value) => isLeaf(typeName, value);
}

function isString(value: unknown): boolean {
  return typeof value === 'string';
}

function isBoolean(value: unknown): boolean {
  return typeof value === 'boolean';
}
