import { and, eq, gt, isNull, lte, or } from './drizzle.ts';
import { type Restriction, restrictions } from './tables.ts';
import { onlyRow } from './tenants-store.ts';
import type { Unit } from './unit-of-work.ts';

/** What holds at a time. Units: milliseconds since the epoch. */
export function inForceAt(now: number) {
  return and(
    isNull(restrictions.liftedAt),
    or(isNull(restrictions.expiresAt), gt(restrictions.expiresAt, now)),
  );
}

/** What has expired at a time, and nobody wrote down that it has. */
export function expiredAt(now: number) {
  return and(isNull(restrictions.liftedAt), lte(restrictions.expiresAt, now));
}

/** Ends a restriction, with its history and its notification. */
export async function lift(
  unit: Unit,
  { id, tenantId, kind, target, incidentId }: Restriction,
  { at, action, reason }: { readonly at: number; readonly action: string; readonly reason?: string },
): Promise<Restriction> {
  const row = onlyRow(
    await unit.tx
      .update(restrictions)
      .set({ liftedAt: at, liftedBy: unit.actor.subject })
      .where(eq(restrictions.id, id))
      .returning(),
  );
  const after = {
    ...{ kind, target },
    ...(incidentId === null ? {} : { incidentId }),
    ...(reason === undefined ? {} : { reason }),
  };
  await unit.record({ action, entity: 'restriction', id, tenantId, after });
  return row;
}
