import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { MerkleRoot } from '../../src/audit/merkle-root.ts';

/** As RFC 6962 §2.1 says it. */
function rootOf(leaves: readonly string[]): Buffer {
  const [only] = leaves;
  if (only === undefined) return createHash('sha256').digest();
  if (leaves.length === 1) return createHash('sha256').update('\u0000').update(only).digest();
  const left = 2 ** (Math.ceil(Math.log2(leaves.length)) - 1);
  return createHash('sha256')
    .update('\u0001')
    .update(rootOf(leaves.slice(0, left)))
    .update(rootOf(leaves.slice(left)))
    .digest();
}

describe('a Merkle root', () => {
  it('is that of RFC 6962, after each leaf, and a copy goes on by itself', () => {
    const leaves = Array.from({ length: 21 }, (_, index) => `leaf ${index}`);
    const root = new MerkleRoot();
    for (const [index, leaf] of leaves.entries()) {
      expect(root.hex).toBe(rootOf(leaves.slice(0, index)).toString('hex'));
      const copy = root.copy();
      copy.add('another');
      root.add(leaf);
      expect(copy.hex).not.toBe(root.hex);
    }
    expect(root.hex).toBe(rootOf(leaves).toString('hex'));
  });
});
