import { expect, it, vi } from 'vitest';
import { Slice } from '../../src/metering/slice.ts';

it('a slice gives back the oldest of what it holds where a third grant comes', () => {
  const rate = { points: 100, perMs: 1000, burst: 1000 };
  const giveBack = vi.fn();
  const bucket = { key: 'a', slot: 'a', rate };
  const slice = new Slice(bucket, { heldMs: 1000, share: 0.1 }, giveBack);
  const verdict = { permitted: true, fullAt: 0, remaining: 900, retryAfterMs: 0 };
  for (const [atMs, extra] of [
    [0, 5],
    [10, 6],
    [20, 7],
  ] as const)
    slice.hear({ verdict, extra, cost: 0 }, { askedAtMs: atMs, nowMs: atMs });
  expect(giveBack.mock.calls).toEqual([[bucket, 5]]);
  expect(slice.pointsAt(30)).toBe(13);
});
