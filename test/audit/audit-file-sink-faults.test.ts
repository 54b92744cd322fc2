import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FileAuditSink, type FileAuditSinkLimits } from '../../src/audit/audit-file-sink.ts';
import type { AuditFile } from '../../src/audit/audit-file-store.ts';
import { auditLine } from '../../src/audit/audit-line.ts';
import type { GatewayError } from '../../src/errors.ts';
import { eventOf, linesOf } from './fixtures.ts';

/** A disk of one file whose every operation can be made to fail. */
class FakeDisk {
  content = '';
  opened = 0;
  appends = 0;
  bytesFree = Number.POSITIVE_INFINITY;
  bytesPerWriteMax = Number.POSITIVE_INFINITY;
  failing: 'open' | 'append' | 'sync' | null = null;
  inPlace = true;
  hung: Promise<void> = Promise.resolve();

  readonly open = async (): Promise<AuditFile> => {
    this.#failIf('open');
    this.opened += 1;
    if (this.content !== '' && !this.content.endsWith('\n')) this.content += '\n';
    return {
      nextSeq: 0,
      append: async (bytes) => {
        this.appends += 1;
        await this.hung;
        this.#failIf('append');
        const taken = Math.min(bytes.length, this.bytesFree, this.bytesPerWriteMax);
        if (taken === 0) throw Object.assign(new Error('no space'), { code: 'ENOSPC' });
        this.bytesFree -= taken;
        this.content += Buffer.from(bytes.subarray(0, taken)).toString('latin1');
        return taken;
      },
      sync: async () => this.#failIf('sync'),
      inPlace: async () => this.inPlace,
      full: () => false,
      close: async () => undefined,
    };
  };

  get ids(): string[] {
    const lines = this.content.split('\n').filter((line) => line.startsWith('{') && line.endsWith('}'));
    return lines.flatMap((line) => JSON.parse(line).requestId ?? []);
  }

  #failIf(operation: NonNullable<FakeDisk['failing']>): void {
    if (this.failing === operation) throw Object.assign(new Error('fault'), { code: 'EIO' });
  }
}

let disk: FakeDisk;
let now: number;
let faults: GatewayError[];
let sink: FileAuditSink;

async function open(limits: Partial<FileAuditSinkLimits> = {}): Promise<void> {
  sink = await FileAuditSink.open({
    directory: '/nowhere',
    clock: () => now,
    onFault: (error) => faults.push(error),
    openFile: disk.open,
    limits: { flushMs: 1, retryMs: 1, retryMsMax: 4, ...limits },
  });
}

beforeEach(() => {
  disk = new FakeDisk();
  now = Date.UTC(2025, 0, 31, 12);
  faults = [];
});

afterEach(async () => {
  disk.failing = null;
  disk.bytesFree = Number.POSITIVE_INFINITY;
  disk.inPlace = true;
  await sink.close().catch(() => undefined);
});

/** The caller has called before, so that all that come now refer to the same tables. */
auditLine(eventOf('r-0'));
const LINES = linesOf(eventOf('r-1'));
const TABLE_BYTES = Buffer.byteLength(LINES.slice(0, -1).join(''));
const LINE_BYTES = Buffer.byteLength(LINES.at(-1) ?? '');

describe('a failing disk', () => {
  it.each(['append', 'sync'] as const)(
    'that fails to %s is retried until it works, in order, nothing lost',
    async (operation) => {
      await open();
      disk.failing = operation;
      for (const id of ['r-1', 'r-2', 'r-3']) sink.record(eventOf(id));
      await vi.waitFor(() => expect(sink.healthy()).toBe(false));
      sink.record(eventOf('r-4'));
      disk.failing = null;
      await vi.waitFor(() => expect(sink.healthy()).toBe(true));
      await sink.close();
      expect(disk.ids.slice(-4)).toEqual(['r-1', 'r-2', 'r-3', 'r-4']);
      expect(sink.dropped).toBe(0);
    },
  );

  it('that fails to open keeps a sink from opening', async () => {
    await open();
    disk.failing = 'open';
    await expect(open()).rejects.toMatchObject({ code: 'AUDIT_UNAVAILABLE' });
  });

  it('that is full after part of a line keeps what it took, and repeats only the torn line', async () => {
    await open();
    disk.bytesFree = TABLE_BYTES + LINE_BYTES * 2 + 10;
    for (const id of ['r-1', 'r-2', 'r-3']) sink.record(eventOf(id));
    await vi.waitFor(() => expect(sink.healthy()).toBe(false));
    expect(disk.ids).toEqual(['r-1', 'r-2']);
    disk.bytesFree = Number.POSITIVE_INFINITY;
    await sink.close();
    expect(disk.ids).toEqual(['r-1', 'r-2', 'r-3']);
  });

  it('that takes few bytes at a time gets them all', async () => {
    await open();
    disk.bytesPerWriteMax = 7;
    sink.record(eventOf('r-1'));
    await sink.close();
    expect(disk.content).toBe(LINES.join(''));
  });

  it('whose file was replaced gets the lines again in the new one', async () => {
    await open();
    disk.inPlace = false;
    sink.record(eventOf('r-1'));
    await vi.waitFor(() => expect(sink.healthy()).toBe(false));
    disk.inPlace = true;
    await sink.close();
    expect(disk.opened).toBeGreaterThan(1);
    expect(disk.ids.at(-1)).toBe('r-1');
    expect(sink.dropped).toBe(0);
  });

  it('makes the sink unhealthy once a write takes longer than the stall limit', async () => {
    await open({ stallMs: 5_000 });
    const { promise, resolve } = Promise.withResolvers<void>();
    disk.hung = promise;
    const startedMs = now;
    sink.record(eventOf('r-1'));
    await vi.waitFor(() => expect(disk.appends).toBe(1));
    now = startedMs + 5_000;
    expect(sink.healthy()).toBe(true);
    now = startedMs + 5_001;
    expect(sink.healthy()).toBe(false);
    resolve();
    await vi.waitFor(() => expect(sink.healthy()).toBe(true));
  });

  it('is told at most once in the interval, also after the clock was set back', async () => {
    await open({ faultIntervalMs: 10_000 });
    disk.failing = 'append';
    sink.record(eventOf('r-1'));
    await vi.waitFor(() => expect(faults).toHaveLength(1));
    const retriesSeen = disk.opened + 3;
    await vi.waitFor(() => expect(disk.opened).toBeGreaterThan(retriesSeen));
    expect(faults).toHaveLength(1);
    now -= 3_600_000;
    await vi.waitFor(() => expect(faults).toHaveLength(2));
  });
});

describe('a full queue', () => {
  it.each<[string, Partial<FileAuditSinkLimits>]>([
    ['events', { queueEventsMax: 2 }],
    ['bytes', { queueBytesMax: LINE_BYTES * 2 + TABLE_BYTES }],
  ])(
    'of %s takes what fits, counts and tells what does not, and is unhealthy until it was written',
    async (_, limits) => {
      await open(limits);
      sink.record(eventOf('r-1'));
      sink.record(eventOf('r-2'));
      expect(sink.dropped).toBe(0);
      expect(sink.healthy()).toBe(true);
      sink.record(eventOf('r-3'));
      expect(sink.dropped).toBe(1);
      expect(sink.healthy()).toBe(false);
      expect(faults.map(({ code, details }) => [code, details[0]?.message])).toEqual([
        ['AUDIT_UNAVAILABLE', '1 audit events dropped, 2 waiting'],
      ]);
      await vi.waitFor(() => expect(sink.healthy()).toBe(true));
      sink.record(eventOf('r-4'));
      await sink.close();
      expect(disk.ids).toEqual(['r-1', 'r-2', 'r-4']);
    },
  );
});

describe('an event that cannot be encoded', () => {
  it('is counted and told once its group is written, and takes no other with it', async () => {
    await open();
    const broken = Object.defineProperty({ ...eventOf('r-2') }, 'durationUs', {
      get: () => {
        throw new TypeError('no duration');
      },
    });
    for (const event of [eventOf('r-1'), broken, eventOf('r-3')]) sink.record(event);
    expect([sink.dropped, sink.waiting]).toEqual([0, 3]);
    await sink.close();
    expect(disk.ids).toEqual(['r-1', 'r-3']);
    expect(sink.dropped).toBe(1);
    expect(faults.map(({ code, cause }) => [code, (cause as Error).message])).toEqual([
      ['AUDIT_UNAVAILABLE', 'no duration'],
    ]);
  });
});

describe('close', () => {
  it('counts and tells what a broken disk did not take', async () => {
    await open();
    disk.failing = 'append';
    sink.record(eventOf('r-1'));
    sink.record(eventOf('r-2'));
    await expect(sink.close()).rejects.toMatchObject({ code: 'AUDIT_UNAVAILABLE' });
    expect(sink.dropped).toBe(2);
  });

  it('does not wait longer than its limit for a disk that hangs', async () => {
    await open({ closeTimeoutMs: 5 });
    disk.hung = new Promise(() => undefined);
    sink.record(eventOf('r-1'));
    await expect(sink.close()).rejects.toMatchObject({ code: 'AUDIT_UNAVAILABLE' });
    expect(sink.dropped).toBe(1);
  });

  it('may be called twice, and an event after it is counted as dropped and told', async () => {
    await open();
    await Promise.all([sink.close(), sink.close()]);
    expect(sink.healthy()).toBe(false);
    expect(() => sink.record(eventOf('late'))).not.toThrow();
    expect(sink.dropped).toBe(1);
    expect(faults).toHaveLength(1);
    expect(disk.ids).toEqual([]);
  });
});
