import { APICallError } from 'ai';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createKeyHealth } from '../../../../subgraphs/ai/routing/key-health.ts';
import { runAttempts } from '../../../../subgraphs/ai/routing/run-attempts.ts';
import { bounds, fault } from './faults.ts';

const [X, Y] = ['x', 'y'].map((provider) => ({
  ...{ model: { id: `${provider}/m`, provider }, healthKey: provider },
})) as [Candidate, Candidate];
interface Candidate {
  readonly model: { readonly id: string; readonly provider: string };
  readonly healthKey: string;
}

const refused = (statusCode: number, responseHeaders: Record<string, string> = {}) =>
  new APICallError({ message: 'no', url: 'https://x', requestBodyValues: {}, statusCode, responseHeaders });
const silent = () => new Promise<never>(() => undefined);

beforeEach(() => void vi.useFakeTimers({ now: 1_000_000 }));
afterEach(() => void vi.useRealTimers());

function running(
  candidates: readonly Candidate[],
  answers: Readonly<Record<string, () => Promise<string>>>,
  part: {
    readonly deadlineMs?: number;
    readonly left?: AbortSignal;
    readonly attemptTimeoutMs?: number;
  } = {},
) {
  const limits = bounds({ backoffMs: 100, attemptTimeoutMs: part.attemptTimeoutMs ?? 400 });
  const health = createKeyHealth(limits, Date.now);
  const faults: string[] = [];
  const signals: AbortSignal[] = [];
  const late: string[] = [];
  const run = () =>
    runAttempts(
      candidates,
      (candidate, signal) => {
        signals.push(signal);
        return answers[candidate.healthKey]?.() ?? Promise.reject(new Error('nobody'));
      },
      {
        ...{
          health,
          bounds: limits,
          now: Date.now,
          random: () => 0,
          left: part.left ?? new AbortController().signal,
        },
        deadlineMs: Date.now() + (part.deadlineMs ?? 1000),
        onFault: ({ healthKey }, { outcome }) => faults.push(`${healthKey} ${outcome}`),
        isOwn: (thrown) => thrown instanceof RangeError,
        onLate: (value) => void late.push(value),
      },
    );
  return { run, health, faults, signals, late };
}

describe('attempts', () => {
  it('end with the first that answers', async () => {
    const { run, faults } = running([X, Y], { x: async () => 'one', y: async () => 'two' });
    expect(await run()).toMatchObject({
      ...{ answered: true, value: 'one', candidate: X },
      attempts: [{ model: 'x/m', provider: 'x', outcome: 'ANSWERED', status: null, durationMs: 0 }],
    });
    expect(faults).toEqual([]);
  });

  it('go on to another model where one is down, and say so', async () => {
    const { run, faults } = running([X, Y], { x: () => Promise.reject(refused(500)), y: async () => 'two' });
    expect(await run()).toMatchObject({
      value: 'two',
      attempts: [
        { provider: 'x', outcome: 'PROVIDER_ERROR', status: 500 },
        { provider: 'y', outcome: 'ANSWERED' },
      ],
    });
    expect(faults).toEqual(['x PROVIDER_ERROR']);
  });

  it('leave a silent provider in time for another, and give the last all that is left', async () => {
    const { run, signals } = running([X, Y], { x: silent, y: silent });
    const ended = run();
    await vi.advanceTimersByTimeAsync(399);
    expect(signals.map(({ aborted }) => aborted)).toEqual([false]);
    await vi.advanceTimersByTimeAsync(1);
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, false]);
    await vi.advanceTimersByTimeAsync(600);
    expect(await ended).toMatchObject({
      ...{ answered: false, fault: { outcome: 'TIMEOUT' } },
      attempts: [{ durationMs: 400 }, { durationMs: 400 }, { durationMs: 200 }],
    });
  });

  it('end at the deadline where the provider does not listen', async () => {
    const { run } = running([X], { x: silent }, { deadlineMs: 250 });
    const ended = run();
    await vi.advanceTimersByTimeAsync(250);
    expect(await ended).toMatchObject({ answered: false, fault: { outcome: 'TIMEOUT' } });
  });

  it('hand on what comes when its time was over, so that it can be ended', async () => {
    const slow = () => new Promise<string>((resolve) => setTimeout(resolve, 500, 'one'));
    const { run, late } = running([X, Y], { x: slow, y: async () => 'two' });
    const ended = run();
    await vi.advanceTimersByTimeAsync(400);
    expect(await ended).toMatchObject({ value: 'two' });
    expect(late).toEqual([]);
    await vi.advanceTimersByTimeAsync(100);
    expect(late).toEqual(['one']);
  });

  it('wait for the same key as long as its provider says, and ask again', async () => {
    const x = vi.fn(async () => 'one').mockRejectedValueOnce(refused(429, { 'retry-after-ms': '300' }));
    const ended = running([X], { x }).run();
    await vi.advanceTimersByTimeAsync(299);
    expect(x).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(await ended).toMatchObject({ value: 'one', attempts: [{ outcome: 'RATE_LIMITED' }, {}] });
  });

  it('do not wait for what is beyond the deadline, and say when it may be', async () => {
    const x = vi.fn(() => Promise.reject(refused(429, { 'retry-after': '17' })));
    expect(await running([X], { x }).run()).toMatchObject({
      ...{ answered: false, fault: { outcome: 'RATE_LIMITED', retryAfterMs: 17_000 } },
    });
    expect(x).toHaveBeenCalledTimes(1);
  });

  it('ask nobody while all circuits are open, and say for how long', async () => {
    const x = vi.fn(async () => 'one');
    const { run, health } = running([X], { x });
    for (let time = 0; time < 5; time += 1) health.failed(X, fault('UNREACHABLE'));
    expect(await run()).toMatchObject({
      ...{ answered: false, attempts: [], fault: { outcome: 'OVERLOADED', retryAfterMs: 15_000 } },
    });
    expect(x).not.toHaveBeenCalled();
  });

  it('move away from an outage, and back when it is over', async () => {
    let down = true;
    const x = vi.fn(async () => (down ? Promise.reject(refused(503)) : 'one'));
    const { run } = running([X, Y], { x, y: async () => 'two' });
    const values: unknown[] = [];
    const ask = async (): Promise<void> => {
      const ended = await run();
      values.push(ended.answered && ended.value);
    };
    for (let call = 0; call < 8; call += 1) await ask();
    expect(x).toHaveBeenCalledTimes(5);
    down = false;
    await vi.advanceTimersByTimeAsync(15_000);
    await ask();
    await ask();
    expect(values).toEqual([...Array.from({ length: 8 }, () => 'two'), 'one', 'one']);
  });

  it('stop when the caller leaves, during a call and while waiting', async () => {
    const left = new AbortController();
    const calling = running([X, Y], { x: silent, y: async () => 'two' }, { left: left.signal });
    const ended = calling.run();
    await vi.advanceTimersByTimeAsync(10);
    left.abort();
    expect(await ended).toMatchObject({ answered: false, fault: { outcome: 'ABANDONED' } });
    const gone = new AbortController();
    const waiting = running([X], { x: () => Promise.reject(refused(500)) }, { left: gone.signal }).run();
    await vi.advanceTimersByTimeAsync(10);
    gone.abort();
    expect((await waiting).attempts).toHaveLength(1);
  });

  it('throw what is a refusal of our own, and ask nobody after', async () => {
    const y = vi.fn(async () => 'two');
    const { run, health } = running([X, Y], { x: () => Promise.reject(new RangeError('budget')), y });
    await expect(run()).rejects.toThrow(RangeError);
    expect(y).not.toHaveBeenCalled();
    expect(health.admit(X).admitted).toBe(true);
  });
});
