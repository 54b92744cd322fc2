import type { VariableDefinitionNode } from 'graphql';
import type { Requirement } from '../supergraph/policy.ts';
import type { ObjectShape } from './shape.ts';

/** Sizes of an operation. All but tokens and directives count over the expanded operation, and saturate. */
export interface Measures {
  readonly tokens: number;
  readonly directives: number;
  readonly depth: number;
  readonly height: number;
  readonly aliases: number;
  readonly rootFields: number;
  readonly selections: number;
}

/**
 * One thing a variable's value decides: a literal of `@skip`/`@include`, or whether an input carries a protected value.
 * `is` compares a Boolean; `carries` asks whether any of the paths below the variable holds a value (lists are walked).
 */
export type Condition =
  | { readonly kind: 'is'; readonly variable: string; readonly value: boolean }
  | { readonly kind: 'carries'; readonly variable: string; readonly paths: readonly (readonly string[])[] };

/** Disjunction of conjunctions of indexes into the condition table; null means always. */
export type When = readonly (readonly number[])[] | null;

/** A requirement under a condition. A mask is the set of guards that a caller fails. */
export interface Guard {
  readonly requirement: Requirement;
  readonly when: When;
}

/** One path that a mask removes, before anything runs. */
export interface Removal {
  readonly guard: number;
  readonly coordinate: string;
  readonly path: readonly string[];
  /** True where only some objects at the path lose it: told after they were fetched, except in `reject` mode. */
  readonly dynamic: boolean;
  readonly when: When;
}

/** The operation as one set of callers may run it. */
export interface OperationVariant {
  /** Identifies what runs: hash of schema, text and mask. */
  readonly id: string;
  readonly operationName: string | null;
  /** Document to run, printed; null where everything was removed. */
  readonly text: string | null;
  readonly shape: ObjectShape;
  readonly removals: readonly Removal[];
}

/**
 * All that depends only on the operation text and the schema, worked out once.
 * Invariant: frozen, and never sees a principal, so that a cached one cannot mix callers.
 */
export interface CompiledOperation {
  readonly hash: string;
  readonly supergraphId: string;
  readonly name: string | null;
  readonly type: 'query' | 'mutation' | 'subscription';
  readonly measures: Measures;
  /** Concrete schema coordinates that the operation can reach. */
  readonly coordinates: readonly string[];
  readonly introspects: boolean;
  readonly variableDefinitions: readonly VariableDefinitionNode[];
  readonly conditions: readonly Condition[];
  readonly guards: readonly Guard[];
  /** The operation without what the mask removes; '' removes nothing. */
  planFor(mask: string): Promise<OperationVariant>;
}
