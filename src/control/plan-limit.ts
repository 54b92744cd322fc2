/** What the plan of one subscription limits an operation to; what is absent is not limited. */
export interface PlanLimit {
  readonly subscriptionId: string;
  readonly productId: string;
  /** Points of cost that come back in a second, and how many can be saved up. */
  readonly rate?: { readonly points: number; readonly burst: number };
  /** Most that one operation may cost, in place of `cost.max`. */
  readonly costPerOperation?: number;
  /** Most operations that may run at once. */
  readonly concurrent?: number;
}

/** A subscription that is in force, and its product. */
export interface PlanTerm {
  readonly productId: string;
  readonly limit: PlanLimit;
}

/** What an operation without a limited plan is held to. */
export const NO_PLANS: readonly PlanLimit[] = Object.freeze([]);

/**
 * The subscriptions that an operation is charged to: for each coordinate that needs one, the most generous of those whose
 * product holds it. Charged to all of them, or not run.
 */
export function chargedTo(
  operation: { readonly coordinates: readonly string[] },
  terms: readonly PlanTerm[],
  products: CoveringProducts,
): readonly PlanLimit[] {
  const charged = new Set<PlanTerm>();
  for (const coordinate of operation.coordinates) {
    if (products.isOpen(coordinate)) continue;
    const [best] = terms.filter(({ productId }) => products.holds(productId, coordinate)).sort(byGenerosity);
    if (best !== undefined) charged.add(best);
  }
  return charged.size === 0 ? NO_PLANS : [...charged].map(({ limit }) => limit);
}

/** What of the graph is in which product. */
export interface CoveringProducts {
  isOpen(coordinate: string): boolean;
  holds(productId: string, coordinate: string): boolean;
}

/** True where a plan limits anything. */
export function isLimited({ rate, costPerOperation, concurrent }: PlanLimit): boolean {
  return rate !== undefined || costPerOperation !== undefined || concurrent !== undefined;
}

/** The larger rate first, none at all before any; then the larger operation, then more at once; and always the same order. */
function byGenerosity({ limit: one }: PlanTerm, { limit: other }: PlanTerm): number {
  const unlimited = Number.MAX_VALUE;
  return (
    (other.rate?.points ?? unlimited) - (one.rate?.points ?? unlimited) ||
    (other.rate?.burst ?? unlimited) - (one.rate?.burst ?? unlimited) ||
    (other.costPerOperation ?? unlimited) - (one.costPerOperation ?? unlimited) ||
    (other.concurrent ?? unlimited) - (one.concurrent ?? unlimited) ||
    (one.subscriptionId < other.subscriptionId ? -1 : 1)
  );
}
