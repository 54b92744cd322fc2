import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { atTurnEnd } from '../src/turn-end.ts';

describe('the end of a turn', () => {
  it('comes for all that waits for it, in order, and once', async () => {
    const done: number[] = [];
    atTurnEnd(() => done.push(1));
    atTurnEnd(() => done.push(2));
    await Promise.resolve();
    expect(done).toEqual([]);
    await turn();
    await turn();
    expect(done).toEqual([1, 2]);
  });

  it('is that of the next turn for what is put off meanwhile', async () => {
    const done: number[] = [];
    atTurnEnd(() => atTurnEnd(() => done.push(1)));
    await turn();
    expect(done).toEqual([]);
    await turn();
    expect(done).toEqual([1]);
  });

  it('comes also for what stands behind something that fails', async () => {
    const done: number[] = [];
    const faults: unknown[] = [];
    const onFault = (fault: unknown): void => void faults.push(fault);
    const others = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException').once('uncaughtException', onFault);
    const fault = new Error('a fault');
    try {
      atTurnEnd(() => {
        throw fault;
      });
      atTurnEnd(() => done.push(1));
      await turn();
      await turn();
    } finally {
      process.removeAllListeners('uncaughtException');
      for (const listener of others) process.on('uncaughtException', listener);
    }
    expect(faults).toEqual([fault]);
    expect(done).toEqual([1]);
  });
});
