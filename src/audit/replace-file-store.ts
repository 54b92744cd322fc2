import { constants } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';

const FILE_MODE = 0o600;
const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants;

/** Replaces a file that its owner alone may read, as a whole, never half. Throws: what the system says of files. */
export async function replaceFile(path: string, text: string): Promise<void> {
  const next = `${path}.next`;
  // What a crash left there may be a link that somebody placed.
  await rm(next, { force: true });
  const handle = await open(next, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW, FILE_MODE);
  try {
    await handle.writeFile(text);
    await handle.datasync();
  } finally {
    await handle.close();
  }
  await rename(next, path);
}
