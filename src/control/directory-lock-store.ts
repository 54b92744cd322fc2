import { randomUUID } from 'node:crypto';
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { z } from 'zod';
import { GatewayError } from '../errors.ts';

/** Directories that this process has open: its own number in a lock says nothing about them. */
const held = new Set<string>();

/**
 * Takes a directory for this process by a file beside it, until it is disposed of.
 * Two processes in one directory would destroy it, so the number of the one that has it stands in a file beside it. A file
 * with this process's own number, of which it knows nothing, was left by one that had the number before: in a container
 * it is always the same.
 * Throws: CONTROL_PLANE_UNAVAILABLE where another one lives that has it, or may live on another machine.
 */
export async function takeDirectoryLock(path: string): Promise<AsyncDisposable> {
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
  return {
    [Symbol.asyncDispose]: async () => {
      held.delete(path);
      await rm(path, { force: true });
    },
  };
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
