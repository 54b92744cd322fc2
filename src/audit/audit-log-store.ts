import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { mkdir, open, rm } from 'node:fs/promises';
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
import { type EndMark, endMarkText, type FoundMark, NO_END } from './end-mark.ts';
import { loadEndMark, saveEndMark } from './end-mark-store.ts';
import { SEGMENT_VERSION, SegmentChain } from './segment-chain.ts';
import type { SegmentCheck } from './segment-check.ts';
import { createSegment, SegmentFile } from './segment-file-store.ts';
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

interface NextSegment {
  readonly segment: number;
  readonly position: ChainPosition;
}

const { O_APPEND, O_NOFOLLOW, O_RDWR } = constants;

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
  #next: NextSegment | null = null;

  private constructor(options: AuditLogOptions, lock: AuditLock, jwk: unknown) {
    this.#options = options;
    this.#lock = lock;
    this.#signer = createAuditSigner(jwk);
    this.#verifier = createAuditVerifier(jwk);
    this.#retention = new SegmentRetention(options.directory, this.#verifier, options);
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

  /** Throws: what the system says of files. */
  async close(): Promise<void> {
    try {
      await this.#retention.settled();
      const next = this.#next;
      if (next !== null && (await this.#lock.held()))
        await this.#mark({ segment: next.segment - 1, ...next.position, sealed: true });
    } finally {
      await this.#lock.release();
    }
  }

  async #endLast(): Promise<NextSegment> {
    const found = await loadEndMark(this.#options.directory, this.#verifier);
    // Whatever a crash leaves, a segment that says there is a mark has one.
    if (!('mark' in found)) await this.#mark(NO_END);
    for (const last of (await listSegments(this.#options.directory)).toReversed()) {
      const checked = await checkSegment(last, this.#verifier, null);
      if (checked.check.header !== null) return this.#end(last, checked, found);
      this.#options.onRecovery(recoveryOf(checked));
      // A crash before the head was whole: nothing of an event is in it. Anything else stays as evidence.
      if (checked.wholeBytes === 0) await rm(last);
    }
    return this.#past(found, { segment: 0, position: CHAIN_START });
  }

  async #end(last: string, checked: CheckedSegment, found: FoundMark): Promise<NextSegment> {
    const { check, wholeBytes, tornBytes } = checked;
    const { state } = check;
    const recovery = recoveryOf(checked);
    const { segment, breaks } = recovery;
    const next = { segment: segment + 1, position: state?.position ?? CHAIN_START };
    const isCut = isCutOff(found, check, this.#verifier.keyId);
    if (isCut || (check.sealed && breaks === 0 && tornBytes === 0)) return this.#past(found, next, isCut);
    this.#options.onRecovery(recovery);
    if (breaks > 0 || check.sealed || state === null) return this.#past(found, next);
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
    return this.#past(found, { segment: segment + 1, position: chain.state.position });
  }

  /** Goes on after what the log's mark says was there: where that is gone, the chain shows it for good. */
  #past(found: FoundMark, next: NextSegment, isCut = false): NextSegment {
    const mark = 'mark' in found ? found.mark : NO_END;
    if (!isCut && mark.segment < next.segment) return next;
    const segment = Math.max(mark.segment, next.segment - 1);
    this.#options.onRecovery({ segment, cutBytes: 0, unsignedLines: 0, breaks: 1 });
    const seq = Math.max(mark.seq, next.position.seq);
    return { segment: segment + 1, position: { seq, hash: mark.hash } };
  }

  async #mark(mark: EndMark): Promise<void> {
    await saveEndMark(this.#options.directory, endMarkText(mark, this.#signer));
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
      marked: true,
    } as const;
    try {
      await file.write(() => {
        const line = Buffer.from(chain.marker(head, nowMs));
        if (removal === null) return [line];
        const { last, lastHash } = removal;
        return [line, Buffer.from(chain.marker({ marker: 'removed', last, lastHash }, nowMs))];
      });
      await file.sync();
      const { first } = chain.state;
      if (first !== null) await this.#mark({ segment, seq: position.seq, hash: first, sealed: false });
    } catch (error) {
      await handle.close();
      throw error;
    }
    // Only now: what is gone is recorded on disk, whatever happens.
    if (removal !== null) this.#retention.remove(removal);
    return file;
  }
}

/** Whether a segment was longer, by the mark, or says that there is one though there is none. */
function isCutOff(found: FoundMark, { header, sealed, state }: SegmentCheck, keyId: string): boolean {
  if (!('mark' in found)) return header?.marked === true && header.keyId === keyId;
  const { mark } = found;
  return mark.sealed && mark.segment === header?.segment && !(sealed && state?.position.hash === mark.hash);
}

function recoveryOf({ check, tornBytes }: CheckedSegment): AuditRecovery {
  return {
    segment: check.header?.segment ?? 0,
    cutBytes: tornBytes,
    unsignedLines: check.unsigned,
    breaks: check.breaks.length,
  };
}
