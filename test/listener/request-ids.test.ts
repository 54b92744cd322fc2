import { describe, expect, it } from 'vitest';
import { createRequestIds } from '../../src/listener/request-ids.ts';

const UUID_V4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** Ids of some thousands of requests, so that text and random bytes are renewed several times. */
function idsOf(next: () => string, count = 5_000): string[] {
  return Array.from({ length: count }, next);
}

/** Of each hexadecimal digit of all ids, by its place, the digits that stand there. */
function digitsByPlace(ids: readonly string[]): ReadonlyMap<number, ReadonlySet<string>> {
  const digits = ids.map((id) => [...id.replaceAll('-', '')]);
  return new Map(
    Array.from({ length: 32 }, (_, place) => [place, new Set(digits.map((id) => id[place] ?? ''))]),
  );
}

describe('createRequestIds', () => {
  it('gives UUIDs of version 4', () => {
    expect(idsOf(createRequestIds()).filter((id) => !UUID_V4.test(id))).toEqual([]);
  });

  it('gives none twice, nor one that another gateway gave', () => {
    const ids = [...idsOf(createRequestIds()), ...idsOf(createRequestIds())];
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('leaves every other bit to chance', () => {
    const seen = digitsByPlace(idsOf(createRequestIds()));
    for (const [place, digits] of seen) expect([place, digits.size]).toEqual([place, expectedAt(place)]);
  });
});

/** How many digits can stand at a place: the version is one, and of the variant two bits are free. */
function expectedAt(place: number): number {
  if (place === 12) return 1;
  return place === 16 ? 4 : 16;
}
