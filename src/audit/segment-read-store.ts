import { isUtf8 } from 'node:buffer';
import { createReadStream } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { AuditVerifier } from './audit-signature.ts';
import type { ChainPosition } from './chained-line.ts';
import { looksLikeMarker, type Marker, readMarker } from './marker.ts';
import { SegmentCheck } from './segment-check.ts';

/** A line longer than any that is written: what follows is not read as one. Units: bytes. */
const LINE_BYTES_MAX = 16_777_216;
const HEADER_BYTES_MAX = 4_096;
const LINE_FEED = 0x0a;
const NAME = /^audit-\d{4}-\d{2}-\d{2}(\.\d{4,9})?\.ndjson$/;

export interface CheckedSegment {
  readonly check: SegmentCheck;
  /** Bytes up to the last line feed. */
  readonly wholeBytes: number;
  /** Bytes after it: a line that a crash tore. */
  readonly tornBytes: number;
}

/** One file of a log, with its first line and the marker that this is; null where that cannot be read. */
export interface ListedSegment {
  readonly path: string;
  readonly line: string;
  readonly head: Marker | null;
}

/** Paths of the segments of a directory, as `listHeads`. */
export async function listSegments(directory: string): Promise<readonly string[]> {
  return (await listHeads(directory)).map(({ path }) => path);
}

/**
 * The segments of a directory in the order they were written; such without a readable head come last by name. What is removed
 * meanwhile, as old ones may be, is not among them.
 */
export async function listHeads(directory: string): Promise<readonly ListedSegment[]> {
  const found: ListedSegment[] = [];
  for (const name of (await readdir(directory)).filter((each) => NAME.test(each)).sort()) {
    const path = join(directory, name);
    try {
      const line = await firstLineOf(path);
      found.push({ path, line, head: markerOf(line) });
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    }
  }
  const order = ({ head }: ListedSegment): number => head?.segment ?? Number.MAX_SAFE_INTEGER;
  return found.sort((a, b) => order(a) - order(b));
}

/** Null where a segment does not begin with a marker. */
function markerOf(line: string): Marker | null {
  return looksLikeMarker(line) ? readMarker(line) : null;
}

/** As far as a head may reach. */
async function firstLineOf(path: string): Promise<string> {
  const handle = await open(path);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEADER_BYTES_MAX), 0, HEADER_BYTES_MAX, 0);
    return buffer.subarray(0, bytesRead).toString().split('\n', 1)[0] ?? '';
  } finally {
    await handle.close();
  }
}

/** Reads one segment as a stream; `position` is where the one before it ended, if that is known. */
export async function checkSegment(
  path: string,
  verifier: AuditVerifier,
  position: ChainPosition | null,
): Promise<CheckedSegment> {
  const check = new SegmentCheck(verifier, position);
  let wholeBytes = 0;
  const lines = linesOf(path);
  for (;;) {
    const { done, value } = await lines.next();
    if (done === true) {
      check.end();
      return { check, wholeBytes, tornBytes: value };
    }
    check.line(lineOf(value.line));
    wholeBytes = value.endsAt;
  }
}

/**
 * Whole lines of a file from a byte on, without their line feeds, and the byte after each; returns how many bytes it read
 * after the last line feed, which a file that is being written may have at any time.
 */
export async function* linesOf(
  path: string,
  from = 0,
): AsyncGenerator<{ readonly line: Buffer; readonly endsAt: number }, number, undefined> {
  let rest: Buffer = Buffer.alloc(0);
  let endsAt = from;
  for await (const chunk of createReadStream(path, { start: from }) as AsyncIterable<Buffer>) {
    let bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (let end = bytes.indexOf(LINE_FEED); end >= 0; end = bytes.indexOf(LINE_FEED)) {
      endsAt += end + 1;
      yield { line: bytes.subarray(0, end), endsAt };
      bytes = bytes.subarray(end + 1);
    }
    if (bytes.length > LINE_BYTES_MAX)
      throw new Error(`a line of ${path} is longer than any that is written`);
    rest = bytes;
  }
  return rest.length;
}

/** Bytes that are no UTF-8 must not read as others that are: three of them may be as long as what stands for them. */
function lineOf(bytes: Buffer): string {
  return isUtf8(bytes) ? bytes.toString() : '';
}
