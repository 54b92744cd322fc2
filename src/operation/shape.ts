import type { SensitiveRule } from '../supergraph/policy.ts';
import type { When } from './condition.ts';

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
  /** Name of the position's type as the schema declares it. */
  readonly typeName: string;
  readonly types: ReadonlyMap<string, ObjectTypeShape>;
}

export interface ObjectTypeShape {
  readonly fields: readonly FieldShape[];
  /** Set where objects of this type become null with an error. */
  readonly denied: Denial | null;
  /** Response key of the owner, in what subgraphs answer, where each object belongs to one tenant. */
  readonly tenantKey?: string;
  /** What each object costs that comes back; 1 where absent. */
  readonly weight?: number;
}

export interface FieldShape {
  readonly key: string;
  readonly name: string;
  readonly when: When;
  readonly type: TypeWrapper;
  /** Name of the leaf or composite type. */
  readonly typeName: string;
  /** Set where the field becomes null. */
  readonly denied: Denial | null;
  /** Null for leaves. */
  readonly child: ObjectShape | null;
  /** What each value costs that comes back, in place of what its type says. */
  readonly weight?: number;
  /** Set where values are masked for those who may not see them. */
  readonly sensitive?: SensitiveRule;
  /** Index of its coordinate among those of the operation; absent for `__typename`, which has none. */
  readonly slot?: number;
}

export interface Denial {
  readonly guard: number;
  readonly coordinate: string;
  /** True where each object tells its own error; false where a removal tells it once for all. */
  readonly perObject: boolean;
}
