import { expect, it, vi } from 'vitest';
import { Slice } from '../../src/metering/slice.ts';

it('a slice gives back the oldest of what it holds where a third grant comes', () => {
  const rate = { points: 100, perMs: 1000, burst: 1000 };
  const slice = new Slice({ key: 'a', slot: 'a', rate }, { heldMs: 1000, share: 0.1 });
  const giveBack = vi.fn();
  const verdict = { permitted: true, fullAt: 0, remaining: 900, retryAfterMs: 0 };
  for (const [atMs, extra] of [
    [0, 5],
    [10, 6],
    [20, 7],
  ] as const)
    slice.hear({ verdict, extra, cost: 0 }, { askedAtMs: atMs, nowMs: atMs }, giveBack);
  expect(giveBack.mock.calls).toEqual([[5]]);
  expect(slice.pointsAt(30, giveBack)).toBe(13);
});
