import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { readAuditKey } from '../../src/audit/audit-key-store.ts';
import { AuditLogStore } from '../../src/audit/audit-log-store.ts';
import type { AuditRetention, RetentionOptions } from '../../src/audit/audit-retention-store.ts';
import { checkSegment, listHeads, listSegments } from '../../src/audit/segment-read-store.ts';
import { CheckpointStore } from '../../src/audit/shipping/checkpoint-store.ts';
import { LogSource } from '../../src/audit/shipping/log-source.ts';
import { type AuditReport, type CheckOptions, checkAudit } from '../../src/commands/audit.ts';

const DAY_MS = 86_400_000;
const START_MS = Date.UTC(2025, 0, 1, 12);
const KEEP: AuditRetention = { maxAgeMs: null, bytesMax: null, sinks: [] };

let home: string;
let directory: string;
let outcomes: unknown[];
/** Segments that were written and sealed. */
let written: number;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'retention-'));
  directory = join(home, 'log');
  outcomes = [];
  written = 0;
});
afterEach(() => rm(home, { recursive: true }));

/** Begins a segment on each of some days, as one life of a gateway. */
async function live(
  days: readonly number[],
  retention: AuditRetention | null,
  removing: Pick<RetentionOptions, 'removeOne'> = {},
): Promise<void> {
  let day = 0;
  const store = await AuditLogStore.open({
    ...{ directory, keyPath: join(home, 'key.json'), segmentBytesMax: 1_000_000, retention },
    clock: () => START_MS + day * DAY_MS,
    onRecovery: () => undefined,
    onRetention: (outcome) => void outcomes.push(outcome),
    ...removing,
  });
  for (day of days) {
    const name = `audit-${new Date(START_MS + day * DAY_MS).toISOString().slice(0, 10)}.ndjson`;
    const file = await store.openFile(join(directory, name));
    await file.append(Buffer.from(`{"event":"${'x'.repeat(500)}"}\n`));
    await file.sync();
    await file.close();
    written += 1;
  }
  await store.close();
}

async function check(archives = false, options: CheckOptions = {}): Promise<AuditReport> {
  return checkAudit(directory, await readAuditKey(join(home, 'key.json')), { archives, ...options });
}

/** Numbers of the segments that are there. */
async function numbers(): Promise<readonly (number | undefined)[]> {
  return (await listHeads(directory)).map(({ head }) => head?.segment);
}

/** Says that a sink has shipped all before a segment, and some of it. */
async function shipped(sink: string, number: number, run?: string): Promise<void> {
  const { path = '', head } = (await listHeads(directory))[number] ?? {};
  if (head?.marker !== 'segment') throw new Error('there is no such segment');
  const position = {
    segment: number,
    run: run ?? head.instance,
    file: path.split('/').at(-1) ?? '',
    bytes: 10,
  };
  await new CheckpointStore(directory, sink).save(position);
}

describe('old segments', () => {
  it('are kept where nothing says otherwise', async () => {
    await live([0, 1, 400], null);
    await live([900], KEEP);
    expect([await numbers(), outcomes]).toEqual([[0, 1, 2, 3], []]);
  });

  it('are removed once their last line is older than the age, and not before', async () => {
    await live([0, 1, 2, 3], null);
    const retention = { ...KEEP, maxAgeMs: 7 * DAY_MS };
    // The last line of segment 0 is not after the head of segment 1: day 1.
    await live([8], retention);
    expect(await numbers()).toEqual([0, 1, 2, 3, 4]);
    await live([9], retention);
    expect(await numbers()).toEqual([1, 2, 3, 4, 5]);
    await live([11], retention);
    expect([await numbers(), outcomes]).toEqual([
      [3, 4, 5, 6],
      [{ segments: 1 }, { segments: 2 }],
    ]);
    expect(await check()).toMatchObject({ breaks: [], firstSegment: 3, open: false });
  });

  it('are removed from the oldest on until the rest fits its size', async () => {
    await live([0, 1, 2, 3], null);
    const [path = ''] = await listSegments(directory);
    const { length } = await readFile(path);
    await live([4], { ...KEEP, bytesMax: 2 * length + 100 });
    expect([await numbers(), (await check()).breaks]).toEqual([[2, 3, 4], []]);
  });

  it('that go while a reader lists them are passed over, and are no fault of the log', async () => {
    await live([0, 1], null);
    // What is there when the directory is read, and gone when it is opened.
    await symlink(join(home, 'gone'), join(directory, 'audit-2024-12-31.ndjson'));
    expect([await numbers(), (await check()).breaks]).toEqual([[0, 1], []]);
    const { events, end } = await new LogSource(directory, 'siem').read(null, {
      eventsMax: 9,
      bytesMax: 9999,
    });
    expect([events, end?.segment]).toEqual([[], 1]);
  });

  it('are never all removed: the newest stays, whatever the bounds', async () => {
    await live([0, 1, 2], null);
    await live([5000], { ...KEEP, maxAgeMs: 1, bytesMax: 1 });
    expect([await numbers(), (await check()).breaks]).toEqual([[2, 3], []]);
  });

  it('hold up nothing while they go, and nothing more goes meanwhile', async () => {
    await live([0, 1, 2], null);
    const { promise, resolve } = Promise.withResolvers<void>();
    const asked: string[] = [];
    const removeOne = async (path: string): Promise<void> => {
      asked.push(path);
      await promise;
      await rm(path);
    };
    const living = live([50, 100, 150], { ...KEEP, maxAgeMs: DAY_MS }, { removeOne });
    await vi.waitFor(() => expect(written).toBe(6));
    expect([await numbers(), asked.length, outcomes]).toEqual([[0, 1, 2, 3, 4, 5], 1, []]);
    resolve();
    await living;
    expect([await numbers(), outcomes]).toEqual([[2, 3, 4, 5], [{ segments: 2 }]]);
    expect((await check()).breaks).toEqual([]);
  });

  it('stay where a sink has not shipped them, or shipped another log, or nothing', async () => {
    await live([0, 1, 2, 3], null);
    const retention = { ...KEEP, maxAgeMs: DAY_MS, sinks: ['index', 'siem'] };
    await shipped('index', 3);
    await live([50], retention);
    expect(await numbers()).toEqual([0, 1, 2, 3, 4]);
    await shipped('siem', 2, 'another run');
    await live([51], retention);
    expect(await numbers()).toEqual([0, 1, 2, 3, 4, 5]);
    await shipped('siem', 2);
    await live([52], retention);
    expect([await numbers(), (await check()).breaks]).toEqual([[2, 3, 4, 5, 6], []]);
  });

  it('stay from the first on that cannot be read, as evidence', async () => {
    await live([0, 1, 2, 3], null);
    const [, second = ''] = await listSegments(directory);
    await writeFile(second, `?${await readFile(second, 'utf8')}`);
    await live([500], { ...KEEP, maxAgeMs: DAY_MS });
    // Segment 0 has no successor that says where it ended.
    expect((await numbers()).filter((each) => each !== undefined)).toEqual([0, 2, 3, 4]);
  });

  it('stay where who says that they are old has not the key, which is told', async () => {
    await live([0, 1, 2, 3], null);
    for (const path of (await listSegments(directory)).slice(1))
      await writeFile(path, (await readFile(path, 'utf8')).replace('"time":"2025-', '"time":"2020-'));
    await live([4], { ...KEEP, maxAgeMs: 7 * DAY_MS });
    expect([await numbers(), outcomes]).toEqual([[0, 1, 2, 3, 4], [{ fault: expect.any(Error) }]]);
  });

  it('stay where another key signed them, which is told', async () => {
    await live([0, 1, 2], null);
    await rm(join(home, 'key.json'));
    await live([400], { ...KEEP, maxAgeMs: 7 * DAY_MS });
    expect([await numbers(), outcomes]).toEqual([[0, 1, 2, 3], [{ fault: expect.any(Error) }]]);
  });

  it('stay where it cannot be known what is shipped, and the log goes on', async () => {
    await live([0, 1], null);
    await mkdir(join(directory, 'sink-index.json'));
    await live([500], { ...KEEP, maxAgeMs: DAY_MS, sinks: ['index'] });
    expect([await numbers(), outcomes]).toEqual([[0, 1, 2], [{ fault: expect.any(Error) }]]);
    expect((await check()).breaks).toEqual([]);
  });
});

describe('what was removed is recorded', () => {
  const retention = { ...KEEP, maxAgeMs: 7 * DAY_MS };

  it('and what was removed besides is told', async () => {
    await live([0, 1, 2, 3, 4], null);
    await live([10], retention);
    expect([await numbers(), (await check()).breaks]).toEqual([[2, 3, 4, 5], []]);
    const [next = ''] = await listSegments(directory);
    await rm(next);
    expect((await check()).breaks).toMatchObject([{ kind: 'unrecorded removal', line: 1 }]);
    // People who archive segments by hand say so.
    expect((await check(true)).breaks).toEqual([]);
  });

  it('nothing is told of a log that has removed nothing and whose beginning is gone, but that', async () => {
    await live([0, 1], null);
    const [first = ''] = await listSegments(directory);
    await rm(first);
    expect((await check()).breaks).toMatchObject([{ kind: 'unrecorded removal' }]);
  });

  it('before it is removed: what a crash leaves is one chain', async () => {
    await live([0, 1, 2, 3], null);
    const [, second = ''] = await listSegments(directory);
    const whole = await readFile(second);
    await live([10], retention);
    expect(await numbers()).toEqual([2, 3, 4]);
    await writeFile(second, whole);
    expect([await numbers(), (await check()).breaks]).toEqual([[1, 2, 3, 4], []]);
  });

  it('again when that record goes itself', async () => {
    await live([0, 1, 2], null);
    // Each a life of its own, which ends once what it removes is gone.
    for (const day of [9, 30, 60]) await live([day], retention);
    expect([await numbers(), (await check()).breaks]).toEqual([[4, 5], []]);
  });

  it('and cannot be made to say more than it does', async () => {
    await live([0, 1, 2, 3], null);
    await live([9], retention);
    expect(await numbers()).toEqual([1, 2, 3, 4]);
    const paths = await listSegments(directory);
    const newest = paths.at(-1) ?? '';
    const text = await readFile(newest, 'utf8');
    expect(text).toContain('"marker":"removed"');
    await writeFile(newest, text.replace('"last":0', '"last":1'));
    await rm(paths[0] ?? '');
    const kinds = (await check()).breaks.map(({ kind }) => kind);
    expect(kinds).toContain('changed');
    expect(kinds).toContain('unrecorded removal');
  });

  it('and what was removed of another log by the same key is not it', async () => {
    await live([0, 1, 2, 3], null);
    const mine = (await listSegments(directory)).slice(0, 3);
    const whole = await Promise.all(mine.map((path) => readFile(path)));
    const own = directory;
    directory = join(home, 'other');
    await live([-40, -39, -38], null);
    const old = await listSegments(directory);
    // Somebody puts old segments of another log there, lets the gateway remove them, and puts all back but one.
    for (const [index, path] of mine.entries()) await copyFile(old[index] ?? '', path);
    directory = own;
    await live([4], retention);
    expect(await numbers()).toEqual([2, 3, 4]);
    for (const [index, path] of mine.entries()) if (index > 0) await writeFile(path, whole[index] ?? '');
    expect((await check()).breaks).toMatchObject([{ kind: 'unrecorded removal' }]);
  });

  it('in a marker that readers of events pass over', async () => {
    await live([0, 1, 2], null);
    await live([10], retention);
    const names = (await readdir(directory)).filter((name) => name.endsWith('.ndjson')).sort();
    const lines = (await readFile(join(directory, names.at(-1) ?? ''), 'utf8')).split('\n');
    expect(JSON.parse(lines[1] ?? '')).toMatchObject({ marker: 'removed', segment: 3, last: 1 });
  });
});

describe('a check while old segments are removed', () => {
  it('begins again with what is left, names what went, and finds nothing wrong', async () => {
    await live([0, 1, 2, 3], null);
    const gone: string[] = [];
    const checked: string[] = [];
    const report = await check(false, {
      onGone: (path) => void gone.push(path),
      check: async (path, ...rest) => {
        checked.push(path);
        // As the second is about to be read, a gateway comes up and removes what is old.
        if (checked.length === 2) await live([10], { ...KEEP, maxAgeMs: 2 * DAY_MS });
        return checkSegment(path, ...rest);
      },
    });
    expect(gone).toEqual([checked[1]]);
    expect(report.breaks).toEqual([]);
    expect(report.firstSegment).toBeGreaterThan(1);
    expect(await check()).toEqual(report);
  });

  it('still finds a segment that somebody takes out of the middle', async () => {
    await live([0, 1, 2, 3], null);
    let reads = 0;
    const report = await check(false, {
      check: async (path, ...rest) => {
        reads += 1;
        if (reads === 2) await rm(path);
        return checkSegment(path, ...rest);
      },
    });
    expect(report.breaks.map(({ kind }) => kind)).toContain('missing segment');
  });
});
