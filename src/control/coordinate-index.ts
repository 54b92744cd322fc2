import { type GraphQLSchema, isAbstractType, isInterfaceType, isObjectType } from 'graphql';
import type { Tags } from '../supergraph/tags.ts';

/** What of the graph products are made of. */
export interface ProductGraph {
  readonly apiSchema: GraphQLSchema;
  readonly tags: Tags;
}

/** A set of coordinates: one bit for each field of each object type. */
export type CoordinateBits = Uint32Array;

/**
 * Numbers the fields of all object types of a graph, and finds those that a product names.
 * A type stands for all its fields, an interface or its field for those of every object that implements it.
 */
export class CoordinateIndex {
  readonly #graph: ProductGraph;
  readonly #numbers = new Map<string, number>();

  constructor(graph: ProductGraph) {
    this.#graph = graph;
    for (const type of Object.values(graph.apiSchema.getTypeMap())) {
      if (!isObjectType(type) || type.name.startsWith('__')) continue;
      for (const field of Object.keys(type.getFields())) {
        this.#numbers.set(`${type.name}.${field}`, this.#numbers.size);
      }
    }
  }

  /** Number of a concrete coordinate; undefined where the graph has no such field. */
  numberOf(coordinate: string): number | undefined {
    return this.#numbers.get(coordinate);
  }

  /** The coordinates whose numbers are wanted, in the order of the graph. */
  names(isWanted: (number: number) => boolean): readonly string[] {
    return [...this.#numbers].flatMap(([name, number]) => (isWanted(number) ? [name] : []));
  }

  empty(): CoordinateBits {
    return new Uint32Array(Math.ceil(this.#numbers.size / 32));
  }

  /** Adds what coordinates and tags stand for; a name that the graph does not have stands for nothing. */
  add(bits: CoordinateBits, { coordinates, tags }: NamedCoordinates): void {
    for (const coordinate of coordinates) this.#addNamed(bits, coordinate);
    for (const tag of tags) {
      for (const coordinate of this.#graph.tags.get(tag) ?? []) this.#addNamed(bits, coordinate);
    }
  }

  #addNamed(bits: CoordinateBits, coordinate: string): void {
    const [typeName = '', fieldName] = coordinate.split('.');
    const type = this.#graph.apiSchema.getType(typeName);
    const objects = isAbstractType(type) ? this.#graph.apiSchema.getPossibleTypes(type) : [type];
    for (const object of objects) {
      if (!isObjectType(object)) continue;
      const fields = (isInterfaceType(type) ? type : object).getFields();
      const names = fieldName === undefined ? Object.keys(fields) : [fieldName];
      // Objects may have a field that the interface does not.
      for (const name of names.filter((each) => Object.hasOwn(fields, each))) {
        const number = this.#numbers.get(`${object.name}.${name}`);
        if (number !== undefined) addBit(bits, number);
      }
    }
  }
}

/** How a product names its part of the graph. */
export interface NamedCoordinates {
  /** `Type` or `Type.field`. */
  readonly coordinates: readonly string[];
  readonly tags: readonly string[];
}

function addBit(bits: CoordinateBits, number: number): void {
  const word = number >>> 5;
  bits[word] = (bits[word] ?? 0) | (1 << (number & 31));
}

/** Whether a set has a coordinate's number. */
export function hasBit(bits: CoordinateBits, number: number): boolean {
  return ((bits[number >>> 5] ?? 0) & (1 << (number & 31))) !== 0;
}

/** Adds one set to another of the same graph. */
export function addBits(bits: CoordinateBits, more: CoordinateBits): void {
  for (let word = 0; word < bits.length; word += 1) bits[word] = (bits[word] ?? 0) | (more[word] ?? 0);
}
