import type { AiAllowance, AiLimits } from './ai-limits.ts';
import type { CoveringProducts } from './plan-limit.ts';

/** A subscription that is in force, and what its plan limits the use of AI models to. */
export interface AiTerm {
  readonly productId: string;
  readonly subscription: string;
  readonly limits: AiLimits;
}

/**
 * What an application may use by some fields of the graph: each plan counts only for the fields that its product holds, so that a
 * plan of another product gives nothing.
 */
export function allowanceIn(
  application: { readonly id: string; readonly tenantId: string },
  { terms, fields }: { readonly terms: readonly AiTerm[]; readonly fields: readonly string[] },
  products: Pick<CoveringProducts, 'holds'>,
): AiAllowance {
  const plans = terms.flatMap(({ productId, subscription, limits }) => {
    const held = fields.filter((field) => products.holds(productId, field));
    return held.length === 0 ? [] : [{ ...limits, subscription, fields: held }];
  });
  return Object.freeze({ tenant: application.tenantId, application: application.id, plans });
}
