import { constants, copyFile, link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { isDoorName } from './lock-door-server.ts';

const FILE_MODE = 0o600;
const ownerSchema = z.object({
  pid: z.int().positive(),
  /** When the process began, as its system tells it; absent where that does not. */
  began: z.string().optional(),
  host: z.string(),
  token: z.string(),
  /** Name of the socket beside it that its owner listens on; absent where there is none. */
  door: z.string().refine(isDoorName).optional().catch(undefined),
});

/** Who holds a lock. Invariant: no two claims have the same token. */
export type LockOwner = Readonly<z.infer<typeof ownerSchema>>;

/** What a claim does to files; each is one step of the system. */
export interface LockFiles {
  /** Makes a file that is not there yet. */
  write(path: string, text: string): Promise<void>;
  /** Gives a file a second name; false where that is taken. */
  link(path: string, name: string): Promise<boolean>;
  /** Null where there is none. */
  read(path: string): Promise<string | null>;
  rename(path: string, name: string): Promise<void>;
  remove(path: string): Promise<void>;
}

/** What file systems say that have no hard links. */
const NO_LINKS: ReadonlySet<unknown> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK']);

/** Those of this machine. */
export function lockFiles(linkFile: typeof link = link): LockFiles {
  return {
    write: (path, text) => writeFile(path, text, { flag: 'wx', mode: FILE_MODE }),
    link: (path, name) =>
      linkFile(path, name)
        // A copy is made for one alone too, though another may see it half-written.
        .catch((error) => {
          if (!NO_LINKS.has(codeOf(error))) throw error;
          return copyFile(path, name, constants.COPYFILE_EXCL);
        })
        .then(() => true, unless('EEXIST', false)),
    read: (path) => readFile(path, 'utf8').catch(unless('ENOENT', null)),
    rename: (path, name) => rename(path, name),
    remove: (path) => rm(path, { force: true }),
  };
}

export interface LockDeps {
  readonly files: LockFiles;
  /** Whether a process of this machine runs that began then, where that is known. */
  readonly lives: (pid: number, began: string | undefined) => boolean;
  /** Whether the owner of a lock listens at its door. Default: nobody does. */
  readonly answers?: (door: string) => Promise<boolean>;
}

/** A lock changes hands while it is looked at; whoever finds that so often gives up. */
const TRIES_MAX = 8;
/** Each crash in the moment of taking over leaves a lock that another one stands before. */
const TAKEOVERS_MAX = 4;

/**
 * Claims a lock file and returns what stands in it then; the lock of a process of this machine that died is taken over. Throws: where it is
 * held.
 * Invariant: a file is never seen half-written, one that is there is only replaced by who holds its `.takeover`, a lock like itself, and has
 * then seen the dead one still there: of any number of processes one gets it.
 */
export async function claimLock(path: string, owner: LockOwner, deps: LockDeps, depth = 0): Promise<string> {
  const { files } = deps;
  const content = JSON.stringify(owner);
  const own = `${path}.${owner.token}`;
  await files.write(own, content);
  try {
    for (let tries = 0; tries < TRIES_MAX; tries += 1) {
      if (await files.link(own, path)) return content;
      const found = await files.read(path);
      if (found === null) continue;
      await refuseLiving(path, { found, owner }, deps);
      if (depth === TAKEOVERS_MAX)
        throw new Error(`the lock was left behind too often: remove ${path} by hand`);
      if (await takeOver({ path, own, found }, owner, { ...deps, depth })) return content;
    }
    throw new Error(`others take ${path} all the time`);
  } finally {
    await files.remove(own);
  }
}

/** False where another was faster. */
async function takeOver(
  { path, own, found }: { readonly path: string; readonly own: string; readonly found: string },
  owner: LockOwner,
  { depth, ...deps }: LockDeps & { readonly depth: number },
): Promise<boolean> {
  const { files } = deps;
  const before = `${path}.takeover`;
  await claimLock(before, owner, deps, depth + 1);
  try {
    if ((await files.read(path)) !== found) return false;
    await files.rename(own, path);
    return true;
  } finally {
    await files.remove(before);
  }
}

async function refuseLiving(
  path: string,
  { found, owner }: { readonly found: string; readonly owner: LockOwner },
  { lives, answers }: LockDeps,
): Promise<void> {
  const held = readOwner(found);
  // A lock torn by a crash of the machine: its owner did not survive it.
  if (held === null) return;
  // One with our own pid is of a process before us, or of one in another container: numbers of processes say nothing there.
  const isGone = held.host === owner.host && (held.pid === owner.pid || !lives(held.pid, held.began));
  const isAnswered = isGone && held.door !== undefined && (await answers?.(held.door)) === true;
  if (isGone && !isAnswered) return;
  throw new Error(
    `process ${held.pid} of another gateway writes to the audit directory; if it is gone, remove ${path}`,
  );
}

function readOwner(text: string): LockOwner | null {
  try {
    return ownerSchema.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    return null;
  }
}

/** What stands for a fault of one kind. Throws: any other. */
function unless<T>(code: string, otherwise: T): (error: unknown) => T {
  return (error) => {
    if (codeOf(error) === code) return otherwise;
    throw error;
  };
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : null;
}
