import type { When } from './operation.ts';

/** List and null wrapping of a field's type, outermost first. */
export interface TypeWrapper {
  readonly nonNull: boolean;
  /** The item's wrapping where this is a list; null where it is the named type itself. */
  readonly item: TypeWrapper | null;
}

/** What the answer holds at one object position. */
export interface ObjectShape {
  /** True where the position's type is abstract: `__typename` of each object selects its fields. */
  readonly abstract: boolean;
  readonly types: ReadonlyMap<string, ObjectTypeShape>;
}

export interface ObjectTypeShape {
  readonly fields: readonly FieldShape[];
  /** Coordinate refused, where objects of this type become null with an error; null where they stay. */
  readonly denied: DeniedShape | null;
}

export interface FieldShape {
  readonly key: string;
  readonly name: string;
  readonly when: When;
  readonly type: TypeWrapper;
  /** Name of the leaf or composite type. */
  readonly typeName: string;
  readonly denied: DeniedShape | null;
  /** Null for leaves. */
  readonly child: ObjectShape | null;
}

export interface DeniedShape {
  readonly guard: number;
  readonly coordinate: string;
  /** True where the error is told per object; false where a removal already tells it once. */
  readonly report: boolean;
  readonly when: When;
}
