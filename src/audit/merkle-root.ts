import { hash as digest } from 'node:crypto';

interface Subtree {
  readonly height: number;
  /** Lower-case hexadecimal, which costs less to get than bytes. */
  readonly hash: string;
}

/** As text: a leaf is text, too. */
const LEAF = '\u0000';
/** What is hashed for a node: a byte that tells it from a leaf, and two hashes. */
const NODE = Buffer.of(1, ...new Uint8Array(64));
const LEFT_AT = 1;
const RIGHT_AT = 33;

/**
 * The Merkle root over a growing list of leaves, held as one hash per power of two.
 * Source: RFC 6962 §2.1: leaves are hashed behind 0x00 and nodes behind 0x01, so that neither passes for the other.
 */
export class MerkleRoot {
  readonly #subtrees: Subtree[] = [];

  add(leaf: string): void {
    let height = 0;
    let hash = digest('sha256', LEAF + leaf, 'hex');
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
    return others.reduce((right, left) => node(left.hash, right), last.hash);
  }

  copy(): MerkleRoot {
    const copy = new MerkleRoot();
    copy.#subtrees.push(...this.#subtrees);
    return copy;
  }
}

function node(left: string, right: string): string {
  NODE.write(left, LEFT_AT, 'hex');
  NODE.write(right, RIGHT_AT, 'hex');
  return digest('sha256', NODE, 'hex');
}
