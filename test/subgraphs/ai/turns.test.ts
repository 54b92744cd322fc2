import { describe, expect, it } from 'vitest';
import { createTurns } from '../../../subgraphs/ai/turns.ts';

describe('turns', () => {
  it('run so many at once and no more, each in its order, also where some fail', async () => {
    const turns = createTurns({ atOnceMax: 2, max: 6 });
    const begun: number[] = [];
    const ends: (() => void)[] = [];
    const calls = [0, 1, 2, 3].map((index) =>
      turns.take(async () => {
        begun.push(index);
        await new Promise<void>((resolve) => ends.push(resolve));
        if (index === 0) throw new Error('broke');
        return index;
      }),
    );
    const settled = Promise.allSettled(calls);
    await new Promise(setImmediate);
    expect(begun).toEqual([0, 1]);
    ends[0]?.();
    await new Promise(setImmediate);
    expect(begun).toEqual([0, 1, 2]);
    for (const index of [1, 2]) ends[index]?.();
    await new Promise(setImmediate);
    ends[3]?.();
    expect((await settled).map(({ status }) => status)).toEqual([
      'rejected',
      'fulfilled',
      'fulfilled',
      'fulfilled',
    ]);
    expect(await turns.take(async () => 'after')).toBe('after');
  });

  it('refuse more than the bound in all', async () => {
    const turns = createTurns({ atOnceMax: 1, max: 1 });
    expect(await turns.take(async () => 1)).toBe(1);
    await expect(turns.take(async () => 2)).rejects.toMatchObject({
      extensions: { code: 'BAD_USER_INPUT' },
    });
  });
});
