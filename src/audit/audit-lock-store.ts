import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { claimLock, lockFiles } from './claim-lock-store.ts';

const DIRECTORY_MODE = 0o700;

/** Directories that this process writes to: its own pid says nothing about them. */
const held = new Set<string>();

/** The claim of one process on a directory. */
export interface AuditLock {
  /** False once the directory was moved or removed, or another took it. */
  held(): Promise<boolean>;
  release(): Promise<void>;
}

/** Claims a directory; what a process of this machine left behind when it died is taken over. Throws: what is wrong. */
export async function lockAuditDirectory(directory: string): Promise<AuditLock> {
  await mkdir(directory, { recursive: true, mode: DIRECTORY_MODE });
  const path = join(directory, 'audit.lock');
  if (held.has(path)) throw new Error('this process writes to the audit directory already');
  const owner = { pid: process.pid, host: hostname(), token: randomUUID() };
  held.add(path);
  let content: string;
  try {
    content = await claimLock(path, owner, { files: lockFiles(), lives });
  } catch (error) {
    held.delete(path);
    throw error;
  }
  const isHeld = async () => (await readFile(path, 'utf8').catch(() => null)) === content;
  return {
    held: isHeld,
    release: async () => {
      held.delete(path);
      if (await isHeld()) await rm(path);
    },
  };
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH');
  }
}
