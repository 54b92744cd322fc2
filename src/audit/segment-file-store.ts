import { constants } from 'node:fs';
import { type FileHandle, lstat, open } from 'node:fs/promises';
import type { AuditFile } from './audit-file-store.ts';
import type { SegmentChain } from './segment-chain.ts';

const FILE_MODE = 0o600;
const { O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW, O_RDWR } = constants;
/** A write ends once it is on disk, which saves a second call for each group. Windows has none. */
const { O_DSYNC = 0 } = constants;

/** A file that was made, and what tells it from any other that may stand under its path. */
interface CreatedSegment {
  readonly handle: FileHandle;
  readonly path: string;
  readonly ino: bigint;
  readonly dev: bigint;
}

/** Begins a file under a path, or where that is taken under one with the number of the segment. Throws: what the system says of files. */
export async function createSegment(path: string, segment: number): Promise<CreatedSegment> {
  const taken = await createFile(path, segment);
  try {
    const { ino, dev } = await taken.handle.stat({ bigint: true });
    return { ...taken, ino, dev };
  } catch (error) {
    await taken.handle.close();
    throw error;
  }
}

async function createFile(path: string, segment: number): Promise<{ handle: FileHandle; path: string }> {
  const flags = O_APPEND | O_CREAT | O_EXCL | O_RDWR | O_NOFOLLOW | O_DSYNC;
  try {
    return { handle: await open(path, flags, FILE_MODE), path };
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
  const numbered = path.replace(/\.ndjson$/, `.${String(segment).padStart(9, '0')}.ndjson`);
  return { handle: await open(numbered, flags, FILE_MODE), path: numbered };
}

/** Writes all of it, at once where the disk takes it so; gives the number of bytes. */
async function writeAll(handle: FileHandle, parts: readonly Uint8Array[]): Promise<number> {
  const { bytesWritten } = await handle.writev(parts);
  const bytes = parts.reduce((sum, { length }) => sum + length, 0);
  if (bytesWritten === bytes) return bytes;
  const whole = Buffer.concat(parts);
  for (let written = bytesWritten; written < bytes; ) {
    const more = await handle.write(whole.subarray(written));
    if (more.bytesWritten === 0) throw new Error('the disk took no bytes');
    written += more.bytesWritten;
  }
  return bytes;
}

interface SegmentFileParts extends CreatedSegment {
  readonly segmentBytesMax: number;
  /** Units: milliseconds since the epoch. */
  readonly clock: () => number;
  readonly chain: SegmentChain;
  /** Told once the seal is on disk. */
  readonly onSealed: () => void;
}

/** One open segment. Invariant: of what is given it takes all or nothing, so that the chain never forks. */
export class SegmentFile implements AuditFile {
  readonly #parts: SegmentFileParts;
  readonly nextSeq: number;
  #bytes = 0;

  constructor(parts: SegmentFileParts) {
    this.#parts = parts;
    this.nextSeq = parts.chain.state.position.seq;
  }

  async append(lines: Uint8Array): Promise<number> {
    const { chain, clock } = this.#parts;
    await this.write(() => {
      chain.take(lines);
      return [lines, Buffer.from(chain.marker({ marker: 'checkpoint' }, clock()))];
    });
    return lines.length;
  }

  /** Writes what is chained, or takes back both the bytes and the chain. */
  async write(encode: () => readonly Uint8Array[]): Promise<void> {
    const { chain, handle } = this.#parts;
    const before = chain.state;
    try {
      const parts = encode();
      this.#bytes += await writeAll(handle, parts);
    } catch (error) {
      chain.restore(before);
      await handle.truncate(this.#bytes);
      throw error;
    }
  }

  async sync(): Promise<void> {
    if (O_DSYNC === 0) await this.#parts.handle.datasync();
  }

  full(): boolean {
    return this.#bytes >= this.#parts.segmentBytesMax;
  }

  async inPlace(): Promise<boolean> {
    const { path, ino, dev } = this.#parts;
    try {
      // While a file is open, its number is given to no other.
      const found = await lstat(path, { bigint: true });
      return found.ino === ino && found.dev === dev && Number(found.size) === this.#bytes;
    } catch (error) {
      if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR'))
        return false;
      throw error;
    }
  }

  async close(): Promise<void> {
    const { chain, handle, clock, onSealed } = this.#parts;
    try {
      // What others wrote into the file is found at the next start, and not signed here.
      if (await this.inPlace()) {
        await this.write(() => [Buffer.from(chain.seal(clock()))]);
        await this.sync();
        onSealed();
      }
    } finally {
      await handle.close();
    }
  }
}
