import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { DistinctCount } from '../../src/incidents/distinct-count.ts';

function countOf(values: number, times = 1): number {
  const count = new DistinctCount();
  for (let round = 0; round < times; round += 1)
    for (let value = 0; value < values; value += 1)
      count.add(createHash('sha256').update(String(value)).digest('base64url').slice(0, 22));
  return count.estimate;
}

it.each([0, 1, 2, 10, 100, 600, 2000, 4000])('tells %i different digests apart within a tenth', (values) => {
  expect(Math.abs(countOf(values) - values)).toBeLessThanOrEqual(values / 10);
});

it('counts none twice', () => {
  expect(countOf(300, 5)).toBe(countOf(300));
});

it('stays finite where there are far more than it can tell, and where there is no digest', () => {
  expect(countOf(50_000)).toBeGreaterThan(4000);
  const count = new DistinctCount();
  for (const text of ['', '!', '\u{1f600}']) count.add(text);
  expect(count.estimate).toBeLessThanOrEqual(3);
});
