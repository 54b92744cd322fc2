import { describe, expect, it } from 'vitest';
import { Departure } from '../../../src/execution/native/departure.ts';
import { SharedFetches, type Start } from '../../../src/execution/native/shared-fetches.ts';

/** Work that ends when the test says so. */
function workshop() {
  const started: { done: (result: string) => void; cancelled: boolean }[] = [];
  const start = (done: (result: string) => void) => {
    const work = { done, cancelled: false };
    started.push(work);
    return () => {
      work.cancelled = true;
    };
  };
  return { started, start };
}

const never = Departure.of(new AbortController().signal);

const joining = (start: Start<string>, departure: Departure) => ({
  ...{ start, departure, read: (result: string | null) => result },
});

describe('shared fetches', () => {
  it('are read by each who waits for them', async () => {
    const { started, start } = workshop();
    const fetches = new SharedFetches<string>();
    const read = (result: string | null) => ({ result });
    const both = [0, 1].map(() => fetches.join('a', { start, departure: never, read }));
    started[0]?.done('answer');
    const [one, other] = await Promise.all(both);
    expect(one).toEqual({ result: 'answer' });
    expect(other).toEqual(one);
    expect(other).not.toBe(one);
  });

  it('start equal work once and tell everybody', async () => {
    const { started, start } = workshop();
    const fetches = new SharedFetches<string>();
    const both = [fetches.join('a', joining(start, never)), fetches.join('a', joining(start, never))];
    expect(started).toHaveLength(1);
    started[0]?.done('answer');
    expect(await Promise.all(both)).toEqual(['answer', 'answer']);
    expect(fetches.size).toBe(0);
  });

  it('keep different keys apart', async () => {
    const { started, start } = workshop();
    const fetches = new SharedFetches<string>();
    const a = fetches.join('a', joining(start, never));
    const b = fetches.join('b', joining(start, never));
    started[0]?.done('for a');
    started[1]?.done('for b');
    expect(await Promise.all([a, b])).toEqual(['for a', 'for b']);
  });

  it('keep nothing once the work is done', async () => {
    const { started, start } = workshop();
    const fetches = new SharedFetches<string>();
    const first = fetches.join('a', joining(start, never));
    started[0]?.done('old');
    await first;
    const second = fetches.join('a', joining(start, never));
    started[1]?.done('new');
    expect(await second).toBe('new');
  });

  it('go on for the others when one caller leaves', async () => {
    const { started, start } = workshop();
    const fetches = new SharedFetches<string>();
    const leaving = new AbortController();
    const gone = fetches.join('a', joining(start, Departure.of(leaving.signal)));
    const staying = fetches.join('a', joining(start, never));
    leaving.abort();
    expect(await gone).toBeNull();
    expect(started[0]?.cancelled).toBe(false);
    started[0]?.done('answer');
    expect(await staying).toBe('answer');
  });

  it('are cut off when the last caller leaves, and whoever comes then starts anew', async () => {
    const { started, start } = workshop();
    const fetches = new SharedFetches<string>();
    const leaving = new AbortController();
    const gone = fetches.join('a', joining(start, Departure.of(leaving.signal)));
    leaving.abort();
    expect(await gone).toBeNull();
    expect(started[0]?.cancelled).toBe(true);
    const next = fetches.join('a', joining(start, never));
    started[0]?.done('too late');
    started[1]?.done('anew');
    expect(await next).toBe('anew');
  });

  it('are not started for a caller who has left already', async () => {
    const { started, start } = workshop();
    const left = Departure.of(AbortSignal.abort());
    expect(await new SharedFetches<string>().join('a', joining(start, left))).toBeNull();
    expect(started).toHaveLength(0);
  });

  it('let the next caller start anew where starting failed', async () => {
    const { started, start } = workshop();
    const fetches = new SharedFetches<string>();
    const failing = () => {
      throw new Error('cannot start');
    };
    await expect(fetches.join('a', joining(failing, never))).rejects.toThrow('cannot start');
    const next = fetches.join('a', joining(start, never));
    started[0]?.done('anew');
    expect(await next).toBe('anew');
  });

  it('take work that ends at once', async () => {
    const fetches = new SharedFetches<string>();
    const start = (done: (result: string) => void) => {
      done('at once');
      return () => undefined;
    };
    expect(await fetches.join('a', joining(start, never))).toBe('at once');
    expect(fetches.size).toBe(0);
  });
});
