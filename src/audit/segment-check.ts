import type { AuditVerifier } from './audit-signature.ts';
import type { BreakKind, ChainBreak } from './chain-break.ts';
import { type ChainedLine, type ChainPosition, chainHash, readChainedLine } from './chained-line.ts';
import { LineGroup, readSums, seqOf, sumsText } from './line-group.ts';
import { type LocatedBreak, locateBreak } from './locate-break.ts';
import { referencesOf, tableOf } from './logged-event.ts';
import { looksLikeMarker, type Marker, readMarker } from './marker.ts';
import { MerkleRoot } from './merkle-root.ts';
import { SEGMENT_VERSION, type SegmentState, type SegmentVersion } from './segment-chain.ts';

/** What a log says, signed, of older segments that it removed. */
export type RemovalRecord = Pick<Extract<Marker, { marker: 'removed' }>, 'last' | 'lastHash'>;

/** What the start after a crash did with the end of a segment, and the line that says so. */
export type RecoveryRecord = Pick<Extract<Marker, { marker: 'recovered' }>, 'unsignedLines' | 'cutBytes'> & {
  readonly line: number;
};

/** Breaks are bounded: a file of nothing else says no more by its thousandth. */
const BREAKS_MAX = 1_000;
/** Many times what one group has: of more than that no signed line is to be expected. */
const GROUP_LINES_MAX = 100_000;

/** Checks one segment line by line, in memory that does not grow with it, and goes on after a break. */
export class SegmentCheck {
  readonly breaks: ChainBreak[] = [];
  /** Those whose signature holds. */
  readonly removals: RemovalRecord[] = [];
  /** Likewise: that the start after a crash signed for lines, or cut off bytes. */
  readonly recoveries: RecoveryRecord[] = [];
  readonly #verifier: AuditVerifier;
  #position: ChainPosition | null;
  #header: Extract<Marker, { marker: 'segment' }> | null = null;
  /** By its head, or as its first line looks. */
  #version: SegmentVersion = SEGMENT_VERSION;
  #merkle = new MerkleRoot();
  #first: string | null = null;
  #lines = 0;
  #sealed = false;
  #unsigned = 0;
  readonly #tables = new Set<number>();
  /** Lines that no signed one stands for yet, and their numbers. */
  #group: LineGroup;
  #seqs: (number | null)[] = [];
  /** Which of them is the first that is neither numbered nor a table, and so was not written like that. */
  #strange: number | null = null;
  /** The first of them that refers to a table which is not there. */
  #missing: ChainBreak | null = null;

  /** `position` is where the segment before ended, or null where nothing is known of it. */
  constructor(verifier: AuditVerifier, position: ChainPosition | null) {
    this.#verifier = verifier;
    this.#position = position;
    this.#group = new LineGroup(position?.hash ?? '');
  }

  get sealed(): boolean {
    return this.#sealed;
  }

  /** Lines since the last signed one. */
  get unsigned(): number {
    return this.#unsigned;
  }

  /** Lines so far. */
  get lines(): number {
    return this.#lines;
  }

  get header(): Extract<Marker, { marker: 'segment' }> | null {
    return this.#header;
  }

  /** Where the chain stands after the last line; null before any. */
  get state(): SegmentState | null {
    if (this.#position === null) return null;
    return {
      version: this.#version,
      position: this.#position,
      lines: this.#lines - this.#group.lines,
      first: this.#first,
      merkle: this.#merkle,
      group: this.#version < 3 ? new LineGroup(this.#position.hash) : this.#group,
    };
  }

  /** Takes the next line, without its line feed. */
  line(text: string): void {
    const number = this.#lines + 1;
    if (this.#sealed) this.#break('inserted', readChainedLine(text)?.seq ?? null);
    else if (number === 1) this.#begin(text);
    else this.#next(text);
    this.#lines = number;
  }

  /** Told once the segment ends without a line feed, or without a seal where it must have one. */
  truncated(): void {
    this.breaks.push({ kind: 'truncated', line: this.#lines + 1, seq: this.#position?.seq ?? null });
  }

  /** Told once there are no more lines. */
  end(): void {
    if (this.#strange !== null) this.#tellAt(this.#strange, 'changed');
    this.#strange = null;
  }

  #begin(text: string): void {
    const read = readChainedLine(text);
    const marker = read === null || read.signature === null ? null : readMarker(text);
    if (read !== null && marker?.marker === 'segment') {
      this.#version = marker.version;
      this.#open(marker, read);
    } else {
      // Nothing can follow from what is unknown: the next signed line is taken as it is.
      this.#position = null;
      this.#version = read !== null && read.signature === null ? 2 : SEGMENT_VERSION;
      const isLine = read !== null || seqOf(text) !== null || tableOf(text) !== null;
      this.#break(isLine ? 'removed' : 'changed', read?.seq ?? null);
      if (!isLine) return;
    }
    this.#next(text);
  }

  #next(text: string): void {
    if (this.#version < 3) this.#chained(text);
    else this.#grouped(text);
  }

  #open(marker: Extract<Marker, { marker: 'segment' }>, read: ChainedLine): void {
    this.#header = marker;
    const before = this.#position;
    if (before !== null && (marker.previous !== before.hash || read.seq !== before.seq))
      this.#break('missing segment', read.seq);
    this.#position = { seq: read.seq, hash: marker.previous };
    this.#group = new LineGroup(marker.previous);
  }

  /** A line of a segment in which each is chained. */
  #chained(text: string): void {
    const read = readChainedLine(text);
    if (read === null) {
      this.#break('changed', null);
      this.#position = null;
      return;
    }
    const isWhole = this.#follows(read);
    this.#unsigned += 1;
    if (read.signature !== null || looksLikeMarker(text)) {
      const marker = read.signature === null ? null : readMarker(text);
      if (marker === null) this.#break('changed', read.seq);
      else this.#signed(marker, read, isWhole);
    }
    if (this.#refers(text) && this.breaks.length === 0) this.#break('missing table', read.seq);
    if (read.signature !== null || this.#version === 1) this.#merkle.add(read.hash);
    this.#first ??= read.hash;
    this.#position = { seq: read.seq + 1, hash: read.hash };
  }

  #follows(read: ChainedLine): boolean {
    const expected = this.#position;
    if (expected === null) return false;
    if (read.seq > expected.seq) this.#break('removed', read.seq);
    else if (read.seq < expected.seq)
      this.#break(read.hash === expected.hash ? 'inserted' : 'reordered', read.seq);
    else if (chainHash(expected.hash, read.body) !== read.hash) this.#break('changed', read.seq);
    else return true;
    return false;
  }

  /** A line of a segment in which a signed one stands for those before it. */
  #grouped(text: string): void {
    const read = looksLikeMarker(text) ? readChainedLine(text) : null;
    const marker = read === null || read.signature === null ? null : readMarker(text);
    if (read === null || marker === null) {
      if (looksLikeMarker(text)) this.#break('changed', read?.seq ?? null);
      this.#hold(text);
    } else if (marker.marker === 'segment' && this.#lines > 0) {
      this.#break(this.#header === null ? 'reordered' : 'inserted', read.seq);
      this.#hold(text);
    } else this.#stand(marker, read);
  }

  #hold(text: string): void {
    if (this.#group.lines === GROUP_LINES_MAX) {
      this.#break('changed', null);
      this.#regroup();
    }
    // No line is empty, and bytes that are no UTF-8 are read as none: a signature over it would be one over anything.
    const seq = seqOf(text);
    if (text === '') this.#break('changed', null);
    else if (seq === null && tableOf(text) === null) this.#strange ??= this.#group.lines;
    this.#group.take(Buffer.from(`${text}\n`));
    this.#seqs.push(seq);
    this.#unsigned += 1;
    if (this.#refers(text)) this.#missing ??= { kind: 'missing table', line: this.#lines + 1, seq };
  }

  /** A signed line has to stand for all that came since the one before. */
  #stand(marker: Marker, read: ChainedLine): void {
    const before = this.#position;
    const isWhole = before !== null && this.#group.hash(read.body) === read.hash;
    if (before !== null && !isWhole) this.#differs(marker, read, before);
    if (isWhole && this.#missing !== null) this.#tell(this.#missing);
    this.#unsigned += 1;
    this.#signed(marker, read, isWhole);
    this.#merkle.add(read.hash);
    this.#first ??= read.hash;
    this.#position = { seq: read.seq, hash: read.hash };
    this.#regroup();
  }

  /** Tells where a group is not what its signed line says, which may have been changed itself. */
  #differs(marker: Marker, read: ChainedLine, { seq: firstSeq }: ChainPosition): void {
    const { sums = '' } = 'sums' in marker ? marker : {};
    const own = read.body.replace(`"sums":"${sums}"`, `"sums":"${sumsText(this.#group.sums)}"`);
    const numbers = { seqs: this.#seqs, firstSeq, endSeq: read.seq };
    const located: LocatedBreak | null =
      sums !== '' && this.#group.hash(own) === read.hash
        ? null
        : locateBreak({ found: this.#group.sums, written: readSums(sums), ...numbers });
    if (this.#strange !== null && (located === null || located.index > this.#strange))
      this.#tellAt(this.#strange, 'changed');
    else if (located === null) this.#break('changed', read.seq);
    else this.#tellAt(located.index, located.kind);
  }

  /** Tells a break by its place in the group. */
  #tellAt(index: number, kind: BreakKind): void {
    this.#tell({ kind, line: this.#lines + 1 - this.#group.lines + index, seq: this.#seqs[index] ?? null });
  }

  #regroup(): void {
    this.#group = new LineGroup(this.#position?.hash ?? '');
    this.#seqs = [];
    this.#strange = null;
    this.#missing = null;
  }

  /** Whether a line refers to a table that did not come before it in its segment. */
  #refers(text: string): boolean {
    const table = tableOf(text);
    if (table !== null) this.#tables.add(table);
    return referencesOf(text).some((number) => !this.#tables.has(number));
  }

  /** The signature is for the hash: only where that is the hash of the line is what it says to be believed. */
  #signed(marker: Marker, read: ChainedLine, isWhole: boolean): void {
    const foreign = this.#header !== null && this.#header.keyId !== this.#verifier.keyId;
    if (foreign || !this.#verifier.verify(read.hash, read.signature ?? '')) {
      this.#break('foreign signature', read.seq);
      return;
    }
    this.#unsigned = 0;
    if (isWhole && marker.marker === 'removed' && this.removals.length < BREAKS_MAX)
      this.removals.push({ last: marker.last, lastHash: marker.lastHash });
    if (isWhole && marker.marker === 'recovered') {
      const { unsignedLines, cutBytes } = marker;
      this.recoveries.push({ line: this.#lines + 1, unsignedLines, cutBytes });
    }
    if (marker.marker !== 'seal') return;
    this.#sealed = true;
    const { lines, first, last, root } = marker;
    const whole = lines === this.#lines && first === this.#first && last === this.#position?.hash;
    if (this.breaks.length === 0 && (!whole || root !== this.#merkle.hex)) this.#break('removed', read.seq);
  }

  #break(kind: BreakKind, seq: number | null): void {
    this.#tell({ kind, line: this.#lines + 1, seq });
  }

  #tell(found: ChainBreak): void {
    if (this.breaks.length < BREAKS_MAX) this.breaks.push(found);
  }
}
