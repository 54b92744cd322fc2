import { and, eq, gt, inArray, isNull, or } from 'drizzle-orm';
import type { ControlDatabase, Transaction } from './database-pool.ts';
import { inForceAt } from './restrictions.ts';
import type {
  ControlSnapshot,
  RestraintFacts,
  SubscriptionFacts,
  SwitchFacts,
  TenantFacts,
} from './snapshot.ts';
import {
  applications,
  controlVersion,
  credentials,
  plans,
  products,
  restrictions,
  subscriptions,
  tenants,
} from './tables.ts';

/** Reads what gateways need. */
export interface SnapshotStore {
  /** The version of the last change. */
  version(): Promise<number>;
  /** All in one transaction, so that no change is seen in part. */
  load(): Promise<ControlSnapshot>;
}

/** Snapshots of the control plane's database; what has ended for good is left out. */
export function createSnapshotStore(database: ControlDatabase, now: () => number): SnapshotStore {
  return {
    version: () => database.transact(null, versionIn),
    load: () => database.transact(null, (tx) => snapshotIn(tx, now())),
  };
}

async function versionIn(tx: Transaction): Promise<number> {
  const [row] = await tx.select({ version: controlVersion.version }).from(controlVersion);
  if (row === undefined) throw new Error('the control plane has lost its version');
  return row.version;
}

/**
 * Reads the version first: a change that comes between two statements makes the rows newer than the version says, and is
 * then read once more, never missed.
 */
async function snapshotIn(tx: Transaction, now: number): Promise<ControlSnapshot> {
  const version = await versionIn(tx);
  const live = await tx
    .select()
    .from(subscriptions)
    .where(
      and(
        inArray(subscriptions.state, ['ACTIVE', 'SUSPENDED']),
        or(isNull(subscriptions.endsAt), gt(subscriptions.endsAt, now)),
      ),
    );
  const owners = await tx
    .select({ id: tenants.id, slug: tenants.slug, status: tenants.status })
    .from(tenants);
  return {
    version,
    tenants: owners,
    ...(await restrictionsIn(tx, now, owners)),
    applications: await tx
      .select({
        ...{ id: applications.id, tenantId: applications.tenantId },
        ...{ environment: applications.environment, status: applications.status },
      })
      .from(applications),
    credentials: await tx
      .select({
        ...{ id: credentials.id, tenantId: credentials.tenantId, applicationId: credentials.applicationId },
        ...{ kind: credentials.kind, prefix: credentials.prefix, hash: credentials.hash },
        ...{ scopes: credentials.scopes, notBefore: credentials.notBefore, expiresAt: credentials.expiresAt },
        ...{ graceUntil: credentials.graceUntil, revokedAt: credentials.revokedAt },
      })
      .from(credentials)
      .where(isNull(credentials.revokedAt)),
    products: await tx
      .select({
        ...{ id: products.id, name: products.name, version: products.version, tags: products.tags },
        ...{ coordinates: products.coordinates, visibility: products.visibility, status: products.status },
      })
      .from(products)
      .where(or(eq(products.status, 'published'), eq(products.status, 'deprecated'))),
    plans: await tx
      .select({ id: plans.id, limits: plans.limits })
      .from(plans)
      .where(eq(plans.status, 'published')),
    subscriptions: live.flatMap(
      ({ id, tenantId, applicationId, productId, planId, state, startsAt, endsAt }) =>
        (state === 'ACTIVE' || state === 'SUSPENDED') && startsAt !== null
          ? [
              {
                id,
                tenantId,
                applicationId,
                productId,
                planId,
                state,
                startsAt,
                endsAt,
              } satisfies SubscriptionFacts,
            ]
          : [],
    ),
  };
}

/** What is switched off and who is restrained, with tenants by the names that tokens give them. */
async function restrictionsIn(
  tx: Transaction,
  now: number,
  owners: readonly TenantFacts[],
): Promise<Pick<ControlSnapshot, 'switches' | 'restraints'>> {
  const slugs = new Map(owners.map(({ id, slug }) => [id, slug]));
  const switches: SwitchFacts[] = [];
  const restraints: RestraintFacts[] = [];
  for (const row of await tx.select().from(restrictions).where(inForceAt(now))) {
    const { id, tenantId, kind, target, callers, createdAt, expiresAt } = row;
    const tenant = row.tenant ?? (tenantId === null ? null : slugs.get(tenantId));
    if (kind === 'throttle' || kind === 'stepUp' || kind === 'suspend') {
      if (callers !== null && expiresAt !== null)
        restraints.push({ id, kind, callers, sinceMs: createdAt, untilMs: expiresAt });
      // One of a tenant that came after the tenants were read is read once more, with its version.
    } else if (tenant !== undefined) switches.push({ id, kind, target, tenant, expiresAt });
  }
  return { switches, restraints };
}
