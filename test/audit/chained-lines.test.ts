import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ChainPosition, chainLine } from '../../src/audit/chained-line.ts';
import { chainLines } from '../../src/audit/chained-lines.ts';
import { MerkleRoot } from '../../src/audit/merkle-root.ts';

const START: ChainPosition = { seq: 9_007_199_254_740_900, hash: 'a'.repeat(64) };

describe('lines that are chained at once', () => {
  it('are what they are one by one, whatever they hold', () => {
    const object = fc.record({ id: fc.string({ unit: 'grapheme' }), more: fc.jsonValue() });
    fc.assert(
      fc.property(fc.array(object, { maxLength: 8 }), (objects) => {
        const texts = objects.map((each) => JSON.stringify(each));
        const { bytes, hashes } = chainLines(Buffer.from(texts.map((text) => `${text}\n`).join('')), START);
        let position = START;
        let expected = '';
        for (const text of texts) {
          const { line, hash } = chainLine(text, position);
          expected += `${line}\n`;
          position = { seq: position.seq + 1, hash };
        }
        expect(Buffer.from(bytes).toString()).toBe(expected);
        expect(hashes.at(-1) ?? START.hash).toBe(position.hash);
      }),
    );
  });
});

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
