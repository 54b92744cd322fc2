import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ToWorker } from '../../src/commands/worker-part.ts';
import { WorkerPool } from '../../src/commands/worker-pool.ts';

/** A worker that does what the test says. */
class FakeWorker extends EventEmitter {
  readonly told: ToWorker[] = [];
  readonly signals: string[] = [];
  readonly process = {
    pid: 4711,
    kill: (signal: string) => {
      this.signals.push(signal);
      this.emit('exit', null, signal);
      return true;
    },
  };
  send(message: ToWorker): boolean {
    this.told.push(message);
    return true;
  }
  serve(): void {
    this.emit('message', { kind: 'hello' });
    this.emit('message', { kind: 'ready', url: 'http://here:4000/' });
  }
  end(code: number): void {
    this.emit('exit', code, null);
  }
}

const log = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() };
let forked: FakeWorker[];
let pool: WorkerPool;

function open(count: number): void {
  forked = [];
  pool = new WorkerPool({
    ...{ count, restartMs: 100, restartMsMax: 1000, failedStartsMax: 3, startTimeoutMs: 5000, log },
    ...{ closeTimeoutMs: 2000, nowMs: () => performance.now() },
    fork: () => {
      const worker = new FakeWorker();
      forked.push(worker);
      return worker;
    },
    partOf: (number, url) => ({ number, config: '{}', port: url === null ? 0 : Number(new URL(url).port) }),
  });
}

const worker = (index: number): FakeWorker => {
  const found = forked[index];
  if (found === undefined) throw new Error(`worker ${index} was not forked`);
  return found;
};
const soon = () => vi.advanceTimersByTimeAsync(0);

/** A pool of so many workers that all serve. */
async function serving(count: number): Promise<void> {
  open(count);
  const started = pool.start();
  for (let index = 0; index < count; index += 1) {
    await soon();
    worker(index).serve();
  }
  await started;
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
});
afterEach(() => vi.useRealTimers());

describe('a pool of workers', () => {
  it('starts the second only once the first serves, and tells each its part and where the first serves', async () => {
    open(3);
    const started = pool.start();
    await soon();
    expect(forked).toHaveLength(1);
    worker(0).serve();
    await soon();
    expect(forked).toHaveLength(3);
    worker(1).serve();
    worker(2).serve();
    expect(await started).toBe('http://here:4000/');
    expect(forked.map(({ told }) => told)).toEqual(
      [1, 2, 3].map((number) => [
        { kind: 'start', part: { number, config: '{}', port: number === 1 ? 0 : 4000 } },
      ]),
    );
  });

  it('does not start where the first worker ends before it serves', async () => {
    open(2);
    const started = pool.start();
    const refused = expect(started).rejects.toMatchObject({
      code: 'WORKERS_FAILED',
      details: [{ message: 'worker 1 ended before it served (status 1)' }],
    });
    await soon();
    worker(0).end(1);
    await refused;
    expect(forked).toHaveLength(1);
  });

  it('kills a worker that does not come to serve in time', async () => {
    open(2);
    const refused = expect(pool.start()).rejects.toMatchObject({ code: 'WORKERS_FAILED' });
    await vi.advanceTimersByTimeAsync(4999);
    expect(worker(0).signals).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(worker(0).signals).toEqual(['SIGKILL']);
    await refused;
  });

  it('starts a worker that crashed again, later each time, as the same number', async () => {
    await serving(2);
    let index = 0;
    for (const pauseMs of [100, 200, 400, 800, 1000, 1000]) {
      worker(index).end(1);
      const before = forked.length;
      await vi.advanceTimersByTimeAsync(pauseMs - 1);
      expect(forked).toHaveLength(before);
      await vi.advanceTimersByTimeAsync(1);
      expect(forked).toHaveLength(before + 1);
      index = before;
      worker(index).serve();
      expect(worker(index).told[0]).toMatchObject({ part: { number: 1 } });
    }
  });

  it('forgets the failures of a worker that served for long', async () => {
    await serving(2);
    worker(0).end(1);
    await vi.advanceTimersByTimeAsync(100);
    worker(2).serve();
    await vi.advanceTimersByTimeAsync(1000);
    worker(2).end(1);
    await vi.advanceTimersByTimeAsync(100);
    expect(forked).toHaveLength(4);
  });

  it('gives up when starts fail and nobody serves', async () => {
    await serving(2);
    const gaveUp = expect(pool.gaveUp).rejects.toMatchObject({
      code: 'WORKERS_FAILED',
      details: [{ message: 'no worker serves, and 3 starts in a row failed' }],
    });
    worker(0).end(1);
    worker(1).end(1);
    await vi.advanceTimersByTimeAsync(100);
    worker(2).end(1);
    worker(3).end(1);
    await vi.advanceTimersByTimeAsync(200);
    worker(4).end(1);
    await gaveUp;
  });

  it('goes on trying while another serves', async () => {
    await serving(2);
    let given = false;
    pool.gaveUp.catch(() => {
      given = true;
    });
    worker(0).end(1);
    for (let index = 2; index < 12; index += 1) {
      await vi.advanceTimersByTimeAsync(1000);
      worker(index).end(1);
    }
    await vi.advanceTimersByTimeAsync(1000);
    expect([given, forked.length]).toEqual([false, 13]);
  });

  it('tells all to stop, starts none again, and ends when the last has', async () => {
    await serving(2);
    const closed = pool.close();
    expect(forked.map(({ told }) => told.at(-1))).toEqual([{ kind: 'stop' }, { kind: 'stop' }]);
    worker(0).end(0);
    worker(1).end(0);
    await closed;
    await vi.advanceTimersByTimeAsync(10_000);
    expect(forked).toHaveLength(2);
  });

  it('starts none again that it waits to start when told to stop', async () => {
    await serving(2);
    worker(0).end(1);
    await soon();
    const closed = pool.close();
    worker(1).end(0);
    await closed;
    await vi.advanceTimersByTimeAsync(10_000);
    expect(forked).toHaveLength(2);
  });

  it('kills what does not end in time, and says that it did not end well', async () => {
    await serving(2);
    const closed = expect(pool.close()).rejects.toMatchObject({ code: 'WORKERS_FAILED' });
    worker(0).end(0);
    await vi.advanceTimersByTimeAsync(2000);
    expect(worker(1).signals).toEqual(['SIGKILL']);
    await closed;
  });
});
