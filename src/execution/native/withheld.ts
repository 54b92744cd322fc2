import { belongsTo } from '../tenant.ts';

/** True for an object of the answer that the client will not get, nor anything below it. */
export type Withheld = (object: Readonly<Record<string, unknown>>) => boolean;

/**
 * Tells objects whose owner is known and is another tenant: nothing more is fetched for them, and nothing of them is sent
 * to other subgraphs. Null where an operation asks for no owner.
 */
export function foreignTo(tenant: string | null, tenantKeys: readonly string[]): Withheld | null {
  if (tenantKeys.length === 0) return null;
  return (object) => tenantKeys.some((key) => Object.hasOwn(object, key) && !belongsTo(object[key], tenant));
}
