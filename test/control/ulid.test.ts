import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { ulids } from '../../src/control/ulid.ts';

it('makes ids in their order, within a millisecond and when the clock steps back', () => {
  const times = [
    1_700_000_000_000, 1_700_000_000_000, 1_699_999_999_000, 1_700_000_000_001, 1_700_000_000_500,
  ];
  let at = 0;
  const newId = ulids(() => times[at++] ?? 0, randomBytes);
  const ids = times.map(() => newId('use'));
  expect(ids).toEqual([...ids].sort());
  expect(new Set(ids).size).toBe(times.length);
  for (const id of ids) expect(id).toMatch(/^use_[0-9A-HJKMNP-TV-Z]{26}$/);
});

it('uses no chance twice, however many ids it makes', () => {
  let at = 0;
  let drawn = 0;
  const newId = ulids(
    () => at++,
    (length) => Uint8Array.from({ length }, () => drawn++),
  );
  // Two ids of each 512 bytes begin alike, since the least five bits count up: none of their chance is left out or used again.
  const ends = Array.from({ length: 600 }, () => newId('x').slice(-15));
  expect(ends).toEqual(ends.map((_, index) => ends[index % 2]));
  expect(drawn).toBeGreaterThanOrEqual(600 * 16);
});
