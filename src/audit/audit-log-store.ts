import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, lstat, mkdir, open, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { GatewayError } from '../errors.ts';
import type { AuditFile, OpenAuditFile } from './audit-file-store.ts';
import { defaultAuditKeyPath, obtainAuditKey } from './audit-key-store.ts';
import { type AuditLock, lockAuditDirectory } from './audit-lock-store.ts';
import { type RetentionOptions, SegmentRetention } from './audit-retention-store.ts';
import {
  type AuditSigner,
  type AuditVerifier,
  createAuditSigner,
  createAuditVerifier,
} from './audit-signature.ts';
import { CHAIN_START, type ChainPosition } from './chained-line.ts';
import { ChainedLines } from './chained-lines.ts';
import { SEGMENT_VERSION, SegmentChain } from './segment-chain.ts';
import { type CheckedSegment, checkSegment, listSegments } from './segment-read-store.ts';

/** What was found and done with a segment that no seal ended. */
export interface AuditRecovery {
  readonly segment: number;
  /** Bytes of a torn line that were cut off. */
  readonly cutBytes: number;
  /** Lines after the last signed one, whose truth only their hashes vouch for. */
  readonly unsignedLines: number;
  /** Breaks found, in which case the segment was left as it is. */
  readonly breaks: number;
}

export interface AuditLogOptions extends Partial<RetentionOptions> {
  readonly directory: string;
  /** The private key as a JWK; null for one made once beside the directory. */
  readonly keyPath: string | null;
  readonly segmentBytesMax: number;
  /** Units: milliseconds since the epoch. */
  readonly clock: () => number;
  readonly onRecovery: (recovery: AuditRecovery) => void;
}

const FILE_MODE = 0o600;
const { O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW, O_RDWR } = constants;
/** A write ends once it is on disk, which saves a second call for each group. Windows has none. */
const { O_DSYNC = 0 } = constants;

/**
 * The segments of one directory: every line chained to the one before, every write ended by a signed checkpoint,
 * every file by a signed seal.
 * Invariant: one process writes to a directory at a time, and nothing is signed over a chain that is broken.
 */
export class AuditLogStore {
  readonly #options: AuditLogOptions;
  readonly #lock: AuditLock;
  readonly #signer: AuditSigner;
  readonly #verifier: AuditVerifier;
  readonly #retention: SegmentRetention;
  readonly #instance = randomUUID();
  /** Where the next segment begins, after one that this process sealed itself and need not read again. */
  #next: { readonly segment: number; readonly position: ChainPosition } | null = null;

  private constructor(options: AuditLogOptions, lock: AuditLock, jwk: unknown) {
    this.#options = options;
    this.#lock = lock;
    this.#retention = new SegmentRetention(options.directory, options);
    this.#signer = createAuditSigner(jwk);
    this.#verifier = createAuditVerifier(jwk);
  }

  /** Throws: AUDIT_UNAVAILABLE where the directory is another's or the key cannot be had. */
  static async open(options: AuditLogOptions): Promise<AuditLogStore> {
    let lock: AuditLock | null = null;
    try {
      lock = await lockAuditDirectory(options.directory);
      const jwk = await obtainAuditKey(options.keyPath ?? defaultAuditKeyPath(options.directory));
      return new AuditLogStore(options, lock, jwk);
    } catch (cause) {
      await lock?.release();
      throw new GatewayError('AUDIT_UNAVAILABLE', { cause });
    }
  }

  /** Ends what a crash or a fault left open and begins the next segment, named after the path that is asked for. */
  readonly openFile: OpenAuditFile = async (path) => {
    if (!(await this.#lock.held())) throw new Error('the audit directory was moved, removed or taken over');
    const known = this.#next;
    this.#next = null;
    const { segment, position } = known ?? (await this.#endLast());
    return this.#begin(path, segment, position);
  };

  /** A secret that all gateways with this key share, and that is not in the log. */
  secretFor(purpose: string): Uint8Array {
    return this.#signer.secretFor(purpose);
  }

  async close(): Promise<void> {
    await this.#retention.settled();
    await this.#lock.release();
  }

  async #endLast(): Promise<{ segment: number; position: ChainPosition }> {
    for (const last of (await listSegments(this.#options.directory)).toReversed()) {
      const checked = await checkSegment(last, this.#verifier, null);
      if (checked.check.header !== null) return this.#end(last, checked);
      this.#options.onRecovery(recoveryOf(checked));
      // A crash before the head was whole: nothing of an event is in it. Anything else stays as evidence.
      if (checked.wholeBytes === 0) await rm(last);
    }
    return { segment: 0, position: CHAIN_START };
  }

  async #end(last: string, checked: CheckedSegment): Promise<{ segment: number; position: ChainPosition }> {
    const { check, wholeBytes, tornBytes } = checked;
    const { state } = check;
    const recovery = recoveryOf(checked);
    const { segment, breaks } = recovery;
    const next = { segment: segment + 1, position: state?.position ?? CHAIN_START };
    if (check.sealed && breaks === 0 && tornBytes === 0) return next;
    this.#options.onRecovery(recovery);
    if (breaks > 0 || check.sealed || state === null) return next;
    const chain = new SegmentChain(segment, this.#signer, state);
    const handle = await open(last, O_APPEND | O_RDWR | O_NOFOLLOW);
    try {
      await handle.truncate(wholeBytes);
      const { cutBytes, unsignedLines } = recovery;
      const nowMs = this.#options.clock();
      const lines = [
        chain.marker({ marker: 'recovered', cutBytes, unsignedLines }, nowMs),
        chain.seal(nowMs),
      ];
      await handle.appendFile(lines.join(''));
      await handle.datasync();
    } finally {
      await handle.close();
    }
    return { segment: segment + 1, position: chain.state.position };
  }

  async #begin(path: string, segment: number, position: ChainPosition): Promise<AuditFile> {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const created = await createSegment(path, segment);
    const { handle } = created;
    const chain = new SegmentChain(segment, this.#signer, position);
    const file = new SegmentFile({
      ...created,
      chain,
      ...this.#options,
      onSealed: () => {
        this.#next = { segment: segment + 1, position: chain.state.position };
      },
    });
    const nowMs = this.#options.clock();
    const removal = await this.#retention.plan(nowMs);
    const head = {
      marker: 'segment',
      version: SEGMENT_VERSION,
      previous: position.hash,
      keyId: this.#signer.keyId,
      instance: this.#instance,
    } as const;
    try {
      await file.write((lines) => {
        lines.take(chain.marker(head, nowMs));
        if (removal === null) return;
        const { last, lastHash } = removal;
        lines.take(chain.marker({ marker: 'removed', last, lastHash }, nowMs));
      });
      await file.sync();
    } catch (error) {
      await handle.close();
      throw error;
    }
    // Only now: what is gone is recorded on disk, whatever happens.
    if (removal !== null) this.#retention.remove(removal);
    return file;
  }
}

function recoveryOf({ check, tornBytes }: CheckedSegment): AuditRecovery {
  return {
    segment: check.header?.segment ?? 0,
    cutBytes: tornBytes,
    unsignedLines: check.unsigned,
    breaks: check.breaks.length,
  };
}

/** A file that was made, and what tells it from any other that may stand under its path. */
interface CreatedSegment {
  readonly handle: FileHandle;
  readonly path: string;
  readonly ino: bigint;
  readonly dev: bigint;
}

async function createSegment(path: string, segment: number): Promise<CreatedSegment> {
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

interface SegmentFileParts extends CreatedSegment, Pick<AuditLogOptions, 'segmentBytesMax' | 'clock'> {
  readonly chain: SegmentChain;
  /** Told once the seal is on disk. */
  readonly onSealed: () => void;
}

/** One open segment. Invariant: of what is given it takes all or nothing, so that the chain never forks. */
class SegmentFile implements AuditFile {
  readonly #parts: SegmentFileParts;
  readonly #lines = new ChainedLines();
  #bytes = 0;

  constructor(parts: SegmentFileParts) {
    this.#parts = parts;
  }

  async append(lines: Uint8Array): Promise<number> {
    const { chain, clock } = this.#parts;
    await this.write((into) => {
      chain.events(lines, into);
      into.take(chain.marker({ marker: 'checkpoint' }, clock()));
    });
    return lines.length;
  }

  /** Writes what is chained, or takes back both the bytes and the chain. */
  async write(encode: (lines: ChainedLines) => void): Promise<void> {
    const { chain, handle } = this.#parts;
    const before = chain.state;
    try {
      this.#lines.clear();
      encode(this.#lines);
      const { bytes } = this.#lines;
      for (let written = 0; written < bytes.length; ) {
        const { bytesWritten } = await handle.write(bytes.subarray(written));
        if (bytesWritten === 0) throw new Error('the disk took no bytes');
        written += bytesWritten;
      }
      this.#bytes += bytes.length;
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
        await this.write((lines) => lines.take(chain.seal(clock())));
        await this.sync();
        onSealed();
      }
    } finally {
      await handle.close();
    }
  }
}
