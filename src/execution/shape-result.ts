import type { FieldCounts } from '../audit/event.ts';
import { type Condition, conditionHolds, whenApplies } from '../operation/condition.ts';
import type { Denial, ObjectShape, TypeWrapper } from '../operation/shape.ts';
import { type CompiledField, type CompiledShape, compileShape, type LeafChecks } from './compiled-shape.ts';
import { FieldTally } from './field-tally.ts';
import { isMasked, type Masking, maskText } from './mask-value.ts';
import { belongsTo } from './tenant.ts';

export type ResponsePath = readonly (string | number)[];

export interface ShapingInput {
  readonly shape: ObjectShape;
  readonly conditions: readonly Condition[];
  readonly variables: Readonly<Record<string, unknown>>;
  readonly leafChecks: LeafChecks;
  /** What the caller may see of sensitive values. */
  readonly masking: Masking;
  /** Indexes of coordinates that subgraphs told errors of. */
  readonly failedSlots: readonly number[];
  /** Tenant of the caller; objects of no other tenant leave, and none at all that belongs to one where it is null. */
  readonly tenant: string | null;
}

export interface ShapedResult {
  readonly data: Record<string, unknown> | null;
  /** Paths refused once their object's type was known. */
  readonly refused: readonly { readonly path: ResponsePath; readonly denial: Denial }[];
  /** Paths where a subgraph's value does not fit the schema. */
  readonly misfits: readonly ResponsePath[];
  /** Paths of objects that do not belong to the caller's tenant. */
  readonly foreign: readonly ResponsePath[];
  /** How many there were, those whose path is not told included. */
  readonly foreignObjects: number;
  /** What the objects and values that came back cost, the root not counted. */
  readonly cost: number;
  /** What became of each coordinate; null where nothing ran. */
  readonly counts: FieldCounts | null;
}

/** Paths of each kind that are told; reason: a list may hold a million wrong items, and each error is larger than its item. */
export const TOLD_MAX = 1_000;

/** Stands for a value that is not there, on its way up to the first position that may be null. */
const INVALID = Symbol('invalid');

/**
 * Turns what the subgraphs answered into what the client asked for: only selected keys in their order, refused ones null,
 * values held to the schema, objects of another tenant withheld, nulls propagated.
 * Source: GraphQL specification, 6.4.3 value completion; subgraph data is hostile, so only own properties are read.
 */
export function shapeResult(data: Readonly<Record<string, unknown>>, input: ShapingInput): ShapedResult {
  const root = compileShape(input.shape, input.leafChecks);
  const shaper = new Shaper(input, new FieldTally(root));
  const shaped = shaper.object(data, root.shape, null);
  return {
    data: shaped === INVALID ? null : (shaped as Record<string, unknown> | null),
    refused: shaper.refused,
    misfits: shaper.misfits,
    foreign: shaper.foreign,
    foreignObjects: shaper.foreignObjects,
    cost: Math.min(shaper.cost, Number.MAX_SAFE_INTEGER),
    counts: shaper.counts(input.failedSlots),
  };
}

class Shaper {
  readonly refused: { path: ResponsePath; denial: Denial }[] = [];
  readonly misfits: ResponsePath[] = [];
  readonly foreign: ResponsePath[] = [];
  foreignObjects = 0;
  cost = 0;
  readonly #tenant: string | null;
  readonly #held: readonly boolean[];
  readonly #tally: FieldTally;
  readonly #masking: Masking;
  /** Where the shaper is; copied only where an error needs it. */
  readonly #path: (string | number)[] = [];

  constructor({ conditions, variables, tenant, masking }: ShapingInput, tally: FieldTally) {
    this.#masking = masking;
    this.#tenant = tenant;
    this.#tally = tally;
    this.#held = conditions.map((condition) => conditionHolds(condition, variables));
  }

  counts(failedSlots: readonly number[]): FieldCounts {
    for (const slot of failedSlots) this.#tally.errorAt(slot);
    return this.#tally.counts(this.#held);
  }

  /** Shapes the object that a field holds; null for the root. */
  object(value: unknown, shape: CompiledShape, holder: CompiledField | null): unknown {
    if (value === null || typeof value !== 'object' || Array.isArray(value)) return this.#misfit(holder);
    const source = value as Record<string, unknown>;
    const type = shape.only ?? typeOf(source, shape);
    if (type === undefined) return this.#misfit(holder);
    if (holder !== null) this.cost += holder.weight ?? type.weight;
    if (type.denied !== null) return this.#refuseObject(type.denied, holder);
    if (type.tenantKey !== null && !belongsTo(source[type.tenantKey], this.#tenant))
      return this.#withhold(holder);
    this.#tally.object(type.index);
    // Aliases that begin with "__" are refused, so no key is one that an object literal treats specially.
    const result: Record<string, unknown> = {};
    for (const field of type.fields) {
      if (field.when !== null && !whenApplies(field.when, this.#held)) continue;
      const item = field.isTypename ? type.name : this.#field(source, field);
      if (item === INVALID) {
        this.#skip(type.fields.slice(type.fields.indexOf(field) + 1), source);
        return INVALID;
      }
      result[field.key] = item;
    }
    return result;
  }

  /** Fields that are not looked at any more, since a null takes the whole object: answered is what is there. */
  #skip(fields: readonly CompiledField[], source: Record<string, unknown>): void {
    for (const field of fields) {
      const isAsked = field.denied === null && whenApplies(field.when, this.#held);
      if (isAsked && !(Object.hasOwn(source, field.key) && source[field.key] !== undefined))
        this.#tally.absent(field);
    }
  }

  #field(source: Record<string, unknown>, field: CompiledField): unknown {
    const { key, type } = field;
    const value = field.inherited && !Object.hasOwn(source, key) ? undefined : source[key];
    if (field.isPlain && field.isLeaf?.(value) === true) {
      if (field.weight !== null && value !== null) this.cost += field.weight;
      this.#tally.leaf(field, value);
      return value;
    }
    this.#path.push(key);
    const item = field.denied === null ? this.#complete(value, type, field) : this.#refuse(field.denied);
    this.#path.pop();
    if (field.denied === null && value === undefined) this.#tally.absent(field);
    else if (field.denied === null && item === null) this.#tally.null(field);
    return item === INVALID && !type.nonNull ? null : item;
  }

  #complete(value: unknown, type: TypeWrapper, field: CompiledField): unknown {
    if (value === undefined || value === null) return type.nonNull ? this.#misfit(field) : null;
    // What nobody sees is not looked at either, so that nothing of it shows.
    if (field.sensitive?.mask === 'FULL' && !type.nonNull && isMasked(field.sensitive.classes, this.#masking))
      return null;
    const completed = type.item === null ? this.#named(value, field) : this.#list(value, type.item, field);
    return completed === INVALID && !type.nonNull ? null : completed;
  }

  #named(value: unknown, field: CompiledField): unknown {
    if (field.child !== null) return this.object(value, field.child, field);
    if (field.isLeaf?.(value) !== true) return this.#misfit(field);
    if (field.weight !== null) this.cost += field.weight;
    this.#tally.leaf(field, value);
    if (field.sensitive === null || !isMasked(field.sensitive.classes, this.#masking)) return value;
    return maskText(field.sensitive.mask, String(value), this.#masking);
  }

  #list(value: unknown, item: TypeWrapper, field: CompiledField): unknown {
    if (!Array.isArray(value)) return this.#misfit(field);
    const items: unknown[] = [];
    for (let index = 0; index < value.length; index += 1) {
      this.#path.push(index);
      const completed = this.#complete(value[index], item, field);
      this.#path.pop();
      if (completed === INVALID) return INVALID;
      items.push(completed);
    }
    return items;
  }

  #refuseObject(denial: Denial, holder: CompiledField | null): typeof INVALID {
    this.#tally.refused(holder);
    return this.#refuse(denial);
  }

  #refuse(denial: Denial): typeof INVALID {
    if (denial.perObject && this.refused.length < TOLD_MAX)
      this.refused.push({ path: [...this.#path], denial });
    return INVALID;
  }

  /** Nothing below the object is looked at, so that nothing of it shows. */
  #withhold(holder: CompiledField | null): typeof INVALID {
    this.#tally.error(holder);
    this.foreignObjects += 1;
    if (this.foreign.length < TOLD_MAX) this.foreign.push([...this.#path]);
    return INVALID;
  }

  #misfit(at: CompiledField | null): typeof INVALID {
    this.#tally.error(at);
    if (this.misfits.length < TOLD_MAX) this.misfits.push([...this.#path]);
    return INVALID;
  }
}

function typeOf(
  source: Record<string, unknown>,
  shape: CompiledShape,
): ReturnType<CompiledShape['types']['get']> {
  const typeName = Object.hasOwn(source, '__typename') ? source['__typename'] : undefined;
  return typeof typeName === 'string' ? shape.types.get(typeName) : undefined;
}
