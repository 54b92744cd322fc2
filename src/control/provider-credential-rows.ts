import { ControlError } from './control-error.ts';
import type { Transaction } from './database-pool.ts';
import { eq, sql } from './drizzle.ts';
import { type ProviderCredential, providerCredentials } from './tables.ts';

/** A key as administrators see it. */
export type ShownProviderCredential = ProviderCredential & {
  /** What it has spent or reserved of its cap in the window of now; null without a cap. Units: micro-USD. */
  readonly spentMicroUsd: number | null;
};

/** Live ones of one tenant, or of the platform; reason: the AI subgraph holds them all in memory. */
const LIVE_MAX = 64;
/** Live ones of all together. */
export const SEALED_MAX = 10_000;

/** Rows with what they have spent. Units: `nowMs` is milliseconds since the epoch. */
export async function withSpent(
  tx: Transaction,
  rows: readonly ProviderCredential[],
  nowMs: number,
): Promise<ShownProviderCredential[]> {
  const capped = rows.filter(({ spendCap }) => spendCap !== null).map(({ id }) => id);
  const counted =
    capped.length === 0
      ? []
      : (
          await tx.execute<{ id: string; microUsd: number }>(
            sql`SELECT id, micro_usd::float8 AS "microUsd" FROM ai_key_spend(${sql.param(capped)}, ${new Date(nowMs).toISOString()})`,
          )
        ).rows;
  const spent = new Map(counted.map(({ id, microUsd }) => [id, microUsd]));
  return rows.map((row) => ({
    ...row,
    spentMicroUsd: row.spendCap === null ? null : (spent.get(row.id) ?? 0),
  }));
}

/** Throws: CONFLICT where as many are live as can be. */
export async function requireRoom(
  { tx }: { readonly tx: Transaction },
  tenantId: string | null,
): Promise<void> {
  const rows = await tx
    .select({ tenantId: providerCredentials.tenantId })
    .from(providerCredentials)
    .where(eq(providerCredentials.status, 'active'))
    .limit(SEALED_MAX);
  const owned = rows.filter((row) => row.tenantId === tenantId);
  if (rows.length >= SEALED_MAX || owned.length >= LIVE_MAX)
    throw new ControlError({ code: 'CONFLICT', reason: 'there are too many keys of providers' });
}
