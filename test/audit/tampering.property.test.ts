import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type AuditVerifier,
  createAuditSigner,
  createAuditVerifier,
} from '../../src/audit/audit-signature.ts';
import type { ChainBreak } from '../../src/audit/chain-break.ts';
import { CHAIN_START } from '../../src/audit/chained-line.ts';
import { SegmentChain, type SegmentVersion } from '../../src/audit/segment-chain.ts';
import { SegmentCheck } from '../../src/audit/segment-check.ts';
import { chainLine, OlderSegment } from './older-segments.ts';

const jwk = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
const signer = createAuditSigner(jwk);
const { keyId, verify } = createAuditVerifier(jwk);
const judged = new Map<string, boolean>();
/** Judges a signature once: almost all that a changed segment holds was judged before. */
const verifier: AuditVerifier = {
  keyId,
  verify: (hash, signature) => {
    const key = JSON.stringify([hash, signature]);
    const isGood = judged.get(key) ?? verify(hash, signature);
    judged.set(key, isGood);
    return isGood;
  },
};
const other = createAuditSigner(generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' }));
const EVENTS = 12;
const TABLE = '{"table":0,"operation":{"hash":"ab"}}';

/** One sealed segment: its head, a table, events with a checkpoint after every third, its seal. */
function writtenLines(events = EVENTS): readonly string[] {
  const chain = new SegmentChain(0, signer, CHAIN_START);
  const head = { marker: 'segment', version: 3, previous: CHAIN_START.hash } as const;
  const texts = [chain.marker({ ...head, keyId: signer.keyId, instance: 'i' }, 0)];
  const take = (line: string): void => {
    chain.take(Buffer.from(`${line}\n`));
    texts.push(`${line}\n`);
  };
  take(TABLE);
  for (let each = 0; each < events; each += 1) {
    take(`{"requestId":"r-${each}","operation":0,"seq":${each}}`);
    if (each % 3 === 2 || each === events - 1) texts.push(chain.marker({ marker: 'checkpoint' }, 0));
  }
  return [...texts, chain.seal(0)].map((line) => line.slice(0, -1));
}

/** As an earlier program wrote it. */
function olderLines(version: 1 | 2, events = EVENTS): readonly string[] {
  const segment = new OlderSegment(version, signer, CHAIN_START);
  segment.event(TABLE);
  for (let each = 0; each < events; each += 1) {
    segment.event(`{"requestId":"r-${each}","operation":0}`);
    if (each % 3 === 2) segment.marker({ marker: 'checkpoint' });
  }
  segment.seal();
  return segment.lines;
}

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

describe.each<[SegmentVersion, readonly string[], readonly string[]]>([
  [3, writtenLines(), writtenLines(1)],
  [2, olderLines(2), olderLines(2, 1)],
])('a segment of version %i', (_version, LINES, small) => {
  const line = fc.nat(LINES.length - 1);

  it('is whole as it was written', () => {
    expect(breaksOf(textOf(LINES))).toEqual([]);
    expect(breaksOf(textOf(small))).toEqual([]);
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
      line.map((seq) => `{"requestId":"evil","operation":0,"seq":${seq}}`),
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
});

describe('a segment in which groups of lines are chained', () => {
  const LINES = writtenLines();
  const line = fc.nat(LINES.length - 1);

  it('tells the group of which an event was written anew together with its checksum', () => {
    fc.assert(
      fc.property(line, (at) => {
        fc.pre(LINES[at]?.startsWith('{"requestId":') === true);
        const forged = LINES.with(at, LINES[at]?.replace('"r-', '"x-') ?? '');
        const end = forged.findIndex((each, index) => index > at && each.startsWith('{"marker":'));
        const begin = forged.findLastIndex((each, index) => index < at && each.startsWith('{"marker":'));
        const chain = new SegmentChain(0, other, CHAIN_START);
        chain.take(Buffer.from(textOf(forged.slice(begin + 1, end))));
        const { sums } = JSON.parse(chain.marker({ marker: 'checkpoint' }, 0));
        const lied = forged.with(end, (forged[end] ?? '').replace(/"sums":"[^"]*"/u, `"sums":"${sums}"`));
        expect(breaksOf(textOf(lied))).toEqual([{ kind: 'changed', line: end + 1, seq: expect.any(Number) }]);
      }),
    );
  });

  it('tells lines that were chained anew from one on, at the first that somebody had to sign', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: LINES.length - 1 }), (at) => {
        const begin = LINES.findLastIndex((each, index) => index < at && each.startsWith('{"marker":'));
        const { seq, hash } = JSON.parse(LINES[begin] ?? '{}');
        const chain = new SegmentChain(0, other, { seq, hash });
        const kept = LINES.slice(begin + 1, at);
        const evil = `{"requestId":"evil","operation":0,"seq":${seq + kept.filter((each) => each.includes('"seq"')).length}}`;
        chain.take(Buffer.from(textOf([...kept, evil])));
        const forged = [
          evil,
          chain.marker({ marker: 'checkpoint' }, 0).slice(0, -1),
          chain.seal(0).slice(0, -1),
        ];
        const [first] = breaksOf(textOf([...LINES.slice(0, at), ...forged]));
        expect(first).toMatchObject({ kind: 'foreign signature', line: at + 2 });
      }),
      { numRuns: 20 },
    );
  });

  it('does not believe a marker that was changed, though its hash is signed', () => {
    const chain = new SegmentChain(1, signer, CHAIN_START);
    const head = { marker: 'segment', version: 3, previous: CHAIN_START.hash } as const;
    const texts = [
      chain.marker({ ...head, keyId: signer.keyId, instance: 'i' }, 0),
      chain.marker({ marker: 'removed', last: 0, lastHash: 'a'.repeat(64) }, 0),
    ];
    const check = new SegmentCheck(verifier, null);
    for (const text of texts) check.line(text.slice(0, -1).replace('"last":0', '"last":7'));
    expect(check.removals).toEqual([]);
    expect(check.breaks).toMatchObject([{ kind: 'changed', line: 2 }]);
  });

  it('goes on after a group without an end, in memory that does not grow with it', () => {
    const check = new SegmentCheck(verifier, CHAIN_START);
    const [head = '', ...rest] = LINES;
    check.line(head);
    for (let each = 0; each < 100_001; each += 1) check.line('{}');
    for (const each of rest) check.line(each);
    expect(check.breaks[0]).toMatchObject({ kind: 'changed', line: 100_002 });
    expect(check.breaks.length).toBeLessThan(5);
  });
});

describe('a segment in which each line is chained', () => {
  const LINES = olderLines(2);
  const line = fc.nat(LINES.length - 1);

  it('of the first version is whole as it was written, and its seal is for that version only', () => {
    const first = olderLines(1);
    expect(breaksOf(textOf(first))).toEqual([]);
    const roots = [first, LINES].map((lines) => JSON.parse(lines.at(-1) ?? '').root);
    expect(roots[0]).not.toBe(roots[1]);
    const mixed = new OlderSegment(2, signer, CHAIN_START);
    mixed.event('{"requestId":"r-0"}');
    mixed.seal();
    const [head = '', event = '', seal = ''] = mixed.lines;
    expect(breaksOf(textOf([head.replace('"version":2', '"version":1'), event, seal]))[0]).toMatchObject({
      ...{ kind: 'changed', line: 1 },
    });
    expect(breaksOf(textOf(mixed.lines))).toEqual([]);
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
        const { seq, hash } = JSON.parse(LINES[at - 1] ?? '{}');
        const chained = chainLine('{"requestId":"evil","operation":0}', { seq: seq + 1, hash });
        const end = chainLine('{"marker":"checkpoint","segment":0,"time":"2026-01-01T00:00:00.000Z"}', {
          ...{ seq: seq + 2, hash: chained.hash },
        });
        const signed = `${end.line.slice(0, -1)},"signature":"${other.sign(end.hash)}"}`;
        const [first] = breaksOf(textOf([...LINES.slice(0, at), chained.line, signed]));
        expect(first).toMatchObject({ kind: 'foreign signature', line: at + 2 });
      }),
      { numRuns: 20 },
    );
  });
});
