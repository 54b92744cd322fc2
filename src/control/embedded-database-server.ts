import { chmod, mkdir, mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { GatewayError } from '../errors.ts';
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
      const lock = await takeLock(`${directory}.lock`);
      opened.defer(() => rm(lock, { force: true }));
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

/** Two processes in one directory would destroy it, so the first one's number stands in a file beside it. */
async function takeLock(path: string, isRetry = false): Promise<string> {
  const file = await open(path, 'wx', 0o600).catch((fault: NodeJS.ErrnoException) => {
    if (fault.code !== 'EEXIST') throw fault;
    return null;
  });
  if (file !== null) {
    await file.writeFile(String(process.pid));
    await file.close();
    return path;
  }
  const holder = Number(await readFile(path, 'utf8'));
  if (isRetry || holder === process.pid || isAlive(holder)) {
    const message = `process ${holder} has the embedded database; if that is no gateway, remove ${path}`;
    const details = [{ message }];
    throw new GatewayError('CONTROL_PLANE_UNAVAILABLE', { details });
  }
  await rm(path, { force: true });
  return takeLock(path, true);
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (fault) {
    return (fault as NodeJS.ErrnoException).code === 'EPERM';
  }
}
