import type { ControlDatabase, Transaction } from './database-pool.ts';
import { and, eq, gt, inArray, isNull, or } from './drizzle.ts';
import { inForceAt } from './restrictions.ts';
import type {
  ControlSnapshot,
  ControlVersions,
  RestraintFacts,
  RestrictionSnapshot,
  SubscriptionFacts,
  SwitchFacts,
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
  /** All but what is restricted, in one transaction, so that no change is seen in part. */
  load(): Promise<ControlSnapshot>;
  /** What the last changes were, and what is restricted where there was one since a version; null reads it in any case. */
  changesSince(version: number | null): Promise<Changes>;
}

export interface Changes {
  readonly versions: ControlVersions;
  /** Null where nothing has changed. */
  readonly restricted: RestrictionSnapshot | null;
}

/** Snapshots of the control plane's database; what has ended for good is left out. */
export function createSnapshotStore(database: ControlDatabase, now: () => number): SnapshotStore {
  return {
    load: () => database.transact(null, (tx) => snapshotIn(tx, now())),
    changesSince: (version) => database.transactAhead(null, (tx) => changesIn(tx, version, now())),
  };
}

async function versionsIn(tx: Transaction): Promise<ControlVersions> {
  const { version, restricting } = controlVersion;
  const [row] = await tx.select({ version, restricting }).from(controlVersion);
  if (row === undefined) throw new Error('the control plane has lost its version');
  return { restrictions: row.version, entitlements: row.version - row.restricting };
}

async function changesIn(tx: Transaction, since: number | null, now: number): Promise<Changes> {
  const versions = await versionsIn(tx);
  const version = versions.restrictions;
  return { versions, restricted: version === since ? null : { version, ...(await restrictionsIn(tx, now)) } };
}

/**
 * Reads the version first: a change that comes between two statements makes the rows newer than the version says, and is
 * then read once more, never missed.
 */
async function snapshotIn(tx: Transaction, now: number): Promise<ControlSnapshot> {
  const { entitlements: version } = await versionsIn(tx);
  const live = await tx
    .select()
    .from(subscriptions)
    .where(
      and(
        inArray(subscriptions.state, ['ACTIVE', 'SUSPENDED']),
        or(isNull(subscriptions.endsAt), gt(subscriptions.endsAt, now)),
      ),
    );
  return {
    version,
    tenants: await tx.select({ id: tenants.id, slug: tenants.slug, status: tenants.status }).from(tenants),
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
async function restrictionsIn(tx: Transaction, now: number): Promise<Omit<RestrictionSnapshot, 'version'>> {
  const switches: SwitchFacts[] = [];
  const restraints: RestraintFacts[] = [];
  const rows = await tx
    .select({ row: restrictions, slug: tenants.slug })
    .from(restrictions)
    .leftJoin(tenants, eq(restrictions.tenantId, tenants.id))
    .where(inForceAt(now));
  for (const { row, slug } of rows) {
    const { id, kind, target, callers, createdAt, expiresAt, tenant } = row;
    if (kind === 'throttle' || kind === 'stepUp' || kind === 'suspend') {
      if (callers !== null && expiresAt !== null)
        restraints.push({ id, kind, callers, sinceMs: createdAt, untilMs: expiresAt });
    } else switches.push({ id, kind, target, tenant: tenant ?? slug, expiresAt });
  }
  return { switches, restraints };
}
