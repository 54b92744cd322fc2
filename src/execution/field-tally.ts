import type { FieldCounts } from '../audit/event.ts';
import { whenApplies } from '../operation/condition.ts';
import { sameItems } from '../same-items.ts';
import { type CompiledField, type CompiledRoot, type LastTally, tallyIndex } from './compiled-shape.ts';

const RESOLVED = 0;
const NULLS = 1;
const REFUSED = 2;
const ERRORS = 3;
const LENGTH = 4;

const NONE_SEEN: FieldCounts['sensitive'] = Object.freeze({});

/** Length that a number or Boolean counts for. */
const SHORT = 8;

/**
 * Counts what becomes of each coordinate while an answer is shaped. How often a field is answered follows from how many objects
 * of its type there are, so that a field costs nothing and a leaf one addition.
 */
export class FieldTally {
  readonly #root: CompiledRoot;
  readonly #objects: number[];
  readonly #counts: number[];
  /** Whether more is to be told than follows from the objects and the lengths. */
  #isOdd = false;

  constructor(root: CompiledRoot) {
    this.#root = root;
    this.#objects = root.noObjects.slice();
    this.#counts = root.noCounts.slice();
  }

  /** Takes an object by the index of its type. */
  object(index: number): void {
    this.#objects[index] = (this.#objects[index] ?? 0) + 1;
  }

  leaf({ at }: CompiledField, value: unknown): void {
    this.#add(at + LENGTH, typeof value === 'string' ? value.length : lengthOf(value));
  }

  null({ at }: CompiledField): void {
    this.#addOdd(at + NULLS, 1);
  }

  /** Takes that no subgraph answered a field of an object, which is counted nevertheless. */
  absent({ at }: CompiledField): void {
    this.#addOdd(at + RESOLVED, -1);
  }

  /** Takes an object that is refused or withheld, or a value that does not fit, at a field; null for the answer itself. */
  refused(field: CompiledField | null): void {
    this.#addOdd((field?.at ?? 0) + REFUSED, 1);
  }

  error(field: CompiledField | null): void {
    this.#addOdd((field?.at ?? 0) + ERRORS, 1);
  }

  /** Takes an error that a subgraph told of a coordinate. */
  errorAt(slot: number): void {
    this.#addOdd(tallyIndex(slot) + ERRORS, 1);
  }

  /** What was counted, given which conditions hold; one object for answers in a row of which alike is told. */
  counts(held: readonly boolean[]): FieldCounts {
    const { last } = this.#root;
    if (last !== null && !this.#isOdd && this.#isAlike(last, held)) return last.counts;
    for (const type of this.#root.types) {
      const objects = this.#objects[type.index] ?? 0;
      if (objects === 0) continue;
      for (const { at, when, denied } of type.fields) {
        if (whenApplies(when, held)) this.#add(at + (denied === null ? RESOLVED : REFUSED), objects);
      }
    }
    const counts = this.#told();
    if (!this.#isOdd) this.#root.last = { counts, objects: this.#objects, held };
    return counts;
  }

  /** Whether an answer of which nothing odd is told is told like another one: all but the sizes follows from its objects. */
  #isAlike({ counts: { sizes }, objects, held: lastHeld }: LastTally, held: readonly boolean[]): boolean {
    if (!sameItems(objects, this.#objects) || !sameItems(lastHeld, held)) return false;
    for (let slot = 0; slot < sizes.length; slot += 1)
      if (bitsOf(this.#counts[tallyIndex(slot) + LENGTH] ?? 0) !== sizes[slot]) return false;
    return true;
  }

  #told(): FieldCounts {
    const { slots } = this.#root;
    const counts = this.#counts;
    const resolved = new Array<number>(slots);
    const sizes = new Array<number>(slots);
    const exceptions: number[] = [];
    for (let slot = 0; slot < slots; slot += 1) {
      const at = tallyIndex(slot);
      resolved[slot] = counts[at + RESOLVED] ?? 0;
      sizes[slot] = bitsOf(counts[at + LENGTH] ?? 0);
      const nulls = counts[at + NULLS] ?? 0;
      const refused = counts[at + REFUSED] ?? 0;
      const errors = counts[at + ERRORS] ?? 0;
      if (nulls + refused + errors > 0) exceptions.push(slot, nulls, refused, errors);
    }
    return { resolved, sizes, exceptions, sensitive: NONE_SEEN };
  }

  #addOdd(at: number, count: number): void {
    this.#isOdd = true;
    this.#add(at, count);
  }

  #add(at: number, count: number): void {
    this.#counts[at] = (this.#counts[at] ?? 0) + count;
  }
}

function bitsOf(length: number): number {
  return length < 2 ** 31 ? 32 - Math.clz32(length) : 1 + Math.floor(Math.log2(length));
}

/** Custom scalars may hold anything; the shaper has bounded how deep they nest. */
function lengthOf(value: unknown): number {
  if (typeof value === 'string') return value.length;
  if (typeof value !== 'object' || value === null) return SHORT;
  let length = 0;
  for (const item of Object.values(value)) length += lengthOf(item);
  return length;
}
