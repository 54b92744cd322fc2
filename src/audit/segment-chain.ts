import type { AuditSigner } from './audit-signature.ts';
import { type ChainPosition, chainLine } from './chained-line.ts';
import type { ChainedLines } from './chained-lines.ts';
import type { Marker } from './marker.ts';
import { MerkleRoot } from './merkle-root.ts';

/** What a marker says of itself; the chain knows the rest. */
export type MarkerPart = Marker extends infer Each
  ? Each extends Marker
    ? Omit<Each, 'segment' | 'time'>
    : never
  : never;

/** How a segment is written; those of 1 are read, and ended as they were begun. */
export type SegmentVersion = Extract<Marker, { marker: 'segment' }>['version'];

/** What segments are begun as. */
export const SEGMENT_VERSION = 2 satisfies SegmentVersion;

export interface SegmentState {
  readonly version: SegmentVersion;
  readonly position: ChainPosition;
  readonly lines: number;
  readonly first: string | null;
  readonly merkle: MerkleRoot;
}

/** Chains the lines of one segment; a write that failed is taken back by restoring the state before it. */
export class SegmentChain {
  readonly segment: number;
  readonly #signer: AuditSigner;
  #state: SegmentState;

  constructor(segment: number, signer: AuditSigner, state: SegmentState | ChainPosition) {
    this.segment = segment;
    this.#signer = signer;
    this.#state =
      'position' in state
        ? state
        : { version: SEGMENT_VERSION, position: state, lines: 0, first: null, merkle: new MerkleRoot() };
  }

  /** A state that later lines leave alone. */
  get state(): SegmentState {
    return { ...this.#state, merkle: this.#state.merkle.copy() };
  }

  restore(state: SegmentState): void {
    this.#state = state;
  }

  /** Chains JSON objects, each on a line of its own with its line feed. */
  events(lines: Uint8Array, into: ChainedLines): void {
    this.#took(into.chain(lines, this.#state.position), false);
  }

  /** Units: milliseconds since the epoch. */
  marker(part: MarkerPart, nowMs: number): string {
    const { marker, ...rest } = part;
    const time = new Date(nowMs).toISOString();
    const json = JSON.stringify({ marker, segment: this.segment, time, ...rest });
    const { line, hash } = chainLine(json, this.#state.position);
    this.#took([hash], true);
    return `${line.slice(0, -1)},"signature":"${this.#signer.sign(hash)}"}\n`;
  }

  /** The line that ends the segment. */
  seal(nowMs: number): string {
    const { lines, first, position, merkle } = this.#state;
    const last = position.hash;
    return this.marker({ marker: 'seal', lines, first: first ?? last, last, root: merkle.hex }, nowMs);
  }

  /** A signed line covers all before it, so that it stands for them in the tree. */
  #took(hashes: readonly string[], isSigned: boolean): void {
    const { version, position, lines, first, merkle } = this.#state;
    const last = hashes.at(-1);
    if (last === undefined) return;
    if (isSigned || version === 1) for (const hash of hashes) merkle.add(hash);
    this.#state = {
      version,
      position: { seq: position.seq + hashes.length, hash: last },
      lines: lines + hashes.length,
      first: first ?? hashes[0] ?? null,
      merkle,
    };
  }
}
