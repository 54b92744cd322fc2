import { constants } from 'node:fs';
import { open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { AuditVerifier } from './audit-signature.ts';
import { END_MARK_FILE, type FoundMark, readEndMark } from './end-mark.ts';

const FILE_MODE = 0o600;
const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants;

/** The mark of a log's end, beside its segments. Throws: what the system says of files. */
export async function loadEndMark(directory: string, verifier: AuditVerifier): Promise<FoundMark> {
  try {
    return readEndMark(await readFile(join(directory, END_MARK_FILE), 'utf8'), verifier);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return { text: null };
    throw error;
  }
}

/** Replaces it as a whole, never half. Throws: what the system says of files. */
export async function saveEndMark(directory: string, text: string): Promise<void> {
  const path = join(directory, END_MARK_FILE);
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
