import { readdir, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { join, resolve } from 'node:path';

/** A socket beside a lock. It answers as long as its process lives, whatever number that has where somebody asks. */
export interface LockDoor {
  /** Of its file; null where there can be none, as on some file systems and under long paths. */
  readonly name: string | null;
  close(): Promise<void>;
}

const NAME = /^audit\.[0-9a-f]{8}\.sock$/;
/** The shortest that any system takes. */
const PATH_BYTES_MAX = 103;
const NO_DOOR: LockDoor = { name: null, close: async () => undefined };
/** What is said where nobody listens. */
const UNANSWERED: ReadonlySet<unknown> = new Set(['ECONNREFUSED', 'ENOENT', 'ENOTSOCK']);

/** Whether a text can be the name of a door. */
export function isDoorName(name: string): boolean {
  return NAME.test(name);
}

/** Opens a door in a directory, named after the token of a lock. */
export async function openLockDoor(directory: string, token: string): Promise<LockDoor> {
  const name = `audit.${token.slice(0, 8)}.sock`;
  const path = resolve(directory, name);
  if (!isDoorName(name) || Buffer.byteLength(path) > PATH_BYTES_MAX) return NO_DOOR;
  const server = createServer((socket) => socket.destroy());
  const opened = await new Promise<boolean>((settle) => {
    server.once('error', () => settle(false));
    server.listen(path, () => settle(true));
  });
  // Without one the number of a process alone decides, as for locks of before.
  if (!opened) return NO_DOOR;
  server.unref();
  return { name, close: () => new Promise((settle) => server.close(() => settle())) };
}

/** Whether somebody listens at a door. What cannot be asked may be alive. */
export function answersAt(directory: string, name: string): Promise<boolean> {
  return new Promise((settle) => {
    const socket = connect(resolve(directory, name));
    socket.once('connect', () => {
      socket.destroy();
      settle(true);
    });
    socket.once('error', (fault) => settle(!('code' in fault && UNANSWERED.has(fault.code))));
  });
}

/** Removes the doors that processes left which died. Throws: what the system says of files. */
export async function removeDeadDoors(directory: string): Promise<void> {
  for (const name of await readdir(directory))
    if (isDoorName(name) && !(await answersAt(directory, name)))
      await rm(join(directory, name), { force: true });
}
