/** A product as a refusal names it to who could ask for it. */
export interface Offer {
  readonly id: string;
  readonly name: string;
}

/**
 * What a caller's subscriptions let it reach, in one generation of the graph and one of the control plane.
 * Invariant: the same object for callers with the same set of products, so that it can key caches.
 */
export interface Grant {
  /** True where nothing runs, because the tenant or the application is not active. */
  readonly isSuspended: boolean;
  /** Whether every coordinate that an operation can reach is covered; the same operation is judged once. */
  coversAll(operation: { readonly coordinates: readonly string[] }): boolean;
  /** Whether a concrete coordinate, `Type.field`, is covered. */
  covers(coordinate: string): boolean;
  /** Public products that would cover a coordinate, in the order of their names. */
  offers(coordinate: string): readonly Offer[];
  /** Coordinates that the caller must not learn of: only private products hold them, and it has none of those. */
  readonly hidden: readonly string[];
  /** Whether an operation can reach any of them. */
  hidesAny(operation: { readonly coordinates: readonly string[] }): boolean;
}
