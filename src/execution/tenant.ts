/**
 * True where an object's owner, as a subgraph tells it, is the caller's tenant.
 * Invariant: an owner that is missing or no string is nobody's, and a caller without tenant owns nothing.
 */
export function belongsTo(owner: unknown, tenant: string | null): boolean {
  return tenant !== null && tenant !== '' && owner === tenant;
}
