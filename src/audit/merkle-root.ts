import { hash as digest } from 'node:crypto';

interface Subtree {
  readonly height: number;
  readonly hash: Buffer;
}

/** As text: a leaf is text, too. */
const LEAF = '\u0000';
const NODE = Buffer.of(1);

/**
 * The Merkle root over a growing list of leaves, held as one hash per power of two.
 * Source: RFC 6962 §2.1: leaves are hashed behind 0x00 and nodes behind 0x01, so that neither passes for the other.
 */
export class MerkleRoot {
  readonly #subtrees: Subtree[] = [];

  add(leaf: string): void {
    let height = 0;
    let hash: Buffer = digest('sha256', LEAF + leaf, 'buffer');
    for (let last = this.#subtrees.at(-1); last?.height === height; last = this.#subtrees.at(-1)) {
      this.#subtrees.pop();
      hash = node(last.hash, hash);
      height += 1;
    }
    this.#subtrees.push({ height, hash });
  }

  /** Lower-case hexadecimal; of no leaves, the hash of nothing. */
  get hex(): string {
    const [last, ...others] = this.#subtrees.toReversed();
    if (last === undefined) return digest('sha256', '', 'hex');
    return others.reduce((right, left) => node(left.hash, right), last.hash).toString('hex');
  }

  copy(): MerkleRoot {
    const copy = new MerkleRoot();
    copy.#subtrees.push(...this.#subtrees);
    return copy;
  }
}

function node(left: Buffer, right: Buffer): Buffer {
  return digest('sha256', Buffer.concat([NODE, left, right]), 'buffer');
}
