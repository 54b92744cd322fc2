import { rm, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import type { AuditVerifier } from './audit-signature.ts';
import { listHeads } from './segment-read-store.ts';
import { CheckpointStore } from './shipping/checkpoint-store.ts';
import type { ShipPosition } from './shipping/shipped-event.ts';
import { isSignedHead } from './signed-head.ts';

/** How long segments are kept; null where only the other bound counts. */
export interface AuditRetention {
  readonly maxAgeMs: number | null;
  readonly bytesMax: number | null;
  /** Names of the sinks that have to have shipped what goes. */
  readonly sinks: readonly string[];
}

export interface RetentionOptions {
  /** Null where segments are kept for ever. */
  readonly retention: AuditRetention | null;
  /** Removes one file; from the file system unless given. */
  readonly removeOne?: (path: string) => Promise<void>;
  /** Told how many segments were removed, or why none could be. */
  readonly onRetention: (outcome: { readonly segments: number } | { readonly fault: unknown }) => void;
}

/** Removes old segments of one log, once its newest says so. Invariant: what goes wrong keeps everything, and holds up nothing. */
export class SegmentRetention {
  readonly #directory: string;
  readonly #verifier: AuditVerifier;
  readonly #options: Partial<RetentionOptions>;
  /** Null where nothing is being removed. */
  #removing: Promise<void> | null = null;

  constructor(directory: string, verifier: AuditVerifier, options: Partial<RetentionOptions>) {
    this.#directory = directory;
    this.#verifier = verifier;
    this.#options = options;
  }

  /** What may go now; null where nothing may, or what went before is not gone yet. */
  async plan(nowMs: number): Promise<Removal | null> {
    const { retention = null, onRetention } = this.#options;
    if (retention === null || this.#removing !== null) return null;
    try {
      const removal = await removableSegments(this.#directory, retention, nowMs);
      if (removal !== null) refuseUnsigned(removal, this.#verifier);
      return removal;
    } catch (fault) {
      onRetention?.({ fault });
      return null;
    }
  }

  /** Begins to remove what is recorded to go; events wait for the log, and must not wait for that. */
  remove(removal: Removal): void {
    this.#removing = this.#remove(removal).finally(() => {
      this.#removing = null;
    });
  }

  /** Resolves when nothing is being removed. */
  async settled(): Promise<void> {
    await this.#removing;
  }

  /** The oldest first, so that what a crash leaves is still one chain. */
  async #remove({ paths }: Removal): Promise<void> {
    const { removeOne = removeFile, onRetention } = this.#options;
    try {
      for (const path of paths) await removeOne(path);
      onRetention?.({ segments: paths.length });
    } catch (fault) {
      onRetention?.({ fault });
    }
  }
}

function removeFile(path: string): Promise<void> {
  return rm(path, { force: true });
}

/** What goes: whole segments from the oldest on. */
export interface Removal {
  /** Number of the last of them. */
  readonly last: number;
  /** Of its last line, as the segment after it says. */
  readonly lastHash: string;
  /** The oldest first. */
  readonly paths: readonly string[];
  /** First lines of the segments after each of them: they say that it is old. */
  readonly heads: readonly string[];
}

/** Nothing is recorded, and so signed, on the word of somebody who has not the key. */
function refuseUnsigned({ paths, heads }: Removal, verifier: AuditVerifier): void {
  const at = heads.findIndex((head) => !isSignedHead(head, verifier));
  if (at >= 0)
    throw new Error(`what follows ${paths[at]} is not signed with the key of the log: nothing is removed`);
}

interface Segment {
  readonly path: string;
  readonly segment: number;
  readonly run: string;
  /** Its first line. */
  readonly head: string;
  /** Hash of the last line of the one before. */
  readonly previous: string;
  /** When it was begun, and so the latest time of anything in the one before. Units: milliseconds since the epoch. */
  readonly begunMs: number;
  readonly bytes: number;
}

/**
 * What of a directory may go now; null where nothing may. The newest segment always stays, as does what a sink has not shipped, and all
 * from the first on that cannot be read: it is evidence.
 * Throws: what the system says of files.
 */
async function removableSegments(
  directory: string,
  { maxAgeMs, bytesMax, sinks }: AuditRetention,
  nowMs: number,
): Promise<Removal | null> {
  const segments = await readSegments(directory);
  const kept = Math.min(...(await Promise.all(sinks.map((sink) => neededBy(directory, sink, segments)))));
  let bytes = segments.reduce((sum, each) => sum + each.bytes, 0);
  let removal: Removal | null = null;
  const paths: string[] = [];
  const heads: string[] = [];
  for (const [index, { path, segment, bytes: size }] of segments.entries()) {
    const next = segments[index + 1];
    if (next === undefined || next.segment !== segment + 1 || segment >= kept) break;
    const isOld = maxAgeMs !== null && nowMs - next.begunMs > maxAgeMs;
    const isTooMuch = bytesMax !== null && bytes > bytesMax;
    if (!isOld && !isTooMuch) break;
    bytes -= size;
    paths.push(path);
    heads.push(next.head);
    removal = { last: segment, lastHash: next.previous, paths, heads };
  }
  return removal;
}

async function readSegments(directory: string): Promise<readonly Segment[]> {
  const segments: Segment[] = [];
  for (const { path, line, head } of await listHeads(directory)) {
    if (head?.marker !== 'segment') break;
    const { segment, instance: run, previous, time } = head;
    const { size: bytes } = await stat(path);
    segments.push({ ...{ path, segment, run, previous, bytes }, head: line, begunMs: Date.parse(time) });
  }
  return segments;
}

/** Number of the first segment that a sink may still read; one that has shipped nothing, or of another log, needs all. */
async function neededBy(directory: string, sink: string, segments: readonly Segment[]): Promise<number> {
  const position = await new CheckpointStore(directory, sink).load();
  const at = segments.find((each) => position !== null && isAt(position, each));
  return at?.segment ?? 0;
}

function isAt(position: ShipPosition, { path, segment, run }: Segment): boolean {
  return position.file === basename(path) && position.segment === segment && position.run === run;
}
