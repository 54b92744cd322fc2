import { GatewayError } from '../errors.ts';
import type { ControlDatabase } from './database-pool.ts';
import type { Migration } from './migrations-source.ts';

/** Any number that no other program uses for its own lock in the same database. */
const LOCK = 7_021_884_651;

const TABLE = `CREATE TABLE IF NOT EXISTS portcullis_migrations (
  name text PRIMARY KEY, digest text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())`;

/**
 * Applies what is missing, each step in a transaction of its own, one process at a time; returns the names applied.
 * Throws: CONTROL_PLANE_UNAVAILABLE where the database is newer than this version, or an applied step was changed.
 */
export function migrate(
  database: ControlDatabase,
  migrations: readonly Migration[],
): Promise<readonly string[]> {
  return database.asOwner(async (client) => {
    await client.query('SELECT pg_advisory_lock($1)', [LOCK]);
    try {
      await client.query(TABLE);
      const { rows } = await client.query<{ name: string; digest: string }>(
        'SELECT name, digest FROM portcullis_migrations',
      );
      const applied = new Map(rows.map(({ name, digest }) => [name, digest]));
      requireKnown(applied, migrations);
      const missing = migrations.filter(({ name }) => !applied.has(name));
      for (const { name, sql, digest } of missing) {
        await client.query('BEGIN');
        try {
          await client.query(sql);
          await client.query('INSERT INTO portcullis_migrations (name, digest) VALUES ($1, $2)', [
            name,
            digest,
          ]);
          await client.query('COMMIT');
        } catch (fault) {
          await client.query('ROLLBACK');
          throw fault;
        }
      }
      return missing.map(({ name }) => name);
    } finally {
      await client.query('SELECT pg_advisory_unlock($1)', [LOCK]);
    }
  });
}

/** Names of the migrations that a database lacks. Throws: as `migrate`. */
export function pendingMigrations(
  database: ControlDatabase,
  migrations: readonly Migration[],
): Promise<readonly string[]> {
  return database.asOwner(async (client) => {
    const { rows: tables } = await client.query("SELECT to_regclass('portcullis_migrations') AS name");
    if (tables[0]?.name == null) return migrations.map(({ name }) => name);
    const { rows } = await client.query<{ name: string; digest: string }>(
      'SELECT name, digest FROM portcullis_migrations',
    );
    const applied = new Map(rows.map(({ name, digest }) => [name, digest]));
    requireKnown(applied, migrations);
    return migrations.filter(({ name }) => !applied.has(name)).map(({ name }) => name);
  });
}

function requireKnown(applied: ReadonlyMap<string, string>, migrations: readonly Migration[]): void {
  const known = new Map(migrations.map(({ name, digest }) => [name, digest]));
  for (const [name, digest] of applied) {
    const expected = known.get(name);
    if (expected === digest) continue;
    const message =
      expected === undefined
        ? `the database has the migration ${name}, which this version does not know: run a newer version`
        : `the migration ${name} was changed after it had been applied`;
    throw new GatewayError('CONTROL_PLANE_UNAVAILABLE', { details: [{ message }] });
  }
}
