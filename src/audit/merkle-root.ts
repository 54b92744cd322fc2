import { createHash } from 'node:crypto';

interface Subtree {
  readonly height: number;
  readonly hash: Buffer<ArrayBuffer>;
}

const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

/**
 * The Merkle root over a growing list of leaves, held as one hash per power of two.
 * Source: RFC 6962 §2.1: leaves are hashed behind 0x00 and nodes behind 0x01, so that neither passes for the other.
 */
export class MerkleRoot {
  readonly #subtrees: Subtree[] = [];

  add(leaf: string): void {
    let height = 0;
    let hash = createHash('sha256').update(LEAF).update(leaf).digest();
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
    if (last === undefined) return createHash('sha256').digest('hex');
    return others.reduce((right, left) => node(left.hash, right), last.hash).toString('hex');
  }

  copy(): MerkleRoot {
    const copy = new MerkleRoot();
    copy.#subtrees.push(...this.#subtrees);
    return copy;
  }
}

function node(left: Buffer, right: Buffer): Buffer<ArrayBuffer> {
  return createHash('sha256').update(NODE).update(left).update(right).digest();
}
