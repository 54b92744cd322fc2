import { LRUCache } from 'lru-cache';
import {
  addBits,
  type CoordinateBits,
  CoordinateIndex,
  hasBit,
  type NamedCoordinates,
  type ProductGraph,
} from './coordinate-index.ts';
import type { Grant, Offer } from './grant.ts';
import type { ProductFacts } from './snapshot.ts';

/** What of the graph is reached without a subscription. */
export interface OpenCoordinates {
  readonly open: NamedCoordinates;
  /** Whether what no product holds is open too. */
  readonly uncovered: 'permit' | 'deny';
}

/** Sets of products whose grants are held; more are made again when they are asked for. */
export const GRANTS_MAX = 10_000;
/** Offers named in one refusal. */
const OFFERS_MAX = 10;

interface CompiledProduct {
  readonly facts: ProductFacts;
  readonly bits: CoordinateBits;
}

/** Products compiled to sets of coordinates of one graph; grants are made of them as callers come. */
export class Grants {
  readonly #index: CoordinateIndex;
  readonly #products = new Map<string, CompiledProduct>();
  /** Reached by everybody. */
  readonly #open: CoordinateBits;
  /** Held by private products, and neither by a public one nor by everybody. */
  readonly #secret: CoordinateBits;
  readonly #grants = new LRUCache<string, Grant>({ max: GRANTS_MAX });
  readonly suspended: Grant;

  constructor(products: readonly ProductFacts[], graph: ProductGraph, { open, uncovered }: OpenCoordinates) {
    this.#index = new CoordinateIndex(graph);
    const held = this.#index.empty();
    const known = this.#index.empty();
    const secret = this.#index.empty();
    for (const facts of products) {
      if (facts.status !== 'published' && facts.status !== 'deprecated') continue;
      const bits = this.#index.empty();
      this.#index.add(bits, facts);
      addBits(held, bits);
      addBits(facts.visibility === 'private' ? secret : known, bits);
      this.#products.set(facts.id, { facts, bits });
    }
    this.#open = uncovered === 'permit' ? held.map((word) => ~word) : this.#index.empty();
    this.#index.add(this.#open, open);
    addBits(known, this.#open);
    this.#secret = secret.map((word, at) => word & ~(known[at] ?? 0));
    this.suspended = new BitGrant(this.#index.empty(), true, this.#deps());
  }

  /** The grant of a set of products; the ids must be sorted and each given once. */
  of(productIds: readonly string[]): Grant {
    const key = JSON.stringify(productIds);
    const known = this.#grants.get(key);
    if (known !== undefined) return known;
    const bits = this.#open.slice();
    for (const id of productIds) {
      const product = this.#products.get(id);
      if (product !== undefined) addBits(bits, product.bits);
    }
    const grant = new BitGrant(bits, false, this.#deps());
    this.#grants.set(key, grant);
    return grant;
  }

  /** Whether everybody reaches a coordinate. */
  isOpen(coordinate: string): boolean {
    const number = this.#index.numberOf(coordinate);
    return number !== undefined && hasBit(this.#open, number);
  }

  /** Whether a product holds a coordinate. */
  holds(productId: string, coordinate: string): boolean {
    const number = this.#index.numberOf(coordinate);
    const product = this.#products.get(productId);
    return number !== undefined && product !== undefined && hasBit(product.bits, number);
  }

  #deps(): GrantDeps {
    return {
      index: this.#index,
      secret: this.#secret,
      holding: (number) => [...this.#products.values()].filter(({ bits }) => hasBit(bits, number)),
    };
  }
}

interface GrantDeps {
  readonly index: CoordinateIndex;
  readonly secret: CoordinateBits;
  /** Products that hold a coordinate; only refusals ask for them. */
  holding(number: number): readonly CompiledProduct[];
}

class BitGrant implements Grant {
  readonly isSuspended: boolean;
  readonly #bits: CoordinateBits;
  readonly #deps: GrantDeps;
  readonly #judged = new WeakMap<object, boolean>();
  #hidden: readonly string[] | null = null;

  constructor(bits: CoordinateBits, isSuspended: boolean, deps: GrantDeps) {
    this.#bits = bits;
    this.isSuspended = isSuspended;
    this.#deps = deps;
  }

  coversAll(operation: { readonly coordinates: readonly string[] }): boolean {
    const known = this.#judged.get(operation);
    if (known !== undefined) return known;
    const covered = operation.coordinates.every((coordinate) => this.covers(coordinate));
    this.#judged.set(operation, covered);
    return covered;
  }

  covers(coordinate: string): boolean {
    const number = this.#deps.index.numberOf(coordinate);
    return number !== undefined && hasBit(this.#bits, number);
  }

  offers(coordinate: string): readonly Offer[] {
    return this.#holding(coordinate)
      .filter(({ facts }) => facts.visibility === 'public' && facts.status === 'published')
      .map(({ facts: { id, name } }) => ({ id, name }))
      .sort((one, other) => (one.name < other.name ? -1 : 1))
      .slice(0, OFFERS_MAX);
  }

  get hidden(): readonly string[] {
    if (this.isSuspended) return [];
    const { index, secret } = this.#deps;
    this.#hidden ??= index.names((number) => hasBit(secret, number) && !hasBit(this.#bits, number));
    return this.#hidden;
  }

  hidesAny(operation: { readonly coordinates: readonly string[] }): boolean {
    if (this.isSuspended || this.coversAll(operation)) return false;
    const hidden = new Set(this.hidden);
    return operation.coordinates.some((coordinate) => hidden.has(coordinate));
  }

  #holding(coordinate: string): readonly CompiledProduct[] {
    const number = this.#deps.index.numberOf(coordinate);
    return number === undefined ? [] : this.#deps.holding(number);
  }
}
