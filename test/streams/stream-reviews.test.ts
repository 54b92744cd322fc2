import { describe, expect, it, vi } from 'vitest';
import { StreamReviews } from '../../src/streams/stream-reviews.ts';

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('streams that are looked at again', () => {
  it('are so once for each change, and not once they were given up', async () => {
    const reviews = new StreamReviews();
    const [kept, left] = [vi.fn(), vi.fn()];
    reviews.add(kept);
    const giveUp = reviews.add(left);
    reviews.changed();
    await turn();
    giveUp();
    reviews.changed();
    await turn();
    expect([kept.mock.calls.length, left.mock.calls.length]).toEqual([2, 1]);
  });

  it('are some at a time, so that what waits meanwhile has its turn', async () => {
    const reviews = new StreamReviews();
    let looked = 0;
    for (let index = 0; index < 200; index += 1)
      reviews.add(() => {
        looked += 1;
      });
    reviews.changed();
    expect(looked).toBeLessThan(200);
    await vi.waitFor(() => expect(looked).toBe(200));
  });

  it('are looked at once more where something changed while they were', async () => {
    const reviews = new StreamReviews();
    let looked = 0;
    for (let index = 0; index < 100; index += 1)
      reviews.add(() => {
        looked += 1;
      });
    reviews.changed();
    reviews.changed();
    reviews.changed();
    await vi.waitFor(() => expect(looked).toBe(200));
    await turn();
    expect(looked).toBe(200);
  });

  it('that end others are not looked at any more', async () => {
    const reviews = new StreamReviews();
    const second = vi.fn();
    let giveUp: () => void = () => undefined;
    reviews.add(() => giveUp());
    giveUp = reviews.add(second);
    reviews.changed();
    await turn();
    expect(second).not.toHaveBeenCalled();
  });
});
