import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { GatewayError } from '../errors.ts';
import { takeDirectoryLock } from './directory-lock-store.ts';
import type { PgliteWorkerData } from './pglite-worker.ts';

/** PostgreSQL inside this process, in a thread of its own, reached through a UNIX socket. */
export interface EmbeddedDatabase {
  /** What a client takes as its host. */
  readonly host: string;
  close(): Promise<void>;
}

/** Reason: the driver appends this name to a host that is a directory. */
const SOCKET_NAME = '.s.PGSQL.5432';
/** One more than is used, so that a connection in place of a broken one is not refused. */
export const EMBEDDED_CONNECTIONS_MAX = 2;
const CLOSE_TIMEOUT_MS = 10_000;

/**
 * Starts the embedded database on a directory, or in memory where it is null.
 * Throws: CONTROL_PLANE_UNAVAILABLE where another process has the directory, or it does not start.
 */
export async function startEmbeddedDatabase(directory: string | null): Promise<EmbeddedDatabase> {
  const opened = new AsyncDisposableStack();
  try {
    if (directory !== null) {
      await mkdir(dirname(directory), { recursive: true, mode: 0o700 });
      opened.use(await takeDirectoryLock(`${directory}.lock`));
    }
    const host = await mkdtemp(join(tmpdir(), 'portcullis-'));
    await chmod(host, 0o700);
    opened.defer(() => rm(host, { recursive: true, force: true }));
    const workerData: PgliteWorkerData = {
      directory,
      socket: join(host, SOCKET_NAME),
      connectionsMax: EMBEDDED_CONNECTIONS_MAX,
    };
    const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js';
    const worker = new Worker(new URL(`./pglite-worker${extension}`, import.meta.url), { workerData });
    opened.defer(() => stop(worker));
    await heard(worker, 'ready');
    worker.unref();
    return { host, close: () => opened.disposeAsync() };
  } catch (cause) {
    await opened.disposeAsync();
    if (cause instanceof GatewayError) throw cause;
    const details = [{ message: `the embedded database does not start in ${directory ?? 'memory'}` }];
    throw new GatewayError('CONTROL_PLANE_UNAVAILABLE', { cause, details });
  }
}

function heard(worker: Worker, word: string): Promise<void> {
  return new Promise((resolve, reject) => {
    worker.once('error', reject);
    worker.once('exit', () => reject(new Error('the thread of the database has ended')));
    worker.on('message', (message) => {
      if (message === word) resolve();
    });
  });
}

/** What was committed is on disk; a thread that does not end in time is ended. */
async function stop(worker: Worker): Promise<void> {
  const closed = heard(worker, 'closed').catch(() => undefined);
  worker.postMessage('close');
  const timer = Promise.withResolvers<void>();
  const timeout = setTimeout(timer.resolve, CLOSE_TIMEOUT_MS);
  await Promise.race([closed, timer.promise]);
  clearTimeout(timeout);
  await worker.terminate();
}
