import type { AuditVerifier } from './audit-signature.ts';
import { type ChainedLine, type ChainPosition, chainHash, readChainedLine } from './chained-line.ts';
import { referenceOf, tableOf } from './logged-event.ts';
import { looksLikeMarker, type Marker, readMarker } from './marker.ts';
import { MerkleRoot } from './merkle-root.ts';
import { SEGMENT_VERSION, type SegmentState } from './segment-chain.ts';

/** How a log differs from what was written. */
export type BreakKind =
  | 'changed'
  | 'removed'
  | 'inserted'
  | 'reordered'
  | 'truncated'
  | 'foreign signature'
  | 'missing segment'
  | 'missing table'
  | 'unrecorded removal';

export interface ChainBreak {
  readonly kind: BreakKind;
  /** One-based; the line that does not follow from the one before it. */
  readonly line: number;
  /** Null where the line says none. */
  readonly seq: number | null;
}

/** What a log says, signed, of older segments that it removed. */
export type RemovalRecord = Pick<Extract<Marker, { marker: 'removed' }>, 'last' | 'lastHash'>;

/** Checks one segment line by line, in memory that does not grow with it, and goes on after a break. */
export class SegmentCheck {
  readonly breaks: ChainBreak[] = [];
  /** Those whose signature holds. */
  readonly removals: RemovalRecord[] = [];
  readonly #verifier: AuditVerifier;
  #position: ChainPosition | null;
  #header: Extract<Marker, { marker: 'segment' }> | null = null;
  #merkle = new MerkleRoot();
  #first: string | null = null;
  #lines = 0;
  #sealed = false;
  #unsigned = 0;
  readonly #tables = new Set<number>();

  /** `position` is where the segment before ended, or null where nothing is known of it. */
  constructor(verifier: AuditVerifier, position: ChainPosition | null) {
    this.#verifier = verifier;
    this.#position = position;
  }

  get sealed(): boolean {
    return this.#sealed;
  }

  /** Lines since the last signed one. */
  get unsigned(): number {
    return this.#unsigned;
  }

  get header(): Extract<Marker, { marker: 'segment' }> | null {
    return this.#header;
  }

  /** Where the chain stands after the last line; null before any. */
  get state(): SegmentState | null {
    if (this.#position === null) return null;
    return {
      version: this.#header?.version ?? SEGMENT_VERSION,
      position: this.#position,
      lines: this.#lines,
      first: this.#first,
      merkle: this.#merkle,
    };
  }

  /** Takes the next line, without its line feed. */
  line(text: string): void {
    const read = readChainedLine(text);
    const number = this.#lines + 1;
    if (this.#sealed) this.#break('inserted', read);
    else if (read === null) this.#unreadable();
    else this.#read(text, read);
    this.#lines = number;
  }

  /** Told once the segment ends without a line feed, or without a seal where it must have one. */
  truncated(): void {
    this.breaks.push({ kind: 'truncated', line: this.#lines + 1, seq: this.#position?.seq ?? null });
  }

  #read(text: string, read: ChainedLine): void {
    const marker = read.signature === null ? null : readMarker(text);
    if (this.#lines === 0) this.#open(marker, read);
    this.#follow(read);
    this.#unsigned += 1;
    if (read.signature !== null || looksLikeMarker(text)) this.#signed(marker, read);
    this.#refer(text, read);
    if (read.signature !== null || this.#header?.version === 1) this.#merkle.add(read.hash);
    this.#first ??= read.hash;
    this.#position = { seq: read.seq + 1, hash: read.hash };
  }

  /** An event refers to a table of its own segment; where lines are gone, that is told already. */
  #refer(text: string, read: ChainedLine): void {
    const table = tableOf(text);
    if (table !== null) this.#tables.add(table);
    const reference = referenceOf(text);
    if (reference !== null && !this.#tables.has(reference) && this.breaks.length === 0)
      this.#break('missing table', read);
  }

  /** Nothing can follow from a line that cannot be read: the next one is taken as it is. */
  #unreadable(): void {
    this.#break('changed', null);
    this.#position = null;
  }

  #open(marker: Marker | null, read: ChainedLine): void {
    if (marker?.marker !== 'segment') {
      this.#break('removed', read);
      return;
    }
    this.#header = marker;
    const before = this.#position;
    if (before !== null && (marker.previous !== before.hash || read.seq !== before.seq))
      this.#break('missing segment', read);
    this.#position = { seq: read.seq, hash: marker.previous };
  }

  #follow(read: ChainedLine): void {
    const expected = this.#position;
    if (expected === null) return;
    if (read.seq > expected.seq) this.#break('removed', read);
    else if (read.seq < expected.seq)
      this.#break(read.hash === expected.hash ? 'inserted' : 'reordered', read);
    else if (chainHash(expected.hash, read.body) !== read.hash) this.#break('changed', read);
  }

  #signed(marker: Marker | null, read: ChainedLine): void {
    const { signature } = read;
    const foreign = this.#header !== null && this.#header.keyId !== this.#verifier.keyId;
    if (marker === null || signature === null) this.#break('changed', read);
    else if (foreign || !this.#verifier.verify(read.hash, signature)) this.#break('foreign signature', read);
    else this.#unsigned = 0;
    if (marker?.marker === 'removed' && this.#unsigned === 0 && this.removals.length < BREAKS_MAX)
      this.removals.push({ last: marker.last, lastHash: marker.lastHash });
    if (marker?.marker !== 'seal' || this.#unsigned > 0) return;
    this.#sealed = true;
    const { lines, first, last, root } = marker;
    const whole = lines === this.#lines && first === this.#first && last === this.#position?.hash;
    if (this.breaks.length === 0 && (!whole || root !== this.#merkle.hex)) this.#break('removed', read);
  }

  /** Breaks are bounded: a file of nothing else says no more by its thousandth. */
  #break(kind: BreakKind, read: ChainedLine | null): void {
    if (this.breaks.length < BREAKS_MAX)
      this.breaks.push({ kind, line: this.#lines + 1, seq: read?.seq ?? null });
  }
}

const BREAKS_MAX = 1_000;
