import { constants } from 'node:fs';
import { type FileHandle, lstat, mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';

/** One file of the audit, open for appending; what the sink needs of a disk and no more. */
export interface AuditFile {
  /** Number of the first line that is appended, by all that the log holds. */
  readonly nextSeq: number;
  /** Resolves to how many bytes were taken, which may be fewer than given. */
  append(bytes: Uint8Array): Promise<number>;
  /** Resolves when all that was appended is on disk. */
  sync(): Promise<void>;
  /** False once the path no longer names this file: lines written to it would be lost with it. */
  inPlace(): Promise<boolean>;
  /** True once the next lines belong into another file. */
  full(): boolean;
  close(): Promise<void>;
}

export type OpenAuditFile = (path: string) => Promise<AuditFile>;

const FILE_MODE = 0o600;
const DIRECTORY_MODE = 0o700;
const LINE_FEED = 0x0a;

/**
 * Opens or creates a file of the audit, readable by its owner only; a line that a crash tore is ended, so that
 * the next one parses. Symbolic links are not followed, so that nobody can turn the audit onto another file.
 */
export async function openAuditFile(path: string): Promise<AuditFile> {
  await mkdir(dirname(path), { recursive: true, mode: DIRECTORY_MODE });
  const { O_APPEND, O_CREAT, O_RDWR, O_NOFOLLOW } = constants;
  const handle = await open(path, O_APPEND | O_CREAT | O_RDWR | O_NOFOLLOW, FILE_MODE);
  try {
    await prepare(handle);
  } catch (error) {
    await handle.close();
    throw error;
  }
  return {
    nextSeq: 0,
    append: async (bytes) => (await handle.write(bytes)).bytesWritten,
    sync: () => handle.datasync(),
    inPlace: () => names(path, handle),
    full: () => false,
    close: () => handle.close(),
  };
}

async function prepare(handle: FileHandle): Promise<void> {
  const { mode, size } = await handle.stat();
  if ((mode & 0o777) !== FILE_MODE) await handle.chmod(FILE_MODE);
  if (size === 0) return;
  const { buffer } = await handle.read(new Uint8Array(1), 0, 1, size - 1);
  if (buffer[0] !== LINE_FEED) await handle.write(Uint8Array.of(LINE_FEED));
}

async function names(path: string, handle: FileHandle): Promise<boolean> {
  const opened = await handle.stat({ bigint: true });
  try {
    const found = await lstat(path, { bigint: true });
    return found.ino === opened.ino && found.dev === opened.dev;
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR'))
      return false;
    throw error;
  }
}
