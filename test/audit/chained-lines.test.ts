import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ChainPosition, chainLine, readChainedLine } from '../../src/audit/chained-line.ts';
import { ChainedLines } from '../../src/audit/chained-lines.ts';
import { MerkleRoot } from '../../src/audit/merkle-root.ts';

const START: ChainPosition = { seq: 9_007_199_254_740_900, hash: 'a'.repeat(64) };

describe('lines that are chained at once', () => {
  it('are what they are one by one, whatever they hold', () => {
    const object = fc.record({ id: fc.string({ unit: 'grapheme' }), more: fc.jsonValue() });
    // Used again, as a segment uses it: what was there before must not show.
    const lines = new ChainedLines();
    fc.assert(
      fc.property(fc.array(object, { maxLength: 8 }), fc.string({ maxLength: 200 }), (objects, first) => {
        const texts = objects.map((each) => JSON.stringify(each));
        lines.clear();
        lines.take(first);
        const hashes = lines.chain(Buffer.from(texts.map((text) => `${text}\n`).join('')), START);
        lines.take('last\n');
        let position = START;
        let expected = first;
        for (const text of texts) {
          const { line, hash } = chainLine(text, position);
          expected += `${line}\n`;
          position = { seq: position.seq + 1, hash };
        }
        expect(Buffer.from(lines.bytes).toString()).toBe(`${expected}last\n`);
        expect(hashes.at(-1) ?? START.hash).toBe(position.hash);
      }),
    );
  });

  it('are whole where there are more than it had room for', () => {
    const lines = new ChainedLines();
    const json = JSON.stringify({ id: 'x'.repeat(50_000) });
    lines.chain(Buffer.from(`${json}\n`.repeat(5)), START);
    const written = Buffer.from(lines.bytes).toString().split('\n');
    expect(written).toHaveLength(6);
    for (const [index, line] of written.slice(0, 5).entries())
      expect(readChainedLine(line)).toMatchObject({
        ...{ body: `${json.slice(0, -1)},"seq":${START.seq + index}`, seq: START.seq + index },
      });
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
