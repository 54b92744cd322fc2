/** Disjunction of conjunctions: the outer list is OR, the inner AND. Never empty, no inner list empty. */
export type Dnf = readonly (readonly string[])[];

/** How, and how lately, a caller has to have authenticated; at least one part is given. */
export interface StepUp {
  /** Authentication context classes, any of which is enough; null where none is asked for. */
  readonly acr: readonly string[] | null;
  /** Authentication methods, all of which are needed. */
  readonly amr: readonly string[];
  /** Oldest authentication that counts. */
  readonly maxAgeSeconds: number | null;
}

/** What one type or field asks of the caller; every part given must pass. */
export interface Requirement {
  readonly authenticated: boolean;
  readonly scopes: Dnf | null;
  readonly policies: Dnf | null;
  /** All of them must be met, in one order and each once; absent where none is asked for. */
  readonly stepUps?: readonly StepUp[];
}

/** Forms that `@constraint(format:)` may ask of a string. */
export type ConstraintFormat = 'EMAIL' | 'UUID' | 'URI' | 'DATE' | 'DATE_TIME' | 'IPV4' | 'IPV6';

/**
 * Bounds of an argument or input field; what is absent is not bounded, and null values are not judged.
 * For a list, `minItems` and `maxItems` bound the list and the rest bounds each item.
 * Units: lengths in Unicode code points.
 * Invariant: each lower bound is at most its upper bound.
 */
export interface Constraint {
  readonly minLength?: number | undefined;
  readonly maxLength?: number | undefined;
  /** Source for `new RegExp(pattern, 'u')`, anchored at both ends: the whole string must match. */
  readonly pattern?: string | undefined;
  readonly min?: number | undefined;
  readonly max?: number | undefined;
  readonly format?: ConstraintFormat | undefined;
  readonly minItems?: number | undefined;
  readonly maxItems?: number | undefined;
}

/** What a verified principal can fill in. */
export type PrincipalClaim = 'TENANT' | 'SUBJECT' | 'APPLICATION';

/** An argument or input field that clients do not see and the gateway fills. */
export interface HiddenInput {
  readonly claim: PrincipalClaim;
  /** Name of its type; whether it may be null makes no difference, since it is always given. */
  readonly typeName: 'ID' | 'String';
}

/** Classes of sensitive data. */
export type SensitiveClass = 'PERSONAL' | 'FINANCIAL' | 'HEALTH' | 'SECRET' | 'CONFIDENTIAL';

/** What stands for a value that a caller must not see: null or nothing, its last characters, or a digest. */
export type MaskStyle = 'FULL' | 'PARTIAL' | 'HASH';

/** A field or argument with sensitive values. Invariant: at least one class, each once. */
export interface SensitiveRule {
  readonly classes: readonly SensitiveClass[];
  readonly mask: MaskStyle;
}

/** How much the audit records, from least to most. */
export const AUDIT_LEVELS = ['NONE', 'ACCESS', 'DETAILED', 'FULL'] as const;
export type AuditLevel = (typeof AUDIT_LEVELS)[number];

/** What the audit records of the uses of a type's fields, a field or an argument. */
export interface AuditRule {
  readonly level: AuditLevel;
  /** True where not even a digest of a value may be recorded. */
  readonly redact: boolean;
}

/** A coordinate and what it is part of, from the inside out: `A.f(a:)`, `A.f`, `A`. */
export function ownersOf(coordinate: string): readonly string[] {
  const [field = ''] = coordinate.split('(', 1);
  const [type = ''] = field.split('.', 1);
  return [...new Set([coordinate, field, type])];
}

/**
 * The rules a supergraph carries, read out of the full SDL by `@link` URL, never by directive spelling.
 * Keys: `Type` for types, scalars and enums; `Type.field` for fields and input fields; `Type.field(argument:)` for arguments.
 * Invariant: holds concrete types and leaves; a rule on an interface has been carried to its implementations.
 */
export interface SecurityPolicy {
  readonly types: ReadonlyMap<string, Requirement>;
  readonly fields: ReadonlyMap<string, Requirement>;
  readonly constraints: ReadonlyMap<string, Constraint>;
  /** Arguments and input fields that are filled from the principal; alike on an interface and all that implement it. */
  readonly hidden: ReadonlyMap<string, HiddenInput>;
  /** By object type, the field that holds the tenant an object belongs to. */
  readonly tenantFields: ReadonlyMap<string, string>;
  /** Fields and arguments with sensitive values. */
  readonly sensitive: ReadonlyMap<string, SensitiveRule>;
  /** Types, fields and arguments whose uses are recorded otherwise than usual. */
  readonly audit: ReadonlyMap<string, AuditRule>;
}

/** What `@listSize` says of a list: its own, or those among its fields that `sizedFields` names. */
export interface ListSize {
  readonly assumedSize: number | null;
  /** Paths to the arguments that bound the list; more than one step leads into an input object. */
  readonly slicingArguments: readonly (readonly string[])[];
  /** Paths to the lists below the field that its size is meant for; empty where it is its own. */
  readonly sizedFields: readonly (readonly string[])[];
  readonly requireOneSlicingArgument: boolean;
}

/**
 * The cost rules of a supergraph, read by the URL of the link. Keys are those of the security policy.
 * Invariant: weights and sizes are whole numbers, never negative.
 */
export interface CostRules {
  readonly weights: ReadonlyMap<string, number>;
  readonly listSizes: ReadonlyMap<string, ListSize>;
}
