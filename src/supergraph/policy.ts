/** Disjunction of conjunctions: the outer list is OR, the inner AND. Never empty, no inner list empty. */
export type Dnf = readonly (readonly string[])[];

/** What one type or field asks of the caller; every part given must pass. */
export interface Requirement {
  readonly authenticated: boolean;
  readonly scopes: Dnf | null;
  readonly policies: Dnf | null;
}

/**
 * The rules a supergraph carries, read out of the full SDL by `@link` URL, never by directive spelling.
 * Keys: `Type` for types, scalars and enums; `Type.field` for fields.
 * Invariant: holds concrete types and leaves; a rule on an interface has been carried to its implementations.
 */
export interface SecurityPolicy {
  readonly types: ReadonlyMap<string, Requirement>;
  readonly fields: ReadonlyMap<string, Requirement>;
}
