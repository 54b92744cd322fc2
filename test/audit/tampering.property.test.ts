import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createAuditSigner, createAuditVerifier } from '../../src/audit/audit-signature.ts';
import { CHAIN_START, chainLine } from '../../src/audit/chained-line.ts';
import { ChainedLines } from '../../src/audit/chained-lines.ts';
import { MerkleRoot } from '../../src/audit/merkle-root.ts';
import { SEGMENT_VERSION, SegmentChain, type SegmentVersion } from '../../src/audit/segment-chain.ts';
import { type ChainBreak, SegmentCheck } from '../../src/audit/segment-check.ts';

const jwk = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
const signer = createAuditSigner(jwk);
const verifier = createAuditVerifier(jwk);
const EVENTS = 12;

/** One line, chained. */
function eventOn(chain: SegmentChain, json: string): string {
  const lines = new ChainedLines();
  chain.events(Buffer.from(`${json}\n`), lines);
  return Buffer.from(lines.bytes).toString();
}

/** One sealed segment: its head, a table, events with a checkpoint after every third, its seal. */
function writtenLines(events = EVENTS, version: SegmentVersion = SEGMENT_VERSION): readonly string[] {
  const begun = { position: CHAIN_START, lines: 0, first: null, merkle: new MerkleRoot() };
  const chain = new SegmentChain(0, signer, { version, ...begun });
  const head = { marker: 'segment', version, previous: CHAIN_START.hash } as const;
  const lines = [chain.marker({ ...head, keyId: signer.keyId, instance: 'i' }, 0)];
  lines.push(eventOn(chain, '{"table":0,"operation":{"hash":"ab"}}'));
  for (let each = 0; each < events; each += 1) {
    lines.push(eventOn(chain, `{"requestId":"r-${each}","operation":0}`));
    if (each % 3 === 2) lines.push(chain.marker({ marker: 'checkpoint' }, 0));
  }
  return [...lines, chain.seal(0)].map((line) => line.slice(0, -1));
}

const LINES = writtenLines();
const line = fc.nat(LINES.length - 1);

/** What is wrong with a text that stands where the segment stood. */
function breaksOf(text: string): readonly ChainBreak[] {
  const check = new SegmentCheck(verifier, CHAIN_START);
  const lines = text.split('\n');
  for (const each of lines.slice(0, -1)) check.line(each);
  if (lines.at(-1) !== '' || !check.sealed) check.truncated();
  return check.breaks;
}

const textOf = (lines: readonly string[]) => lines.map((each) => `${each}\n`).join('');

/** The first break stands at a line, or at the one after it. */
function expectBreakNear(text: string, at: number): void {
  const [first] = breaksOf(text);
  expect([at + 1, at + 2]).toContain(first?.line);
}

describe('a segment', () => {
  it('is whole as it was written', () => {
    expect(breaksOf(textOf(LINES))).toEqual([]);
  });

  it('of an earlier version is whole as it was written, and its seal is for that version only', () => {
    const old = writtenLines(EVENTS, 1);
    expect(breaksOf(textOf(old))).toEqual([]);
    const roots = [old, LINES].map((lines) => JSON.parse(lines.at(-1) ?? '').root);
    expect(roots[0]).not.toBe(roots[1]);
    const chain = new SegmentChain(0, signer, CHAIN_START);
    const head = { marker: 'segment', version: 1, previous: CHAIN_START.hash } as const;
    const mixed = [
      chain.marker({ ...head, keyId: signer.keyId, instance: 'i' }, 0),
      eventOn(chain, '{"requestId":"r-0"}'),
      chain.seal(0),
    ];
    expect(breaksOf(mixed.join(''))).toMatchObject([{ kind: 'removed', line: 3 }]);
  });

  it('tells the line of which any byte was changed', () => {
    fc.assert(
      fc.property(line, fc.nat(), fc.integer({ min: 1, max: 255 }), (at, place, change) => {
        const bytes = Buffer.from(LINES[at] ?? '');
        const index = place % bytes.length;
        bytes[index] = (bytes[index] ?? 0) ^ change;
        // A line feed inside makes two lines of one: the first of them tells.
        expectBreakNear(textOf(LINES.toSpliced(at, 1, bytes.toString())), at);
      }),
    );
  });

  it('tells every byte of a small one', () => {
    const small = writtenLines(1);
    const whole = Buffer.from(textOf(small));
    let at = 0;
    for (let index = 0; index < whole.length; index += 1) {
      const changed = Buffer.from(whole);
      changed[index] = (whole[index] ?? 0) ^ (1 << (index % 8));
      expectBreakNear(changed.toString(), at);
      if (whole[index] === 0x0a) at += 1;
    }
  });

  it('tells where lines were removed', () => {
    fc.assert(
      fc.property(line, fc.integer({ min: 1, max: 4 }), (at, count) => {
        const left = LINES.toSpliced(at, count);
        expectBreakNear(textOf(left), Math.min(at, left.length));
      }),
    );
  });

  it('tells where lines stand in another order', () => {
    fc.assert(
      fc.property(line, line, (one, other) => {
        fc.pre(one !== other);
        const lines = [...LINES];
        [lines[one], lines[other]] = [LINES[other] ?? '', LINES[one] ?? ''];
        expectBreakNear(textOf(lines), Math.min(one, other));
      }),
    );
  });

  it('tells where a line of its own was put in again, or one that somebody wrote', () => {
    const foreign = fc.oneof(
      line.map((at) => LINES[at] ?? ''),
      fc.string({ maxLength: 40 }).filter((text) => !text.includes('\n')),
      line.map((seq) => chainLine('{"requestId":"evil","operation":0}', { seq, hash: 'a'.repeat(64) }).line),
    );
    fc.assert(
      fc.property(fc.integer({ min: 1, max: LINES.length }), foreign, (at, text) => {
        expectBreakNear(textOf(LINES.toSpliced(at, 0, text)), at);
      }),
    );
  });

  it('tells where bytes were appended', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, maxLength: 40 }), (more) => {
        expectBreakNear(textOf(LINES) + more, LINES.length);
      }),
    );
  });

  it('tells an event that was written anew with a hash of its own, though the lines after it were not', () => {
    fc.assert(
      fc.property(line, (at) => {
        const { seq, hash } = JSON.parse(LINES[at - 1] ?? '{}');
        fc.pre(at > 0 && at < LINES.length - 1 && hash !== undefined);
        const { line: forged } = chainLine('{"requestId":"evil","operation":0}', { seq: seq + 1, hash });
        expectBreakNear(textOf(LINES.toSpliced(at, 1, forged)), at);
      }),
    );
  });

  it('tells lines that were chained anew from one on, at the first that somebody had to sign', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: LINES.length - 1 }), (at) => {
        const other = createAuditSigner(generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' }));
        const { seq, hash } = JSON.parse(LINES[at - 1] ?? '{}');
        const chain = new SegmentChain(0, other, { seq: seq + 1, hash });
        const forged = [eventOn(chain, '{"requestId":"evil","operation":0}'), chain.seal(0)].map((each) =>
          each.slice(0, -1),
        );
        const [first] = breaksOf(textOf([...LINES.slice(0, at), ...forged]));
        expect(first).toMatchObject({ kind: 'foreign signature', line: at + 2 });
      }),
      { numRuns: 20 },
    );
  });
});
