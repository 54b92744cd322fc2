import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { auditEvent } from '../../../src/audit/recorder.ts';
import { AuditShipper, type AuditShipperOptions } from '../../../src/audit/shipping/audit-shipper.ts';
import { LogSource } from '../../../src/audit/shipping/log-source.ts';
import type { EventSink, ShippedEvent } from '../../../src/audit/shipping/shipped-event.ts';
import { PARTS } from '../fixtures.ts';
import { events, idsOf, NOON_MS, openLog, type TestLog } from './log-kit.ts';

/** A sink that takes what it is told to take. */
class FakeSink implements EventSink {
  readonly taken: ShippedEvent[] = [];
  readonly sizes: number[] = [];
  readonly chars: number[] = [];
  /** Whether the next batch arrives, arrives but is not confirmed, or is lost. */
  outcome: () => 'taken' | 'unconfirmed' | 'lost' = () => 'taken';

  async deliver(batch: readonly ShippedEvent[]): Promise<void> {
    const outcome = this.outcome();
    this.sizes.push(batch.length);
    this.chars.push(batch.reduce((sum, { line }) => sum + line.length, 0));
    if (outcome !== 'lost') this.taken.push(...batch);
    if (outcome !== 'taken') throw new Error(outcome);
  }

  async close(): Promise<void> {
    this.outcome = () => 'lost';
  }
}

const LIMITS = { pollMs: 1, retryMs: 1, retryMsMax: 4, eventsMax: 4 };

let log: TestLog;
let sink: FakeSink;
let failures: number[];
let recovered: number;
let nowMs: number;

beforeEach(async () => {
  log = await openLog();
  sink = new FakeSink();
  failures = [];
  recovered = 0;
  nowMs = NOON_MS;
});
afterEach(() => log.close());

function shipper(part: Partial<AuditShipperOptions> = {}): AuditShipper {
  const sources = [new LogSource(log.directory, 'fake')];
  return new AuditShipper({
    ...{ name: 'fake', sink, logs: async () => sources, now: () => nowMs, random: () => 0.5 },
    onFailure: (_, count) => failures.push(count),
    onRecovered: () => (recovered += 1),
    limits: LIMITS,
    ...part,
  });
}

const once = (taken: readonly ShippedEvent[]) => [...new Set(idsOf(taken))];

describe('shipping', () => {
  it('hands over each event once, in order, in batches that are bounded', async () => {
    await log.write(...events('1', '2', '3', '4', '5', '6', '7', '8', '9'));
    await log.rotate();
    await log.write(...events('10'));
    await shipper().ship();
    expect(idsOf(sink.taken)).toEqual(['1', '2', '3', '4', '5', '6', '7', '8', '9', '10']);
    expect(sink.sizes).toEqual([4, 4, 1, 1]);
  });

  it('hands over no more at once than it may hold, however much a line of the log grows when it is written out', async () => {
    const coordinates = Array.from({ length: 1000 }, (_, at) => `Product.fieldThatHasALongName${at}`);
    const { operation: known } = auditEvent(PARTS);
    const operation = known === null ? null : { ...known, coordinates };
    await log.write(
      ...events(...Array.from({ length: 60 }, (_, at) => `${at}`)).map((event) => ({ ...event, operation })),
    );
    const bytesMax = 1_048_576;
    await shipper({ limits: { ...LIMITS, eventsMax: 500, bytesMax } }).ship();
    expect(sink.taken).toHaveLength(60);
    expect(Math.max(...sink.chars)).toBeLessThanOrEqual(bytesMax);
  });

  it('goes on after a restart where the sink had confirmed, not before and not after', async () => {
    await log.write(...events('1', '2', '3', '4', '5', '6'));
    const outcomes = ['taken', 'unconfirmed'] as const;
    let at = 0;
    sink.outcome = () => outcomes[at++] ?? 'taken';
    await expect(shipper().ship()).rejects.toThrow('unconfirmed');
    await shipper().ship();
    expect(idsOf(sink.taken)).toEqual(['1', '2', '3', '4', '5', '6', '5', '6']);
    await shipper().ship();
    expect(sink.taken).toHaveLength(8);
  });

  it('loses nothing and changes no order, whenever the sink fails, segments end and processes die', async () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('write' as const), count: fc.integer({ min: 1, max: 9 }) }),
      fc.constant({ kind: 'rotate' as const }),
      fc.constant({ kind: 'restart' as const }),
      fc.record({
        kind: fc.constant('ship' as const),
        outcomes: fc.array(fc.constantFrom('taken', 'unconfirmed', 'lost')),
      }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 15 }), async (steps) => {
        const each = await openLog();
        const target = new FakeSink();
        const start = () => {
          const sources = [new LogSource(each.directory, 'fake')];
          return shipper({ sink: target, logs: async () => sources });
        };
        const written: string[] = [];
        let running = start();
        try {
          for (const now of steps) {
            if (now.kind === 'write') {
              const ids = Array.from({ length: now.count }, (_, at) => `${written.length + at}`);
              written.push(...ids);
              await each.write(...events(...ids));
            } else if (now.kind === 'rotate') await each.rotate();
            else if (now.kind === 'restart') running = start();
            else {
              const outcomes = [...now.outcomes];
              target.outcome = () => (outcomes.shift() as 'taken' | undefined) ?? 'taken';
              await running.ship().catch(() => undefined);
            }
          }
          target.outcome = () => 'taken';
          await running.ship();
          expect(once(target.taken)).toEqual(written);
          const keys = new Map(target.taken.map(({ run, seq, event }) => [`${run}:${seq}`, event.requestId]));
          expect([...keys.values()].sort()).toEqual([...written].sort());
        } finally {
          await each.close();
        }
      }),
      { numRuns: 12 },
    );
  });

  it('ships the logs that work where one does not, and tells of that one', async () => {
    await log.write(...events('1'));
    const broken = {
      name: 'broken',
      checkpoint: { load: async () => null, save: async () => undefined },
      read: () => Promise.reject(new Error('unreadable')),
    };
    const good = new LogSource(log.directory, 'fake');
    await expect(shipper({ logs: async () => [broken, good] }).ship()).rejects.toThrow('unreadable');
    expect(idsOf(sink.taken)).toEqual(['1']);
  });
});

describe('a sink that is down', () => {
  it('is tried again and again, is told of, and gets all that was written meanwhile', async () => {
    sink.outcome = () => 'lost';
    await log.write(...events('1'));
    const running = shipper();
    running.start();
    try {
      await vi.waitFor(() => expect(failures.length).toBeGreaterThan(3), { interval: 5 });
      expect(failures.slice(0, 4)).toEqual([1, 2, 3, 4]);
      await log.write(...events('2', '3'));
      sink.outcome = () => 'taken';
      await vi.waitFor(() => expect(recovered).toBe(1), { interval: 5 });
      expect(idsOf(sink.taken)).toEqual(['1', '2', '3']);
      expect(running.counts).toMatchObject({ shipped: 3 });
      expect(running.counts.failures).toBe(failures.length);
    } finally {
      await running.close();
    }
  });

  it('is shown by how far it is behind', async () => {
    const running = shipper();
    expect(running.lag).toEqual({ bytes: 0, seconds: 0 });
    sink.outcome = () => 'lost';
    await log.write(...events('1', '2'));
    await expect(running.ship()).rejects.toThrow('lost');
    nowMs += 30_000;
    expect(running.lag.bytes).toBeGreaterThan(100);
    expect(running.lag.seconds).toBe(30);
    sink.outcome = () => 'taken';
    await running.ship();
    expect(running.lag).toEqual({ bytes: 0, seconds: 0 });
  });

  it('that hangs does not hold up a shutdown', async () => {
    await log.write(...events('1'));
    let asked = false;
    const hanging: EventSink = {
      deliver: (_, signal) => {
        asked = true;
        return new Promise((_resolve, reject) =>
          signal.addEventListener('abort', () => reject(signal.reason), { once: true }),
        );
      },
      close: async () => undefined,
    };
    const running = shipper({ sink: hanging });
    running.start();
    await vi.waitFor(() => expect(asked).toBe(true), { interval: 5 });
    await running.close();
    expect(failures).toEqual([]);
    await shipper().ship();
    expect(idsOf(sink.taken)).toEqual(['1']);
  });
});
