import type { AuditSigner } from './audit-signature.ts';
import type { ChainPosition } from './chained-line.ts';
import { LineGroup, sumsText } from './line-group.ts';
import type { Marker } from './marker.ts';
import { MerkleRoot } from './merkle-root.ts';

/** What a marker says of itself; the chain knows the rest. */
export type MarkerPart = Marker extends infer Each
  ? Each extends Marker
    ? Omit<Each, 'segment' | 'time' | 'sums'>
    : never
  : never;

/** How a segment is written; those of earlier versions are read, and ended as they were begun. */
export type SegmentVersion = Extract<Marker, { marker: 'segment' }>['version'];

/** What segments are begun as. */
export const SEGMENT_VERSION = 3 satisfies SegmentVersion;

export interface SegmentState {
  readonly version: SegmentVersion;
  readonly position: ChainPosition;
  readonly lines: number;
  readonly first: string | null;
  readonly merkle: MerkleRoot;
  /** Lines that no signed one stands for yet. */
  readonly group: LineGroup;
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
        : {
            ...{ version: SEGMENT_VERSION, position: state, lines: 0, first: null },
            ...{ merkle: new MerkleRoot(), group: new LineGroup(state.hash) },
          };
  }

  /** A state that later lines leave alone. */
  get state(): SegmentState {
    const { merkle, group } = this.#state;
    return { ...this.#state, merkle: merkle.copy(), group: group.copy() };
  }

  restore(state: SegmentState): void {
    this.#state = state;
  }

  /** Takes lines that the next marker will stand for, each with its line feed. */
  take(lines: Uint8Array): void {
    this.#state.group.take(lines);
  }

  /** The signed line that stands for all that was taken. Units: milliseconds since the epoch. */
  marker(part: MarkerPart, nowMs: number): string {
    const { marker, ...rest } = part;
    const { version, position, lines, first, merkle, group } = this.#state;
    const time = new Date(nowMs).toISOString();
    const sums = group.lines === 0 ? {} : { sums: sumsText(group.sums) };
    const json = JSON.stringify({ marker, segment: this.segment, time, ...rest, ...sums });
    const seq = group.lastSeq === null ? position.seq : group.lastSeq + 1;
    const body = `${json.slice(0, -1)},"seq":${seq}`;
    const hash = group.hash(body);
    merkle.add(hash);
    this.#state = {
      ...{ version, merkle, lines: lines + group.lines + 1, first: first ?? hash },
      // In earlier versions signed lines are numbered as all others.
      position: { seq: version < 3 ? seq + 1 : seq, hash },
      group: new LineGroup(hash),
    };
    return `${body},"hash":"${hash}","signature":"${this.#signer.sign(hash)}"}\n`;
  }

  /** The line that ends the segment. */
  seal(nowMs: number): string {
    const { lines, first, position, merkle } = this.#state;
    const last = position.hash;
    return this.marker({ marker: 'seal', lines, first: first ?? last, last, root: merkle.hex }, nowMs);
  }
}
