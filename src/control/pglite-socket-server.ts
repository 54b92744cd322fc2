import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import type { PGlite } from '@electric-sql/pglite';
import { fatal, openingOf, turnBytes } from './postgres-turns.ts';

/** What is asked of the database, by nobody else. */
type Database = Pick<PGlite, 'execProtocolRawStream' | 'isInTransaction'>;

/** Serves an embedded database to clients in this process. */
export interface PgliteSocketServer {
  /** Ends all connections, and what they have not committed. */
  close(): Promise<void>;
}

const NOTHING = Buffer.alloc(0);
const TERMINATE = 'X'.charCodeAt(0);
/** A query, as its message: type, length, text, zero. */
const ROLLBACK = Buffer.from('Q\0\0\0\rROLLBACK\0', 'latin1');

/**
 * Serves PGlite at a UNIX socket. The messages of one query are run together and answered with one write: each write wakes the
 * thread of the client, which takes longer than most queries.
 */
export async function servePglite(
  db: Database,
  { path, connectionsMax }: { readonly path: string; readonly connectionsMax: number },
): Promise<PgliteSocketServer> {
  const turns = new Turns(db);
  const server = createServer((socket) => turns.connect(socket));
  server.maxConnections = connectionsMax;
  server.listen(path);
  await once(server, 'listening');
  return {
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      turns.close();
      await closed;
    },
  };
}

/** One connection, and what it has sent that is not run yet. */
interface Client {
  readonly socket: Socket;
  unread: Buffer;
  isOpen: boolean;
}

/** The database has one session, which its connections take in turns; who has begun a transaction keeps it to its end. */
class Turns {
  readonly #db: Database;
  /** In the order in which they wait; each has what it sent last in its `unread`. */
  readonly #clients = new Set<Client>();
  #holder: Client | null = null;
  #isRunning = false;

  constructor(db: Database) {
    this.#db = db;
  }

  connect(socket: Socket): void {
    const client: Client = { socket, unread: NOTHING, isOpen: false };
    this.#clients.add(client);
    socket.on('data', (chunk: Buffer) => {
      client.unread = client.unread.length === 0 ? chunk : Buffer.concat([client.unread, chunk]);
      void this.#run();
    });
    // What it broke with is of no use to anybody: it ends as one that closes.
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      this.#clients.delete(client);
      void this.#run();
    });
  }

  close(): void {
    for (const { socket } of this.#clients) socket.destroy();
  }

  async #run(): Promise<void> {
    if (this.#isRunning) return;
    this.#isRunning = true;
    try {
      while (await this.#step()) {
        // Each step is one turn.
      }
    } finally {
      this.#isRunning = false;
    }
  }

  /** Whether there was anything to do. */
  async #step(): Promise<boolean> {
    const holder = this.#holder;
    if (holder !== null) {
      if (this.#clients.has(holder)) return this.#turnOf(holder);
      await this.#answer(null, ROLLBACK);
      this.#holder = null;
    }
    for (const client of this.#clients) {
      if (!(await this.#turnOf(client))) continue;
      // To the end of those that wait.
      if (this.#clients.delete(client)) this.#clients.add(client);
      return true;
    }
    return false;
  }

  /** Runs what a client has sent first, where it is whole. */
  async #turnOf(client: Client): Promise<boolean> {
    try {
      return client.isOpen ? await this.#query(client) : await this.#open(client);
    } catch (fault) {
      // Neither of them knows any more what the other has understood; what it had begun is undone.
      this.#holder = this.#db.isInTransaction() ? client : null;
      this.#clients.delete(client);
      client.socket.end(fatal(String(fault)));
      client.socket.destroySoon();
      return true;
    }
  }

  async #open(client: Client): Promise<boolean> {
    const opening = openingOf(client.unread);
    if (opening === null) return false;
    if (opening.kind === 'unknown') throw new TypeError('not the beginning of a session');
    const message = taken(client, opening.bytes);
    if (opening.kind === 'encryption') {
      client.socket.write('N');
      return true;
    }
    client.isOpen = true;
    await this.#answer(client.socket, message);
    return true;
  }

  async #query(client: Client): Promise<boolean> {
    const bytes = turnBytes(client.unread);
    if (bytes === 0) return false;
    const messages = taken(client, bytes);
    if (messages[0] === TERMINATE) {
      client.socket.end();
      return true;
    }
    await this.#answer(client.socket, messages);
    this.#holder = this.#db.isInTransaction() ? client : null;
    return true;
  }

  async #answer(socket: Socket | null, messages: Uint8Array): Promise<void> {
    socket?.cork();
    try {
      await this.#db.execProtocolRawStream(messages, {
        // A view of memory that the database uses again.
        onRawData: (data) => socket?.write(Buffer.from(data)),
      });
    } finally {
      socket?.uncork();
    }
  }
}

/** Takes the first bytes of what is unread. */
function taken(client: Client, bytes: number): Buffer {
  const first = client.unread.subarray(0, bytes);
  client.unread = client.unread.subarray(bytes);
  return first;
}
