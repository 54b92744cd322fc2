import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AuditVerifier } from './audit-signature.ts';
import { END_MARK_FILE, type FoundMark, readEndMark } from './end-mark.ts';
import { replaceFile } from './replace-file-store.ts';

/** The mark of a log's end, beside its segments. Throws: what the system says of files. */
export async function loadEndMark(directory: string, verifier: AuditVerifier): Promise<FoundMark> {
  try {
    return readEndMark(await readFile(join(directory, END_MARK_FILE), 'utf8'), verifier);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return { text: null };
    throw error;
  }
}

/** Throws: what the system says of files. */
export async function saveEndMark(directory: string, text: string): Promise<void> {
  await replaceFile(join(directory, END_MARK_FILE), text);
}
