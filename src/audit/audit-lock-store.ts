import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';

const FILE_MODE = 0o600;
const DIRECTORY_MODE = 0o700;
const ownerSchema = z.object({ pid: z.int().positive(), host: z.string(), token: z.string() });

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
  const token = randomUUID();
  const content = JSON.stringify({ pid: process.pid, host: hostname(), token });
  try {
    await writeFile(path, content, { flag: 'wx', mode: FILE_MODE });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    await refuseLiving(path);
    await rm(path);
    await writeFile(path, content, { flag: 'wx', mode: FILE_MODE });
  }
  held.add(path);
  const isHeld = async () => (await readFile(path, 'utf8').catch(() => null)) === content;
  return {
    held: isHeld,
    release: async () => {
      held.delete(path);
      if (await isHeld()) await rm(path);
    },
  };
}

async function refuseLiving(path: string): Promise<void> {
  const text = await readFile(path, 'utf8');
  let owner: z.infer<typeof ownerSchema> | undefined;
  try {
    owner = ownerSchema.safeParse(JSON.parse(text)).data;
  } catch {
    // A lock torn by a crash of the machine: its owner did not survive it.
    return;
  }
  if (owner === undefined) return;
  const elsewhere = owner.host !== hostname();
  if (elsewhere || (owner.pid !== process.pid && lives(owner.pid)))
    throw new Error(
      `process ${owner.pid} of another gateway writes to the audit directory; if it is gone, remove ${path}`,
    );
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH');
  }
}
