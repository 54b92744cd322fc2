import type { SQL } from 'drizzle-orm';
import type { Reason } from '../authorization/decision.ts';
import { type Actor, requireObserver } from './actor.ts';
import {
  type AuditSearch,
  afterCursor,
  afterTexts,
  allOf,
  checkedSearch,
  cursorKey,
  eventConditions,
  eventSource,
  reachConditions,
  shapeConditions,
  usageConditions,
} from './audit-search.ts';
import { ControlError } from './control-error.ts';
import type { ControlDatabase, Transaction } from './database-pool.ts';
import { sql } from './drizzle.ts';
import { type Page, type PageInput, paged, pageOf } from './input.ts';
import { read } from './unit-of-work.ts';

/** One event as a search finds it; '' stands for what there is not. Units: `at` in milliseconds since the epoch. */
export interface AuditEntry {
  readonly at: number;
  readonly run: string;
  readonly seq: string;
  readonly requestId: string;
  readonly tenant: string;
  readonly application: string;
  readonly subject: string;
  readonly kind: string;
  readonly credentialId: string;
  readonly remoteAddress: string;
  readonly operationHash: string;
  readonly operationName: string;
  readonly operationType: string;
  readonly coordinates: readonly string[];
  readonly decision: string;
  readonly code: string;
  readonly status: number;
  readonly severity: string;
  readonly errors: number;
  readonly foreignObjects: number;
  readonly cost: number | null;
  readonly durationUs: number;
  readonly reasons: readonly Reason[];
}

/** Who has read a field. */
export interface AuditReader {
  readonly tenant: string;
  readonly application: string;
  readonly subject: string;
  readonly times: number;
  /** Units: milliseconds since the epoch. */
  readonly firstAt: number;
  readonly lastAt: number;
}

/** How often a client has read a field. */
export interface FieldUse {
  readonly coordinate: string;
  readonly tenant: string;
  readonly application: string;
  readonly times: number;
  /** Units: milliseconds since the epoch. */
  readonly lastAt: number;
}

/** How much less the one way has to read than the sure one, since matches may lie closer together than they do on average. */
const SCAN_ADVANTAGE = 4;

const MS = (time: SQL) => sql`(extract(epoch FROM ${time}) * 1000)::float8`;
const COLUMNS = sql`${MS(sql`e.at`)} AS at, e.run, e.seq, e.request_id AS "requestId", e.tenant, e.application, e.subject, e.kind,
  e.credential_id AS "credentialId", e.remote_address AS "remoteAddress", s.hash AS "operationHash",
  s.name AS "operationName", s.type AS "operationType", s.fields AS coordinates, s.decision, s.code, e.status,
  e.severity, e.errors::float8 AS errors, e.foreign_objects::float8 AS "foreignObjects", e.cost::float8 AS cost,
  e.duration_us::float8 AS "durationUs", coalesce(e.reasons, '[]') AS reasons`;
const LATEST_FIRST = sql`e.at DESC, e.run DESC, e.seq DESC`;

/**
 * Searches the index of the audit.
 * Invariant: a caller of a tenant finds events of that tenant only, by the database's own rule too.
 */
export class AuditSearchStore {
  readonly #database: ControlDatabase;
  readonly #hasIndex: boolean;

  constructor(database: ControlDatabase, { hasIndex }: { readonly hasIndex: boolean }) {
    this.#database = database;
    this.#hasIndex = hasIndex;
  }

  /** Events, the latest first. Throws: FORBIDDEN, INVALID_INPUT. */
  async events(actor: Actor, search: AuditSearch, page: PageInput): Promise<Page<AuditEntry>> {
    const { limit, after } = pageOf(page);
    const cursor = afterCursor(after);
    const rows = await this.#read(actor, search, async (tx, scoped) => {
      const shapes = shapeConditions(scoped);
      const events = [...eventConditions(scoped), ...cursor];
      if (shapes.length === 0) return find(tx, { search: scoped, events, limit });
      return findShaped(tx, { search: scoped, shapes, events, limit });
    });
    return paged(rows, limit, ({ at, run, seq }) => cursorKey({ atMs: at, run, seq }));
  }

  /** Who has read a field, by tenant, application and subject. Throws: FORBIDDEN, INVALID_INPUT. */
  async readersOf(
    actor: Actor,
    { coordinate, ...search }: Pick<AuditSearch, 'sinceMs' | 'tenant'> & { readonly coordinate: string },
    page: PageInput,
  ): Promise<Page<AuditReader>> {
    const { limit, after } = pageOf(page);
    const columns = [sql`e.tenant`, sql`e.application`, sql`e.subject`];
    const later = afterTexts(after, columns);
    const rows = await this.#read(actor, search, async (tx, scoped) => {
      const pairs = shapePairs(scoped, [sql`s.read @> ARRAY[${coordinate}]::text[]`]);
      const { rows } = await tx.execute<AuditReader & Record<string, unknown>>(sql`
        SELECT e.tenant, e.application, e.subject, count(*)::float8 AS times,
          ${MS(sql`min(e.at)`)} AS "firstAt", ${MS(sql`max(e.at)`)} AS "lastAt"
        FROM (${pairs}) p JOIN audit_events e ON e.tenant = p.tenant AND e.shape_id = p.shape_id
        WHERE ${allOf([...eventConditions(scoped), ...later])}
        GROUP BY 1, 2, 3 ORDER BY 1, 2, 3 LIMIT ${limit}`);
      return rows;
    });
    return paged(rows, limit, ({ tenant, application, subject }) =>
      JSON.stringify([tenant, application, subject]),
    );
  }

  /** How often fields were read, by field, tenant and application; times count by whole days. Throws: as `readersOf`. */
  async fieldUsage(
    actor: Actor,
    {
      coordinate,
      ...search
    }: Pick<AuditSearch, 'sinceMs' | 'untilMs' | 'tenant' | 'application' | 'coordinate'>,
    page: PageInput,
  ): Promise<Page<FieldUse>> {
    const { limit, after } = pageOf(page);
    const columns = [sql`f.coordinate`, sql`u.tenant`, sql`u.application`];
    const later = afterTexts(after, columns);
    const wanted =
      coordinate === undefined
        ? []
        : [sql`s.read @> ARRAY[${coordinate}]::text[]`, sql`f.coordinate = ${coordinate}`];
    const rows = await this.#read(actor, search, async (tx, scoped) => {
      const { rows } = await tx.execute<FieldUse & Record<string, unknown>>(sql`
        SELECT f.coordinate, u.tenant, u.application, sum(u.events)::float8 AS times,
          ${MS(sql`max(u.last_at)`)} AS "lastAt"
        FROM audit_usage u JOIN audit_shapes s ON s.id = u.shape_id CROSS JOIN LATERAL unnest(s.read) AS f(coordinate)
        WHERE ${allOf([...usageConditions(scoped), ...wanted, ...later])}
        GROUP BY 1, 2, 3 ORDER BY 1, 2, 3 LIMIT ${limit}`);
      return rows;
    });
    return paged(rows, limit, ({ coordinate: field, tenant, application }) =>
      JSON.stringify([field, tenant, application]),
    );
  }

  /** Runs a search as its caller; nothing is found of a tenant that is not the caller's. */
  #read<T>(
    actor: Actor,
    search: AuditSearch,
    work: (tx: Transaction, scoped: AuditSearch) => Promise<readonly T[]>,
  ): Promise<readonly T[]> {
    requireObserver(actor);
    if (!this.#hasIndex)
      throw new ControlError({ code: 'CONFLICT', reason: 'the audit has no sink of type database' });
    const checked = checkedSearch(search);
    return read({ database: this.#database }, actor, async (tx) => {
      if (actor.isPlatform) return work(tx, checked);
      // By its own name, so that the index is used; the database would hide other rows in any case.
      const { rows } = await tx.execute<{ slug: string | null }>(sql`SELECT audit_tenant() AS slug`);
      const own = rows[0]?.slug;
      if (own == null || (checked.tenant !== undefined && checked.tenant !== own)) return [];
      return work(tx, { ...checked, tenant: own });
    });
  }
}

/** Tenants and shapes that can have what is looked for. */
function shapePairs(search: AuditSearch, shapes: readonly SQL[]): SQL {
  return sql`SELECT r.tenant, r.shape_id FROM audit_tenant_shapes r JOIN audit_shapes s ON s.id = r.shape_id
    WHERE ${allOf([...shapes, ...reachConditions(search)])}`;
}

interface Shaped {
  readonly search: AuditSearch;
  readonly shapes: readonly SQL[];
  readonly events: readonly SQL[];
  readonly limit: number;
}

/**
 * Events of some shapes. Either those of each shape are looked up, which reads a page of each, or all are gone through
 * until a page of them has the right shape: what is known of their use tells which reads less.
 */
async function findShaped(tx: Transaction, { search, shapes, events, limit }: Shaped): Promise<EntryRow[]> {
  const shaped = sql`e.shape_id IN (SELECT s.id FROM audit_shapes s WHERE ${allOf(shapes)})`;
  // Few events are one caller's, one request's or of one value: their own indexes tell.
  if ((search.subject ?? search.requestId ?? search.digest) !== undefined)
    return find(tx, { search, events: [...events, shaped], limit });
  const { rows } = await tx.execute<{
    shapes: number;
    matching: number;
    last: string | null;
    total: number;
  }>(sql`
    SELECT count(*)::float8 AS shapes, coalesce(sum(r.events), 0)::float8 AS matching, max(r.last_at) AS last,
      (SELECT coalesce(sum(r.events), 0)::float8 FROM audit_tenant_shapes r WHERE ${allOf(reachConditions(search))}) AS total
    FROM audit_tenant_shapes r JOIN audit_shapes s ON s.id = r.shape_id
    WHERE ${allOf([...shapes, ...reachConditions(search)])}`);
  const { shapes: count = 0, matching = 0, last = null, total = 0 } = rows[0] ?? {};
  if (matching === 0) return [];
  const byShapes = Math.min(matching, count * limit);
  const byTime = (limit * total) / matching;
  if (byTime * SCAN_ADVANTAGE < byShapes)
    return find(tx, { search, events: [...events, shaped, sql`e.at <= ${last}::timestamptz`], limit });
  return findByShapes(tx, { pairs: shapePairs(search, shapes), events, limit });
}

type EntryRow = AuditEntry & Record<string, unknown>;

async function find(tx: Transaction, { search, events, limit }: Omit<Shaped, 'shapes'>): Promise<EntryRow[]> {
  const { rows } = await tx.execute<EntryRow>(sql`
    WITH e AS MATERIALIZED (
      SELECT e.* FROM ${eventSource(search)} WHERE ${allOf(events)} ORDER BY ${LATEST_FIRST} LIMIT ${limit}
    )
    SELECT ${COLUMNS} FROM e JOIN audit_shapes s ON s.id = e.shape_id ORDER BY ${LATEST_FIRST}`);
  return rows;
}

/** The latest events of each shape are at hand in their order: of all of them the latest are taken. */
async function findByShapes(
  tx: Transaction,
  { pairs, events, limit }: { readonly pairs: SQL; readonly events: readonly SQL[]; readonly limit: number },
): Promise<EntryRow[]> {
  const { rows } = await tx.execute<EntryRow>(sql`
    WITH found AS MATERIALIZED (
      SELECT e.* FROM (${pairs}) p CROSS JOIN LATERAL (
        SELECT * FROM audit_events e
        WHERE e.tenant = p.tenant AND e.shape_id = p.shape_id AND ${allOf(events)}
        ORDER BY ${LATEST_FIRST} LIMIT ${limit}
      ) e ORDER BY ${LATEST_FIRST} LIMIT ${limit}
    )
    SELECT ${COLUMNS} FROM found e JOIN audit_shapes s ON s.id = e.shape_id ORDER BY ${LATEST_FIRST}`);
  return rows;
}
