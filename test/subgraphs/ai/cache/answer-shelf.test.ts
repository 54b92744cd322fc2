import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ModelAnswer } from '../../../../subgraphs/ai/ask-model.ts';
import { AnswerShelves, answerBytes, type KeptAnswer } from '../../../../subgraphs/ai/cache/answer-shelf.ts';
import { nearText } from '../../../../subgraphs/ai/cache/near-text.ts';
import { NO_USAGE } from '../../../../subgraphs/ai/token-usage.ts';

const BOUNDS = { entriesMax: 6, bytesMax: 1_000_000, entryBytesMax: 10_000, candidatesMax: 3 };

function kept(text: string, part: Partial<KeptAnswer> = {}): KeptAnswer {
  const answer: ModelAnswer = { text, toolCalls: [], finishReason: 'STOP', usage: NO_USAGE };
  return { answer, keptAtMs: 1000, near: null, ...part };
}
function near(group: string, ...vector: readonly number[]): NonNullable<KeptAnswer['near']> {
  return { group, text: nearText('x', vector) ?? expect.unreachable('a vector says something') };
}
const textOf = (found: KeptAnswer | null) => found?.answer.text ?? null;

describe('answers by tenant', () => {
  it('are found by their tenant, and by no other under the same key', () => {
    const shelves = new AnswerShelves(BOUNDS, answerBytes);
    shelves.put('a', 'k', kept('one', { near: near('g', 1, 0) }));
    expect(textOf(shelves.get('a', 'k', 0))).toBe('one');
    for (const tenant of ['b', '', 'A', 'a ', '__proto__', 'constructor']) {
      expect(shelves.get(tenant, 'k', 0)).toBeNull();
      expect(shelves.nearest(tenant, near('g', 1, 0), { sinceMs: 0, threshold: 0.5 })).toBeNull();
    }
  });

  it('are forgotten when they are too old, on both sides of the bound', () => {
    const shelves = new AnswerShelves(BOUNDS, answerBytes);
    shelves.put('a', 'k', kept('one', { near: near('g', 1, 0) }));
    expect(textOf(shelves.get('a', 'k', 1000))).toBe('one');
    expect(shelves.nearest('a', near('g', 1, 0), { sinceMs: 1001, threshold: 0.5 })).toBeNull();
    expect(shelves.get('a', 'k', 1001)).toBeNull();
    expect(shelves.size).toEqual({ entries: 0, bytes: 0 });
  });

  it('give way by age of use, and those of who has most first', () => {
    const shelves = new AnswerShelves(BOUNDS, answerBytes);
    shelves.put('small', 's', kept('s'));
    for (const key of ['1', '2', '3', '4', '5']) shelves.put('large', key, kept(key));
    shelves.get('large', '1', 0);
    shelves.put('large', '6', kept('6'));
    expect(textOf(shelves.get('small', 's', 0))).toBe('s');
    expect(['1', '2', '3'].map((key) => textOf(shelves.get('large', key, 0)))).toEqual(['1', null, '3']);
  });

  it('are not kept where they are too large', () => {
    const shelves = new AnswerShelves({ ...BOUNDS, entryBytesMax: 1000 }, answerBytes);
    shelves.put('a', 'k', kept('x'));
    shelves.put('a', 'k', kept('x'.repeat(1000)));
    expect(shelves.get('a', 'k', 0)).toBeNull();
  });

  it('never take more than the bounds, and count what they take', () => {
    const put = fc.record({
      tenant: fc.constantFrom('a', 'b', 'c'),
      key: fc.constantFrom('1', '2', '3', '4'),
      length: fc.nat(2000),
      group: fc.option(fc.constantFrom('g', 'h')),
    });
    fc.assert(
      fc.property(fc.array(put, { maxLength: 60 }), (puts) => {
        const shelves = new AnswerShelves({ ...BOUNDS, bytesMax: 8000, entryBytesMax: 4000 }, answerBytes);
        for (const { tenant, key, length, group } of puts) {
          const vector = group === null ? null : near(group, 1, 1);
          shelves.put(tenant, `${tenant}${key}`, kept('x'.repeat(length), { near: vector }));
          expect(shelves.size.entries).toBeLessThanOrEqual(BOUNDS.entriesMax);
          expect(shelves.size.bytes).toBeLessThanOrEqual(8000);
        }
        for (const { tenant, key } of puts) shelves.get(tenant, `${tenant}${key}`, 2000);
        expect(shelves.size).toEqual({ entries: 0, bytes: 0 });
      }),
      { numRuns: 60 },
    );
  });
});

describe('answers to questions that are nearly the same', () => {
  const find = (shelves: AnswerShelves, vector: readonly number[], threshold = 0.9) =>
    textOf(shelves.nearest('a', near('g', ...vector), { sinceMs: 0, threshold }));

  it('are those of the nearest question of the group, as near as the threshold at least', () => {
    const shelves = new AnswerShelves(BOUNDS, answerBytes);
    shelves.put('a', '1', kept('one', { near: near('g', 1, 0) }));
    shelves.put('a', '2', kept('two', { near: near('g', 0, 1) }));
    shelves.put('a', '3', kept('other group', { near: near('h', 1, 1) }));
    expect(find(shelves, [9, 1])).toBe('one');
    expect(find(shelves, [1, 9])).toBe('two');
    expect(find(shelves, [1, 1])).toBeNull();
    expect(find(shelves, [3, 4], 0.8)).toBe('two');
    expect(find(shelves, [3, 4], 0.801)).toBeNull();
    expect(find(shelves, [1, 0, 0])).toBeNull();
  });

  it('are as many as a question is compared with, and no more', () => {
    const shelves = new AnswerShelves(BOUNDS, answerBytes);
    for (const key of ['1', '2', '3', '4']) shelves.put('a', key, kept(key, { near: near('g', 1, 0) }));
    expect(shelves.size.entries).toBe(3);
    expect(shelves.get('a', '1', 0)).toBeNull();
  });
});
