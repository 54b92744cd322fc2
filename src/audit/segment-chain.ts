import type { AuditSigner } from './audit-signature.ts';
import { type ChainPosition, chainLine } from './chained-line.ts';
import type { Marker } from './marker.ts';
import { MerkleRoot } from './merkle-root.ts';

/** What a marker says of itself; the chain knows the rest. */
export type MarkerPart = Marker extends infer Each
  ? Each extends Marker
    ? Omit<Each, 'segment' | 'time'>
    : never
  : never;

export interface SegmentState {
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
      'position' in state ? state : { position: state, lines: 0, first: null, merkle: new MerkleRoot() };
  }

  /** A state that later lines leave alone. */
  get state(): SegmentState {
    return { ...this.#state, merkle: this.#state.merkle.copy() };
  }

  restore(state: SegmentState): void {
    this.#state = state;
  }

  /** One JSON object without its line feed, chained and with it. */
  event(json: string): string {
    return `${this.#push(json).line}\n`;
  }

  /** Units: milliseconds since the epoch. */
  marker(part: MarkerPart, nowMs: number): string {
    const { marker, ...rest } = part;
    const time = new Date(nowMs).toISOString();
    const { line, hash } = this.#push(JSON.stringify({ marker, segment: this.segment, time, ...rest }));
    return `${line.slice(0, -1)},"signature":"${this.#signer.sign(hash)}"}\n`;
  }

  /** The line that ends the segment. */
  seal(nowMs: number): string {
    const { lines, first, position, merkle } = this.#state;
    const last = position.hash;
    return this.marker({ marker: 'seal', lines, first: first ?? last, last, root: merkle.hex }, nowMs);
  }

  #push(json: string): { line: string; hash: string } {
    const { position, lines, first, merkle } = this.#state;
    const chained = chainLine(json, position);
    merkle.add(chained.hash);
    this.#state = {
      position: { seq: position.seq + 1, hash: chained.hash },
      lines: lines + 1,
      first: first ?? chained.hash,
      merkle,
    };
    return chained;
  }
}
