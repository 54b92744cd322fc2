import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { claimLock, lockFiles } from './claim-lock-store.ts';
import { answersAt, openLockDoor, removeDeadDoors } from './lock-door-server.ts';

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
  const { pid } = process;
  held.add(path);
  const token = randomUUID();
  // Before the claim, so that no lock is seen whose owner does not answer yet.
  const door = await openLockDoor(directory, token);
  const owner = { pid, began: beginOf(pid), host: hostname(), token, door: door.name ?? undefined };
  const answers = (name: string): Promise<boolean> => answersAt(directory, name);
  let content: string;
  try {
    content = await claimLock(path, owner, { files: lockFiles(), lives, answers });
    await removeDeadDoors(directory);
  } catch (error) {
    held.delete(path);
    await door.close();
    throw error;
  }
  const isHeld = async () => (await readFile(path, 'utf8').catch(() => null)) === content;
  return {
    held: isHeld,
    release: async () => {
      held.delete(path);
      if (await isHeld()) await rm(path);
      await door.close();
    },
  };
}

/** Whether a process runs; where it is known when that one began, one that began at another time got its number after it. */
function lives(pid: number, began: string | undefined): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH');
  }
  const found = beginOf(pid);
  return began === undefined || found === undefined || found === began;
}

const START_TIME_FIELD = 22;

/**
 * When a process began, in ticks of the machine since it was started, and which start that was; undefined where the system does not tell, or
 * not us. Source: proc_pid_stat(5): the second field is a name in brackets, which may hold blanks and brackets itself.
 */
export function beginOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
    const ticks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[START_TIME_FIELD - 3];
    return ticks === undefined ? undefined : `${boot}:${ticks}`;
  } catch {
    // Other systems have no such files, and some hide those of others: then the number alone decides, as for locks of before.
    return undefined;
  }
}
