import type { NodePgDatabase } from 'drizzle-orm/node-postgres';
import pg from 'pg';
import { GatewayError } from '../errors.ts';
import { drizzle, sql } from './drizzle.ts';
import { type EmbeddedDatabase, startEmbeddedDatabase } from './embedded-database-server.ts';
import { NotificationClient } from './notification-client.ts';

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
  /** Not those that listen and follow. */
  readonly connections: DatabaseConnections;
  /** Runs work in one transaction that sees the rows of one tenant, or all where the scope is null. */
  transact<T>(scope: RowScope, work: (tx: Transaction) => Promise<T>): Promise<T>;
  /** As `transact`, on a connection that is kept for what must not wait for others; one at a time. */
  transactAhead<T>(scope: RowScope, work: (tx: Transaction) => Promise<T>): Promise<T>;
  /** Runs statements as the owner of the tables, outside of any tenant: for migrations. */
  asOwner<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T>;
  /**
   * Calls back for each notification on a channel until closed, and where some may have been missed, `isAnew` where another database may
   * answer by now; null where the database is in this process.
   */
  listen: ((channel: string, onWord: (isAnew: boolean) => void) => Promise<() => Promise<void>>) | null;
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
  /** Of one connection; null where the database has no other. */
  readonly #ahead: { readonly pool: pg.Pool; readonly db: NodePgDatabase } | null;
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
    const poolOf = (part: pg.PoolConfig) => {
      const pool = new pg.Pool({
        ...{ ...connection, connectionTimeoutMillis: timeoutMs, query_timeout: timeoutMs },
        ...{ application_name: 'portcullis', ...part },
      });
      return pool.on('error', onFault);
    };
    this.#pool = poolOf({});
    this.#db = drizzle(this.#pool);
    const ahead = embedded === null ? poolOf({ max: 1, idleTimeoutMillis: 0 }) : null;
    this.#ahead = ahead === null ? null : { pool: ahead, db: drizzle(ahead) };
    this.listen =
      embedded === null
        ? async (channel, onWord) => {
            const client = await NotificationClient.open({ url, channel, timeoutMs, onWord, onFault });
            return () => client.close();
          }
        : null;
  }

  get connections(): DatabaseConnections {
    const { totalCount, idleCount, waitingCount } = this.#pool;
    return { busy: totalCount - idleCount, idle: idleCount, waiting: waitingCount };
  }

  transact<T>(scope: RowScope, work: (tx: Transaction) => Promise<T>): Promise<T> {
    return transactOn(this.#db, scope, work);
  }

  transactAhead<T>(scope: RowScope, work: (tx: Transaction) => Promise<T>): Promise<T> {
    return transactOn(this.#ahead?.db ?? this.#db, scope, work);
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
    await this.#ahead?.pool.end();
    await this.#pool.end();
    await this.#embedded?.close();
  }
}

function transactOn<T>(
  db: NodePgDatabase,
  scope: RowScope,
  work: (tx: Transaction) => Promise<T>,
): Promise<T> {
  return db.transaction(async (tx) => {
    // As SET LOCAL ROLE, in one way to the database.
    await tx.execute(
      sql`SELECT set_config('role', 'portcullis_app', true), set_config('portcullis.tenant', ${scope ?? '*'}, true)`,
    );
    return work(tx);
  });
}
