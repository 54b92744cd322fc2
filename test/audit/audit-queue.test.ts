import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AuditQueue } from '../../src/audit/audit-queue.ts';

/** Texts of one to three bytes for a unit, some of them longer than what is made bytes at once. */
const text = fc.oneof(
  { weight: 9, arbitrary: fc.string({ unit: 'grapheme', maxLength: 40 }) },
  fc.constantFrom('', '\u20ac'.repeat(30_000), 'plain'.repeat(20_000), '\u{1f600}'.repeat(50)),
);
const step = fc.oneof({ weight: 6, arbitrary: fc.record({ text }) }, fc.constant('batch' as const));

describe('a queue of lines', () => {
  it('gives whole lines of any characters, in order and numbered without a gap, and knows their bytes', () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 40 }),
        fc.constantFrom(0, 8, 997, 999_980),
        fc.constantFrom(1, 100, 5_000, 1_000_000),
        (steps, firstSeq, batchMax) => {
          const queue = new AuditQueue({ linesMax: 1_000, bytesMax: 100_000_000 }, firstSeq);
          const expected: string[] = [];
          let waiting = 0;
          let given = '';
          const take = (): void => {
            const bytes = queue.batch(batchMax, queue);
            const lines = Buffer.from(bytes).toString();
            given += lines;
            waiting -= bytes.length;
            expect(queue.written(bytes.length)).toBe(lines.split('\n').length - 1);
          };
          for (const each of steps) {
            if (each === 'batch') take();
            else {
              const member = `{"text":${JSON.stringify(each.text)}`;
              const line = `${member},"seq":${firstSeq + expected.length}}\n`;
              expect(queue.push(1, { text: member, call: null, operation: null })).toBe(true);
              expected.push(line);
              waiting += Buffer.byteLength(line);
            }
            if (each === 'batch' || each.text.length % 2 === 0) expect(queue.bytes).toBe(waiting);
          }
          while (queue.length > 0) take();
          expect(given).toBe(expected.join(''));
        },
      ),
      { numRuns: 60 },
    );
  });

  it('takes as many lines as fit to the byte, whatever characters they have', () => {
    fc.assert(
      fc.property(fc.array(text, { minLength: 1, maxLength: 12 }), fc.nat(70), (texts, percent) => {
        const lines = texts.map((each, seq) => `{"text":${JSON.stringify(each)},"seq":${seq}}\n`);
        const all = lines.reduce((sum, line) => sum + Buffer.byteLength(line), 0);
        const bytesMax = Math.floor((all * (30 + percent)) / 100);
        const queue = new AuditQueue({ linesMax: 100, bytesMax });
        let held = 0;
        for (const each of texts) {
          const member = `{"text":${JSON.stringify(each)}`;
          const bytes = Buffer.byteLength(`${member},"seq":${queue.taken}}\n`);
          const isTaken = queue.push(1, { text: member, call: null, operation: null });
          expect(isTaken).toBe(held + bytes <= bytesMax);
          if (isTaken) held += bytes;
          expect(queue.bytes).toBe(held);
        }
      }),
      { numRuns: 60 },
    );
  });
});
