import { parentPort, workerData } from 'node:worker_threads';
import { PGlite } from '@electric-sql/pglite';
import { PGLiteSocketServer } from '@electric-sql/pglite-socket';

/** What the thread is started with. */
export interface PgliteWorkerData {
  /** Null for a database in memory. */
  readonly directory: string | null;
  /** Where it listens: a UNIX socket in a directory of its owner's only. */
  readonly socket: string;
  readonly connectionsMax: number;
}

const { directory, socket, connectionsMax } = workerData as PgliteWorkerData;
const db = await PGlite.create(directory ?? 'memory://');
const server = new PGLiteSocketServer({ db, path: socket, maxConnections: connectionsMax });
await server.start();
parentPort?.once('message', async () => {
  await server.stop();
  await db.close();
  parentPort?.postMessage('closed');
});
parentPort?.postMessage('ready');
