import type { FieldCounts } from '../audit/event.ts';
import type { When } from '../operation/condition.ts';
import type { Denial, FieldShape, ObjectShape, TypeWrapper } from '../operation/shape.ts';
import type { SensitiveRule } from '../supergraph/policy.ts';

/** Numbers that are counted for each coordinate. */
export const TALLY_STRIDE = 5;

/** Where the counts of a coordinate begin; those of what has none come first, and are not told. */
export function tallyIndex(slot: number | undefined): number {
  return slot === undefined ? 0 : (slot + 1) * TALLY_STRIDE;
}

/** Decides whether a subgraph's leaf value is one that a scalar or enum has. */
export type LeafCheck = (value: unknown) => boolean;

/** The check of the named scalar or enum. */
export type LeafChecks = (typeName: string) => LeafCheck;

/** An object position with what is the same for every answer worked out. */
export interface CompiledShape {
  /** The one type possible where the position is not abstract. */
  readonly only: CompiledType | null;
  readonly types: ReadonlyMap<string, CompiledType>;
}

/** The answer's root, with what is counted in tables of one entry per type and per coordinate. */
export interface CompiledRoot {
  readonly shape: CompiledShape;
  /** Every type at every position; `index` of each is its place here. */
  readonly types: readonly CompiledType[];
  /** How many coordinates have a slot. */
  readonly slots: number;
  /** Where counting begins, by type and by coordinate: copied for each answer, which costs less than to fill a table. */
  readonly noObjects: readonly number[];
  readonly noCounts: readonly number[];
  /** Of the last answer of which nothing odd was told; null before any. */
  last: LastTally | null;
}

/** What was told of an answer, and what all of it but the sizes follows from. */
export interface LastTally {
  readonly counts: FieldCounts;
  /** How many there were of each type. */
  readonly objects: readonly number[];
  /** Which conditions held. */
  readonly held: readonly boolean[];
}

export interface CompiledType {
  readonly name: string;
  readonly index: number;
  readonly denied: Denial | null;
  readonly fields: readonly CompiledField[];
  readonly weight: number;
  /** Response key of the owner; null where objects belong to no tenant. */
  readonly tenantKey: string | null;
}

export interface CompiledField {
  readonly key: string;
  /** Where its counts begin in a tally. */
  readonly at: number;
  readonly when: When;
  readonly type: TypeWrapper;
  readonly denied: Denial | null;
  /** True where a leaf is answered as it came: neither refused nor masked nor a list. */
  readonly isPlain: boolean;
  /** Null where everybody may see the values. */
  readonly sensitive: SensitiveRule | null;
  /** True for a `__typename` that is not refused: the shape knows it better than a subgraph. */
  readonly isTypename: boolean;
  /** True where every object inherits something of that name, so that only an own property counts. */
  readonly inherited: boolean;
  /** Null for composite types. */
  readonly isLeaf: LeafCheck | null;
  readonly child: CompiledShape | null;
  /** Of each value, where the field says so; null where the type of an object decides. */
  readonly weight: number | null;
}

const compiled = new WeakMap<ObjectShape, { readonly leafChecks: LeafChecks; readonly root: CompiledRoot }>();

/** Compiles a shape once; shapes live as long as their operation, and belong to one schema. */
export function compileShape(shape: ObjectShape, leafChecks: LeafChecks): CompiledRoot {
  const known = compiled.get(shape);
  if (known !== undefined && known.leafChecks === leafChecks) return known.root;
  const compiler = new ShapeCompiler(leafChecks);
  const compiledShape = compiler.shape(shape);
  const { types, slots } = compiler;
  const noObjects = types.map(() => 0);
  const noCounts = Array.from({ length: (slots + 1) * TALLY_STRIDE }, () => 0);
  const root: CompiledRoot = { shape: compiledShape, types, slots, noObjects, noCounts, last: null };
  compiled.set(shape, { leafChecks, root });
  return root;
}

class ShapeCompiler {
  readonly types: CompiledType[] = [];
  slots = 0;
  readonly #leafChecks: LeafChecks;
  readonly #shapes = new Map<ObjectShape, CompiledShape>();

  constructor(leafChecks: LeafChecks) {
    this.#leafChecks = leafChecks;
  }

  shape(shape: ObjectShape): CompiledShape {
    const known = this.#shapes.get(shape);
    if (known !== undefined) return known;
    const types = new Map<string, CompiledType>();
    for (const [name, { denied, fields, weight = 1, tenantKey = null }] of shape.types) {
      const compiledFields = fields.map((field) => this.#field(field));
      const index = this.types.length;
      const type = { name, index, denied, fields: compiledFields, weight, tenantKey };
      this.types.push(type);
      types.set(name, type);
    }
    const only = shape.abstract ? null : (types.values().next().value ?? null);
    const result: CompiledShape = { only, types };
    this.#shapes.set(shape, result);
    return result;
  }

  #field(field: FieldShape): CompiledField {
    const { key, name, when, type, denied, typeName, child, weight, slot, sensitive = null } = field;
    if (slot !== undefined) this.slots = Math.max(this.slots, slot + 1);
    return {
      key,
      at: tallyIndex(slot),
      when,
      type,
      denied,
      isPlain: child === null && denied === null && sensitive === null && type.item === null,
      sensitive,
      isTypename: name === '__typename' && denied === null,
      inherited: key in Object.prototype,
      isLeaf: child === null ? this.#leafChecks(typeName) : null,
      child: child === null ? null : this.shape(child),
      weight: weight ?? (child === null ? 0 : null),
    };
  }
}
