/** An operation, as far as switches look at it. */
export interface Switchable {
  readonly hash: string;
  readonly name: string | null;
  readonly type: string;
  readonly coordinates: readonly string[];
  readonly selected: readonly { readonly coordinate: string }[];
}

/**
 * What is switched off for one caller at one time, in one generation of the graph.
 * Invariant: what administers the gateway is never switched off, since nobody could switch anything on again.
 */
export interface Switches {
  /** Whether the whole operation is switched off: by its hash, by its name, or with all mutations. */
  stops(operation: Switchable): boolean;
  /** Indexes into `selected` of the fields that are switched off; an operation is looked at once. */
  fieldsOff(operation: Switchable): readonly number[];
  isSubgraphOff(name: string): boolean;
}
