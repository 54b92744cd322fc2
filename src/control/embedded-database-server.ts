import { randomUUID } from 'node:crypto';
import { chmod, link, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { z } from 'zod';
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
      opened.defer(async () => {
        held.delete(lock);
        await rm(lock, { force: true });
      });
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

/** Directories that this process has open: its own number in a lock says nothing about them. */
const held = new Set<string>();

/**
 * Two processes in one directory would destroy it, so the number of the one that has it stands in a file beside it. A file
 * with this process's own number, of which it knows nothing, was left by one that had the number before: in a container
 * it is always the same.
 */
async function takeLock(path: string): Promise<string> {
  if (held.has(path)) throw inUse(process.pid, path);
  // Written whole before it stands there, so that nobody reads half of it.
  const mine = `${path}.${randomUUID()}`;
  await writeFile(mine, JSON.stringify({ pid: process.pid, host: hostname() }), { flag: 'wx', mode: 0o600 });
  try {
    if (!(await linked(mine, path))) {
      await refuseLiving(path);
      // Of several that find the same dead owner only one moves its file away.
      await rename(path, `${mine}.old`).catch(ignoreMissing);
      await rm(`${mine}.old`, { force: true });
      if (!(await linked(mine, path))) throw inUse(0, path);
    }
  } finally {
    await rm(mine, { force: true });
  }
  held.add(path);
  return path;
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (fault) {
    if ((fault as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw fault;
  }
}

async function refuseLiving(path: string): Promise<void> {
  const text = await readFile(path, 'utf8').catch(ignoreMissing);
  const owner = text === undefined ? null : ownerSchema.safeParse(jsonOf(text)).data;
  // What is no lock of ours was torn by a crash of the machine, which its owner did not survive.
  if (owner == null) return;
  const isElsewhere = owner.host !== hostname();
  if (isElsewhere || (owner.pid !== process.pid && isAlive(owner.pid))) throw inUse(owner.pid, path);
}

const ownerSchema = z.object({ pid: z.int().positive(), host: z.string() });

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function ignoreMissing(fault: NodeJS.ErrnoException): undefined {
  if (fault.code !== 'ENOENT') throw fault;
}

function inUse(pid: number, path: string): GatewayError {
  const message = `process ${pid} has the embedded database; if that is no gateway, remove ${path}`;
  return new GatewayError('CONTROL_PLANE_UNAVAILABLE', { details: [{ message }] });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (fault) {
    return (fault as NodeJS.ErrnoException).code === 'EPERM';
  }
}
