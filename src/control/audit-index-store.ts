import type { SQL } from 'drizzle-orm';
import { LRUCache } from 'lru-cache';
import type { AuditEvent } from '../audit/event.ts';
import { type AuditIndexRow, type AuditShape, auditIndexRow, auditShape } from './audit-index-row.ts';
import type { ControlDatabase, Transaction } from './database-pool.ts';
import { sql } from './drizzle.ts';

/** One event of a log, named by the run that wrote it and its number there. */
export interface IndexedEvent {
  readonly run: string;
  readonly seq: number;
  readonly event: AuditEvent;
}

/** Shapes whose ids are known; reason: as many operations as a busy graph has in use. */
const SHAPES_MAX = 10_000;
/** Events after which tables are looked at again, and share of those before. */
const ANALYZE_MIN = 5000;
const ANALYZE_SHARE = 0.5;
/** Rows that one statement deletes; reason: it must end long before a statement's time is up. */
const DELETE_MAX = 2000;

type Row = AuditIndexRow & { readonly shape_id: number };

/**
 * The index of the audit in the database of the control plane.
 * Invariant: an event is there once, however often it is written, and counted once in the usage of its day.
 */
export class AuditIndexStore {
  readonly #database: ControlDatabase;
  readonly #shapeIds = new LRUCache<string, number>({ max: SHAPES_MAX });
  readonly #months = new Set<string>();
  /** Events written since the tables were looked at, and before. */
  #unanalyzed = 0;
  #analyzed = 0;

  constructor(database: ControlDatabase) {
    this.#database = database;
  }

  /** Writes events, all or none. Throws: what the database says. */
  async write(events: readonly IndexedEvent[]): Promise<void> {
    try {
      await this.#database.transact(null, (tx) => this.#write(tx, events));
      await this.#analyze(events.length);
    } catch (fault) {
      // What is remembered of the database may not be so any more, after a retention elsewhere or a restore.
      this.#shapeIds.clear();
      this.#months.clear();
      throw fault;
    }
  }

  /**
   * Forgets what is older than its tenant keeps it, or `days` where no tenant is known; tells how many events.
   * Units: milliseconds since the epoch.
   */
  async forget(nowMs: number, days: number): Promise<number> {
    const today = new Date(nowMs).toISOString().slice(0, 'YYYY-MM-DD'.length);
    const { rows: kept } = await this.#database.transact(null, (tx) =>
      tx.execute<{ tenant: string | null; days: number }>(
        sql`SELECT slug AS tenant, retention_days AS days FROM tenants UNION ALL SELECT NULL, ${days}::int`,
      ),
    );
    let gone = 0;
    for (const { tenant, days: keeps } of kept) {
      const before = sql`${today}::date - ${keeps}::int`;
      const isOld = sql`${ownedBy(tenant)} AND at < ${startOf(before)}`;
      gone += await this.#deleteOld(sql`audit_events`, sql`run, seq, at`, isOld);
      await this.#deleteOld(sql`audit_digests`, sql`digest, at, run, seq`, isOld);
      await this.#database.transact(null, async (tx) => {
        await tx.execute(sql`DELETE FROM audit_usage WHERE ${ownedBy(tenant)} AND day < ${before}`);
        await tx.execute(
          sql`DELETE FROM audit_tenant_shapes WHERE ${ownedBy(tenant)} AND last_at < ${startOf(before)}`,
        );
      });
    }
    const longest = Math.max(...kept.map(({ days: keeps }) => keeps));
    await this.#database.transact(null, async (tx) => {
      await tx.execute(sql`SELECT audit_drop_partitions(${today}::date - ${longest}::int)`);
      await tx.execute(
        sql`DELETE FROM audit_shapes s WHERE NOT EXISTS (SELECT FROM audit_usage u WHERE u.shape_id = s.id)`,
      );
    });
    this.#shapeIds.clear();
    this.#months.clear();
    return gone;
  }

  /** A server looks by itself how its tables have grown; the embedded database does not, and would search by guesses. */
  async #analyze(events: number): Promise<void> {
    this.#unanalyzed += events;
    if (
      this.#database.listen !== null ||
      this.#unanalyzed < Math.max(ANALYZE_MIN, this.#analyzed * ANALYZE_SHARE)
    )
      return;
    this.#analyzed += this.#unanalyzed;
    this.#unanalyzed = 0;
    await this.#database.asOwner((client) =>
      client.query('ANALYZE audit_events, audit_digests, audit_shapes, audit_usage, audit_tenant_shapes'),
    );
  }

  /** Deletes rows by their key, in statements of a bounded length; tells how many. */
  async #deleteOld(table: SQL, key: SQL, condition: SQL): Promise<number> {
    let gone = 0;
    for (;;) {
      const { rowCount } = await this.#database.transact(null, (tx) =>
        tx.execute(
          sql`DELETE FROM ${table} WHERE (${key}) IN (SELECT ${key} FROM ${table} WHERE ${condition} LIMIT ${DELETE_MAX})`,
        ),
      );
      gone += rowCount ?? 0;
      if ((rowCount ?? 0) < DELETE_MAX) return gone;
    }
  }

  async #write(tx: Transaction, events: readonly IndexedEvent[]): Promise<void> {
    const shapes = events.map(({ event }) => auditShape(event));
    const ids = await this.#idsOf(tx, shapes);
    const rows = events.map(({ event, ...id }, at): Row => {
      const shapeId = ids.get(shapes[at]?.digest ?? '');
      if (shapeId === undefined) throw new Error('a shape of an audit event has no id');
      return { ...auditIndexRow(id, event), shape_id: shapeId };
    });
    await this.#makePartitions(tx, rows);
    await insertRows(tx, rows);
  }

  async #idsOf(tx: Transaction, shapes: readonly AuditShape[]): Promise<ReadonlyMap<string, number>> {
    const ids = new Map<string, number>();
    const unknown = new Map<string, AuditShape>();
    for (const shape of shapes) {
      const known = this.#shapeIds.get(shape.digest);
      if (known === undefined) unknown.set(shape.digest, shape);
      else ids.set(shape.digest, known);
    }
    if (unknown.size === 0) return ids;
    // In one order everywhere, so that gateways that write the same ones wait for each other in turn.
    const sorted = [...unknown.values()].sort((one, other) => (one.digest < other.digest ? -1 : 1));
    const given = sql`SELECT decode(digest, 'hex') AS digest, hash, name, type, fields, read, decision, code, codes
      FROM json_to_recordset(${JSON.stringify(sorted)}::json)
        AS given(digest text, hash text, name text, type text, fields text[], read text[], decision text, code text,
          codes text[])`;
    await tx.execute(sql`INSERT INTO audit_shapes (digest, hash, name, type, fields, read, decision, code, codes) ${given}
      ON CONFLICT (digest) DO NOTHING`);
    const { rows } = await tx.execute<{ id: string; digest: string }>(sql`
      SELECT id, encode(digest, 'hex') AS digest FROM audit_shapes
      WHERE digest IN (SELECT decode(d, 'hex') FROM json_array_elements_text(${JSON.stringify(sorted.map((each) => each.digest))}::json) d)`);
    for (const { id, digest } of rows) {
      ids.set(digest, Number(id));
      this.#shapeIds.set(digest, Number(id));
    }
    return ids;
  }

  async #makePartitions(tx: Transaction, rows: readonly Row[]): Promise<void> {
    const months = new Set(rows.map(({ at }) => at.slice(0, 'YYYY-MM'.length)));
    for (const month of months) {
      if (this.#months.has(month)) continue;
      await tx.execute(sql`SELECT audit_partition(${`${month}-01`}::date)`);
      this.#months.add(month);
    }
  }
}

/** Where a day begins. */
function startOf(day: ReturnType<typeof sql>): ReturnType<typeof sql> {
  return sql`((${day})::timestamp AT TIME ZONE 'UTC')`;
}

function ownedBy(tenant: string | null): ReturnType<typeof sql> {
  return tenant === null ? sql`tenant NOT IN (SELECT slug FROM tenants)` : sql`tenant = ${tenant}`;
}

/** In one statement: what was there already is not counted a second time, and gets the digests that it lacks. */
async function insertRows(tx: Transaction, rows: readonly Row[]): Promise<void> {
  await tx.execute(sql`WITH given AS (
    SELECT * FROM json_to_recordset(${JSON.stringify(rows)}::json) AS given(at timestamptz(3), run uuid, seq bigint, tenant text,
      application text, subject text, shape_id bigint, status integer, request_id text,
      kind text, credential_id text, remote_address text, severity text, cost bigint, errors bigint,
      foreign_objects bigint, duration_us bigint, reasons jsonb, digests text[])
  ), fresh AS (
    INSERT INTO audit_events (at, run, seq, tenant, application, subject, shape_id, status, request_id,
      kind, credential_id, remote_address, severity, cost, errors, foreign_objects, duration_us, reasons)
    SELECT at, run, seq, tenant, application, subject, shape_id, status, request_id,
      kind, credential_id, remote_address, severity, cost, errors, foreign_objects, duration_us, reasons FROM given
    ON CONFLICT (run, seq, at) DO NOTHING
    RETURNING at, run, seq, tenant, application, shape_id
  ), digested AS (
    INSERT INTO audit_digests (tenant, digest, at, run, seq)
    SELECT tenant, digest, at, run, seq FROM given, unnest(digests) AS digest
    ON CONFLICT DO NOTHING
  ), reached AS (
    INSERT INTO audit_tenant_shapes (tenant, shape_id, events, last_at)
    SELECT tenant, shape_id, count(*), max(at) FROM fresh GROUP BY 1, 2 ORDER BY 1, 2
    ON CONFLICT (tenant, shape_id) DO UPDATE SET events = audit_tenant_shapes.events + excluded.events,
      last_at = greatest(audit_tenant_shapes.last_at, excluded.last_at)
  )
  INSERT INTO audit_usage (tenant, shape_id, day, application, events, last_at)
  SELECT tenant, shape_id, (at AT TIME ZONE 'UTC')::date AS day, application, count(*), max(at)
  FROM fresh GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
  ON CONFLICT (tenant, shape_id, day, application) DO UPDATE
    SET events = audit_usage.events + excluded.events, last_at = greatest(audit_usage.last_at, excluded.last_at)`);
}
