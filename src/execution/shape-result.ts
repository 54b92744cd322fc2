import { type Condition, conditionHolds, whenApplies } from '../operation/condition.ts';
import type { Denial, FieldShape, ObjectShape, TypeWrapper } from '../operation/shape.ts';

export type ResponsePath = readonly (string | number)[];

/** Decides whether a subgraph's leaf value is one that the named scalar or enum has. */
export type LeafCheck = (typeName: string, value: unknown) => boolean;

export interface ShapingInput {
  readonly shape: ObjectShape;
  readonly conditions: readonly Condition[];
  readonly variables: Readonly<Record<string, unknown>>;
  readonly isLeaf: LeafCheck;
}

export interface ShapedResult {
  readonly data: Record<string, unknown> | null;
  /** Paths refused once their object's type was known. */
  readonly refused: readonly { readonly path: ResponsePath; readonly denial: Denial }[];
  /** Paths where a subgraph's value does not fit the schema. */
  readonly misfits: readonly ResponsePath[];
}

/** Stands for a value that is not there, on its way up to the first position that may be null. */
const INVALID = Symbol('invalid');

/**
 * Turns what the subgraphs answered into what the client asked for: only selected keys in their order, refused ones null,
 * values held to the schema, nulls propagated.
 * Source: GraphQL specification, 6.4.3 value completion; subgraph data is hostile, so only own properties are read.
 */
export function shapeResult(data: Readonly<Record<string, unknown>>, input: ShapingInput): ShapedResult {
  const shaper = new Shaper(input);
  const shaped = shaper.object(data, input.shape, null);
  return {
    data: shaped === INVALID ? null : (shaped as Record<string, unknown> | null),
    refused: shaper.refused,
    misfits: shaper.misfits,
  };
}

/** The way to a value, innermost first; turned into a path only where an error needs one. */
interface Trail {
  readonly step: string | number;
  readonly above: Trail | null;
}

class Shaper {
  readonly refused: { path: ResponsePath; denial: Denial }[] = [];
  readonly misfits: ResponsePath[] = [];
  readonly #held: readonly boolean[];
  readonly #isLeaf: LeafCheck;

  constructor({ conditions, variables, isLeaf }: ShapingInput) {
    this.#held = conditions.map((condition) => conditionHolds(condition, variables));
    this.#isLeaf = isLeaf;
  }

  object(value: unknown, shape: ObjectShape, trail: Trail | null): unknown {
    if (value === null || typeof value !== 'object' || Array.isArray(value)) return this.#misfit(trail);
    const source = value as Record<string, unknown>;
    const typeName = shape.abstract ? own(source, '__typename') : shape.types.keys().next().value;
    const type = typeof typeName === 'string' ? shape.types.get(typeName) : undefined;
    if (type === undefined) return this.#misfit(trail);
    if (type.denied !== null) return this.#refuse(type.denied, trail);
    const result: Record<string, unknown> = Object.create(null);
    for (const field of type.fields) {
      if (!whenApplies(field.when, this.#held)) continue;
      // The planner leaves out what it can tell itself: the name of an object's type is known here.
      const item =
        field.name === '__typename'
          ? typeName
          : this.#field(source, field, { step: field.key, above: trail });
      if (item === INVALID) return INVALID;
      result[field.key] = item;
    }
    return result;
  }

  #field(source: Record<string, unknown>, field: FieldShape, trail: Trail): unknown {
    if (field.denied === null) return this.#complete(own(source, field.key), field.type, { field, trail });
    this.#refuse(field.denied, trail);
    return field.type.nonNull ? INVALID : null;
  }

  #complete(
    value: unknown,
    type: TypeWrapper,
    at: { readonly field: FieldShape; readonly trail: Trail },
  ): unknown {
    if (value === undefined || value === null) {
      if (!type.nonNull) return null;
      return this.#misfit(at.trail);
    }
    const completed = this.#present(value, type, at);
    return completed === INVALID && !type.nonNull ? null : completed;
  }

  #present(
    value: unknown,
    type: TypeWrapper,
    at: { readonly field: FieldShape; readonly trail: Trail },
  ): unknown {
    const { field, trail } = at;
    if (type.item === null) {
      if (field.child !== null) return this.object(value, field.child, trail);
      return this.#isLeaf(field.typeName, value) ? value : this.#misfit(trail);
    }
    if (!Array.isArray(value)) return this.#misfit(trail);
    const items: unknown[] = [];
    for (let index = 0; index < value.length; index += 1) {
      const item = this.#complete(value[index], type.item, { field, trail: { step: index, above: trail } });
      if (item === INVALID) return INVALID;
      items.push(item);
    }
    return items;
  }

  #refuse(denial: Denial, trail: Trail | null): typeof INVALID {
    if (denial.perObject) this.refused.push({ path: pathOf(trail), denial });
    return INVALID;
  }

  #misfit(trail: Trail | null): typeof INVALID {
    this.misfits.push(pathOf(trail));
    return INVALID;
  }
}

function own(source: Record<string, unknown>, key: string): unknown {
  return Object.hasOwn(source, key) ? source[key] : undefined;
}

function pathOf(trail: Trail | null): ResponsePath {
  const path: (string | number)[] = [];
  for (let at = trail; at !== null; at = at.above) path.push(at.step);
  return path.reverse();
}
