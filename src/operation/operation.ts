import type { VariableDefinitionNode } from 'graphql';
import type { ErrorCode, ErrorDetail } from '../errors.ts';
import type { HiddenInput, PrincipalClaim, Requirement, SensitiveClass } from '../supergraph/policy.ts';
import type { ArgumentValue } from './argument-value.ts';
import type { Condition, When } from './condition.ts';
import type { CostFormula } from './cost/formula.ts';
import type { DeferredParts } from './deferred-part.ts';
import type { Plan } from './plan.ts';
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

/** A requirement under a condition. A mask is the set of guards that a caller fails. */
export interface Guard {
  /** Null where only coverage is asked for. */
  readonly requirement: Requirement | null;
  readonly when: When;
  /** The coordinate that a subscription must cover; absent where none has to. */
  readonly covers?: string;
}

/** A field where it is selected, under a condition. In a mask it stands for a field that is switched off. */
export interface SelectedField {
  /** Concrete: `Type.field`. */
  readonly coordinate: string;
  readonly when: When;
}

/** One path that a mask removes from what runs. */
export interface Removal {
  readonly guard: number;
  readonly coordinate: string;
  /** Response keys from the root, `@` for each list step. */
  readonly path: readonly string[];
  /** True where only some of the objects at the path lose it: the answer tells which, once they are fetched. */
  readonly dynamic: boolean;
}

/** An argument whose value a variable brings, and the rule for values there. */
export interface ConstrainedVariable {
  readonly variable: string;
  /** `Type.field(argument:)` or `Input.field`. */
  readonly coordinate: string;
}

/** Where objects of one input type have hidden fields, and which of their fields lead to more. */
export interface FillNode {
  readonly hidden: readonly (readonly [name: string, claim: PrincipalClaim])[];
  /** Field names with the index of the node for their values. */
  readonly fields: readonly (readonly [name: string, node: number])[];
}

/** A client's variable whose value is filled from the first node on, lists included. */
export interface VariableFill {
  readonly variable: string;
  readonly nodes: readonly FillNode[];
}

/** What an operation takes from the principal: variables of its own, and fields inside the client's. */
export interface PrincipalInputs {
  readonly variables: readonly ({ readonly name: string } & HiddenInput)[];
  readonly fills: readonly VariableFill[];
}

/** An argument that the audit records, where a field takes it. */
export interface AuditedArgument {
  /** The field, by the index of its coordinate. */
  readonly slot: number;
  readonly name: string;
  /** Whether a digest of the value is recorded, or only that there was one. */
  readonly treatment: 'digest' | 'redact';
  /** True where it names an object, as far as its type and its name tell. */
  readonly isId: boolean;
  readonly when: When;
  readonly value: ArgumentValue;
  /** Stands for a variable that is not given; null for nothing. */
  readonly fallback: ArgumentValue | null;
}

/** What one request costs. */
export interface CostReport {
  readonly estimated: number;
  /** By what came back; null where nothing ran. */
  readonly actual: number | null;
  readonly max: number;
}

/** What the audit says of a variant's coordinates, each named by its index among those of the operation. */
export interface AuditedFields {
  /** Removed wherever they are asked for, with the coordinate that the reason names: its own, or that of a type. */
  readonly refused: readonly { readonly slot: number; readonly because: string }[];
  /** Only asked for below what is removed: neither judged nor run. */
  readonly unreached: readonly number[];
  /** Those of which the schema wants no record; absent where there are none. */
  readonly unrecorded?: readonly number[];
  /** Fetches of the plan that bring what the schema wants recorded in full; absent where there are none. */
  readonly timed?: readonly number[];
  /** Those with sensitive values. */
  readonly sensitive: readonly { readonly slot: number; readonly classes: readonly SensitiveClass[] }[];
  /** The fetches of the plan in its order, and what each asks for; empty where the executor plans by itself. */
  readonly plan: readonly { readonly subgraph: string; readonly coordinates: readonly number[] }[];
}

/** The operation as one set of callers may run it. */
export interface OperationVariant {
  /** Identifies what runs: hash of schema, text, operation name and mask. */
  readonly id: string;
  readonly operationName: string | null;
  /** Document to run, printed; null where everything was removed. */
  readonly text: string | null;
  /** How to run it; null where nothing is left, or where the executor plans by itself. */
  readonly plan: Plan | null;
  readonly shape: ObjectShape;
  /** What may be answered later; absent where nothing may, or where the executor plans by itself. */
  readonly deferred?: DeferredParts;
  /** Null where it takes nothing from the principal. */
  readonly principalInputs: PrincipalInputs | null;
  /** Response keys of owners that it asks for: an object that has one is judged by it. */
  readonly tenantKeys: readonly string[];
  readonly removals: readonly Removal[];
  readonly audited: AuditedFields;
  /** Classes of each sensitive field that its fetches bring, selected or not; absent where there is none. */
  readonly carried?: readonly (readonly SensitiveClass[])[];
  /** What this variant costs; null where costs are not counted. */
  readonly cost: CostFormula | null;
}

/** What the workers find out about an operation: plain data that crosses threads. */
export interface OperationFacts {
  readonly name: string | null;
  readonly type: 'query' | 'mutation' | 'subscription';
  readonly measures: Measures;
  /** Limits passed although exceeded, because config only warns. */
  readonly warnings: readonly ErrorCode[];
  /** Concrete schema coordinates that the operation can reach. */
  readonly coordinates: readonly string[];
  readonly introspects: boolean;
  readonly variableDefinitions: readonly VariableDefinitionNode[];
  readonly conditions: readonly Condition[];
  readonly guards: readonly Guard[];
  /** In a mask, their numbers follow those of the guards. */
  readonly selected: readonly SelectedField[];
  readonly constrained: readonly ConstrainedVariable[];
  /** Empty where the schema asks for none; `truncated` counts those that are not listed. */
  readonly auditedArguments: { readonly listed: readonly AuditedArgument[]; readonly truncated: number };
}

/**
 * All that depends only on the operation text and the schema, worked out once.
 * Invariant: frozen, and never sees a principal, so that a cached one cannot mix callers.
 */
export interface CompiledOperation extends OperationFacts {
  readonly hash: string;
  readonly supergraphId: string;
  /** The operation without what the mask removes; '' removes nothing. At once where it is known. */
  planFor(mask: string): OperationVariant | Promise<OperationVariant>;
}

/** What crosses from a worker when an operation is refused. */
export interface Refusal {
  readonly code: ErrorCode;
  readonly details: readonly ErrorDetail[];
}

/** Limits on one operation; the names are those of the config. */
export interface OperationLimits {
  readonly tokens: number;
  readonly depth: number;
  readonly height: number;
  readonly aliases: number;
  readonly rootFields: number;
  readonly directives: number;
  readonly selections: number;
  readonly warnOnly: boolean;
  /** Fragments that may be deferred; absent where none may. Holds whatever is only warned of. */
  readonly deferredParts?: number;
}
