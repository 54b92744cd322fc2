import { sql } from 'drizzle-orm';
import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres';
import pg from 'pg';
import { GatewayError } from '../errors.ts';
import { type EmbeddedDatabase, startEmbeddedDatabase } from './embedded-database-server.ts';

export interface DatabaseOptions {
  /** `pglite://PATH`, `pglite://memory`, or a `postgres://` URL. */
  readonly url: string;
  /** Longest time one statement may take, and to wait for a connection. */
  readonly timeoutMs: number;
  readonly connectionsMax: number;
  /** Told of a connection that breaks while nobody uses it. */
  readonly onFault: (fault: unknown) => void;
}

/** What statements are run on inside a transaction. */
export type Transaction = Parameters<Parameters<NodePgDatabase['transaction']>[0]>[0];

/** Whose rows a transaction sees: one tenant's by its id, or all. */
export type RowScope = string | null;

/** Connections to a database, and calls that wait for one. */
export interface DatabaseConnections {
  readonly busy: number;
  readonly idle: number;
  readonly waiting: number;
}

/** The database of the control plane. */
export interface ControlDatabase {
  /** Not the one that listens. */
  readonly connections: DatabaseConnections;
  /** Runs work in one transaction that sees the rows of one tenant, or all where the scope is null. */
  transact<T>(scope: RowScope, work: (tx: Transaction) => Promise<T>): Promise<T>;
  /** Runs statements as the owner of the tables, outside of any tenant: for migrations. */
  asOwner<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T>;
  /** Calls back for each notification on a channel until closed; null where the database is in this process. */
  listen: ((channel: string, onWord: (payload: string) => void) => Promise<() => Promise<void>>) | null;
  close(): Promise<void>;
}

/** Opens the database. Throws: CONTROL_PLANE_UNAVAILABLE. */
export async function openDatabase(options: DatabaseOptions): Promise<ControlDatabase> {
  const embedded = options.url.startsWith('pglite://')
    ? await startEmbeddedDatabase(pgliteDirectory(options.url))
    : null;
  return new PooledDatabase(options, embedded);
}

function pgliteDirectory(url: string): string | null {
  const path = url.slice('pglite://'.length);
  return path === 'memory' ? null : path;
}

class PooledDatabase implements ControlDatabase {
  readonly #pool: pg.Pool;
  readonly #db: NodePgDatabase;
  readonly #embedded: EmbeddedDatabase | null;
  readonly listen: ControlDatabase['listen'];

  constructor(
    { url, timeoutMs, connectionsMax, onFault }: DatabaseOptions,
    embedded: EmbeddedDatabase | null,
  ) {
    this.#embedded = embedded;
    const connection =
      embedded === null
        ? { connectionString: url, max: connectionsMax, statement_timeout: timeoutMs }
        : { host: embedded.host, user: 'postgres', database: 'postgres', max: 1 };
    this.#pool = new pg.Pool({
      ...connection,
      connectionTimeoutMillis: timeoutMs,
      query_timeout: timeoutMs,
      application_name: 'portcullis',
    });
    this.#pool.on('error', onFault);
    this.#db = drizzle(this.#pool);
    this.listen = embedded === null ? (channel, onWord) => listenOn({ url, onFault }, channel, onWord) : null;
  }

  get connections(): DatabaseConnections {
    const { totalCount, idleCount, waitingCount } = this.#pool;
    return { busy: totalCount - idleCount, idle: idleCount, waiting: waitingCount };
  }

  transact<T>(scope: RowScope, work: (tx: Transaction) => Promise<T>): Promise<T> {
    return this.#db.transaction(async (tx) => {
      // As SET LOCAL ROLE, in one way to the database.
      await tx.execute(
        sql`SELECT set_config('role', 'portcullis_app', true), set_config('portcullis.tenant', ${scope ?? '*'}, true)`,
      );
      return work(tx);
    });
  }

  async asOwner<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    const client = await this.#pool.connect().catch((cause: unknown) => {
      const details = [{ message: 'the database of the control plane cannot be reached' }];
      throw new GatewayError('CONTROL_PLANE_UNAVAILABLE', { cause, details });
    });
    try {
      return await work(client);
    } finally {
      client.release();
    }
  }

  async close(): Promise<void> {
    await this.#pool.end();
    await this.#embedded?.close();
  }
}

/** A connection that only listens; who follows asks from time to time as well, so a broken one loses nothing. */
async function listenOn(
  { url, onFault }: { readonly url: string; readonly onFault: (fault: unknown) => void },
  channel: string,
  onWord: (payload: string) => void,
): Promise<() => Promise<void>> {
  const client = new pg.Client({
    connectionString: url,
    application_name: 'portcullis-listen',
    keepAlive: true,
  });
  client.on('error', onFault);
  client.on('notification', ({ payload }) => onWord(payload ?? ''));
  await client.connect();
  await client.query(`LISTEN ${pg.escapeIdentifier(channel)}`);
  return () => client.end();
}
