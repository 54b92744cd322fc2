import { parentPort, workerData } from 'node:worker_threads';
import { PGlite } from '@electric-sql/pglite';
import { servePglite } from './pglite-socket-server.ts';

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
const server = await servePglite(db, { path: socket, connectionsMax });
parentPort?.once('message', async () => {
  await server.close();
  await db.close();
  parentPort?.postMessage('closed');
});
parentPort?.postMessage('ready');
