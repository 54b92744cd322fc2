import { createHash, type Hash } from 'node:crypto';
import { endianness } from 'node:os';
import { crc32 } from 'node:zlib';
import { chainHash } from './chained-line.ts';

/** Of the checksum of one line. */
export const SUM_BYTES = 4;

const LINE_FEED = 0x0a;
/** More than a line ends in. */
const TAIL_CHARS = 40;
const SEQ = /,"seq":(0|[1-9]\d{0,15})\}$/;

/**
 * Lines that one signed line will stand for: its hash covers their bytes, and with it a checksum of each, which is no proof but tells
 * where in the group something was changed.
 */
export class LineGroup {
  readonly sums: number[] = [];
  readonly #previous: string;
  /** Of all that was taken; null before anything was. */
  #digest: Hash | null = null;
  /** Number of the last line that has one; null where none has. */
  lastSeq: number | null = null;

  /** `previous` is the hash of the signed line before. */
  constructor(previous: string) {
    this.#previous = previous;
  }

  get lines(): number {
    return this.sums.length;
  }

  /** Takes whole lines, each with its line feed. */
  take(lines: Uint8Array): void {
    this.#digest ??= createHash('sha256').update(this.#previous);
    this.#digest.update(lines);
    let last = lines.subarray(0, 0);
    for (let begin = 0; begin < lines.length; ) {
      const end = lines.indexOf(LINE_FEED, begin);
      last = lines.subarray(begin, end);
      this.sums.push(crc32(last));
      begin = end + 1;
    }
    this.lastSeq = seqOf(Buffer.from(last.subarray(-TAIL_CHARS)).toString('latin1')) ?? this.lastSeq;
  }

  /** Hash of the signed line that stands for the group, given all of it that comes before the hash. */
  hash(body: string): string {
    if (this.#digest === null) return chainHash(this.#previous, body);
    return this.#digest.copy().update(body).digest('hex');
  }

  copy(): LineGroup {
    const copy = new LineGroup(this.#previous);
    copy.#digest = this.#digest === null ? null : this.#digest.copy();
    copy.sums.push(...this.sums);
    copy.lastSeq = this.lastSeq;
    return copy;
  }
}

/** Number of a line of an event or an intent; null where it says none. */
export function seqOf(line: string): number | null {
  const match = SEQ.exec(line);
  return match === null ? null : Number(match[1]);
}

/** Checksums as a marker holds them: little-endian, in Base64. */
export function sumsText(sums: readonly number[]): string {
  const bytes = Buffer.from(Uint32Array.from(sums).buffer);
  return (endianness() === 'LE' ? bytes : bytes.swap32()).toString('base64');
}

/** As `sumsText` wrote them. */
export function readSums(text: string): readonly number[] {
  const bytes = Buffer.from(text, 'base64');
  return Array.from({ length: bytes.length / SUM_BYTES }, (_, index) =>
    bytes.readUInt32LE(index * SUM_BYTES),
  );
}
