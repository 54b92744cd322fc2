import { glob, open, stat } from 'node:fs/promises';
import { resolve } from 'node:path';

/** What a file holds, or why it cannot be read; the reason never holds any of its contents. */
export type FileText = { readonly text: string } | { readonly fault: string };

const SYSTEM_REASONS: ReadonlyMap<string, string> = new Map([
  ['ENOENT', 'there is no such file'],
  ['ENOTDIR', 'a part of its path is not a folder'],
  ['EACCES', 'permission is denied'],
  ['EPERM', 'permission is denied'],
  ['ELOOP', 'its symbolic links go in circles'],
  ['ENAMETOOLONG', 'the path is too long'],
]);

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
}

/** Why the system refused, without the message: paths below it may be nobody's business. */
function reasonOf(error: unknown): string {
  const code = codeOf(error);
  return SYSTEM_REASONS.get(code) ?? code;
}

const CHUNK_BYTES = 65_536;

/** Reads until the end or past the limit, whatever size the file claims to have. */
async function readBytes(path: string, bytesMax: number): Promise<Buffer> {
  const file = await open(path, 'r');
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    while (length <= bytesMax) {
      const { bytesRead, buffer } = await file.read(Buffer.alloc(CHUNK_BYTES), 0, CHUNK_BYTES, null);
      if (bytesRead === 0) {
        break;
      }
      chunks.push(buffer.subarray(0, bytesRead));
      length += bytesRead;
    }
    return Buffer.concat(chunks, length);
  } finally {
    await file.close();
  }
}

/** Reads a text file of bounded size; devices and pipes are refused, since they may never end. */
export async function readTextFile(path: string, bytesMax: number): Promise<FileText> {
  try {
    if (!(await stat(path)).isFile()) {
      return { fault: 'cannot be read: it is not a file' };
    }
    const bytes = await readBytes(path, bytesMax);
    if (bytes.length > bytesMax) {
      return { fault: `is larger than ${bytesMax} bytes` };
    }
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
  } catch (error) {
    return error instanceof TypeError && codeOf(error) === 'ERR_ENCODING_INVALID_ENCODED_DATA'
      ? { fault: 'is not UTF-8 text' }
      : { fault: `cannot be read: ${reasonOf(error)}` };
  }
}

/** Why a file that another part will read cannot be read, or null. */
export async function unreadable(path: string): Promise<string | null> {
  try {
    if (!(await stat(path)).isFile()) {
      return 'cannot be read: it is not a file';
    }
    await (await open(path, 'r')).close();
    return null;
  } catch (error) {
    return `cannot be read: ${reasonOf(error)}`;
  }
}

/** The files a pattern matches, absolute and in a fixed order, or why they cannot be listed. */
export async function matchFiles(
  pattern: string,
  folder: string,
  filesMax: number,
): Promise<{ readonly paths: readonly string[] } | { readonly fault: string }> {
  const paths = new Set<string>();
  try {
    for await (const match of glob(pattern, { cwd: folder })) {
      const path = resolve(folder, match);
      if ((await stat(path)).isFile()) {
        paths.add(path);
      }
      if (paths.size > filesMax) {
        return { fault: `matches more than ${filesMax} files` };
      }
    }
  } catch (error) {
    return { fault: `cannot be listed: ${reasonOf(error)}` };
  }
  return paths.size === 0 ? { fault: 'matches no file' } : { paths: [...paths].sort() };
}
