import type { Condition, When } from '../condition.ts';

/** Largest cost there is; every sum and product saturates here. */
export const COST_MAX = Number.MAX_SAFE_INTEGER;

/** A slicing value that is no size: negative, or not a number. */
export const NOT_A_SIZE = -1;

/** What a mutation costs before anything that it selects. */
export const MUTATION_COST = 10;

/** A value that bounds a list: known, or brought by a variable. */
export type Slice =
  | {
      readonly explicit: boolean;
      /** Null where it says nothing, `NOT_A_SIZE` where it bounds nothing. */
      readonly value: number | null;
    }
  | {
      readonly variable: string;
      /** Input fields from the variable's value to the slicing value. */
      readonly path: readonly string[];
      /** What the schema's default gives where the variable is not there; null for none. */
      readonly absent: number | null;
    };

/** Size of a list, decided by its slicing arguments. */
export interface SizeNode {
  readonly kind: 'size';
  /** Schema coordinate of the field. */
  readonly coordinate: string;
  readonly slices: readonly Slice[];
  /** Where no slicing argument has a value. */
  readonly otherwise: number;
  readonly requireOne: boolean;
}

/** What each value of one input type costs: itself and its fields, by name and index of their node. */
export interface InputCost {
  readonly weight: number;
  readonly fields: readonly (readonly [name: string, node: number])[];
}

/** One step of a formula; numbers are indexes of nodes before it. */
export type CostNode =
  | { readonly kind: 'constant'; readonly value: number }
  | { readonly kind: 'sum' | 'product' | 'max'; readonly of: readonly number[] }
  | { readonly kind: 'when'; readonly when: Exclude<When, null>; readonly then: number }
  | SizeNode
  | {
      readonly kind: 'input';
      readonly variable: string;
      readonly nodes: readonly InputCost[];
      /** Cost of the schema's default, which stands where the variable is not there. */
      readonly absent: number;
    };

/**
 * What an operation costs as a function of its variables. Plain data that crosses threads.
 * Invariant: nodes refer to earlier nodes only, so that one pass evaluates all, however often a part is used.
 */
export interface CostFormula {
  readonly conditions: readonly Condition[];
  readonly nodes: readonly CostNode[];
  readonly total: number;
  /** What is owed whatever is returned: the operation itself and its arguments, once each. */
  readonly base: number;
  readonly subgraphs: readonly (readonly [name: string, node: number])[];
  /** The whole estimate where no variable decides anything; null otherwise. */
  readonly fixed: CostEstimate | null;
}

export interface CostEstimate {
  /** Invariant: a whole number from 0 to `COST_MAX`. */
  readonly estimated: number;
  readonly base: number;
  readonly perSubgraph: ReadonlyMap<string, number>;
  /** Coordinates of lists whose slicing arguments are too few, too many or not a size. */
  readonly faults: readonly string[];
}

/** Adds costs; saturates. */
export function addCosts(a: number, b: number): number {
  return Math.min(a + b, COST_MAX);
}

/** Multiplies costs; saturates. */
export function multiplyCosts(a: number, b: number): number {
  return Math.min(a * b, COST_MAX);
}
