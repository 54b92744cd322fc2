import {
  appendFile,
  mkdir,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { auditEventSchema } from '../../../src/audit/event-schema.ts';
import { CheckpointStore } from '../../../src/audit/shipping/checkpoint-store.ts';
import { findLogs, LogSource } from '../../../src/audit/shipping/log-source.ts';
import type { ShipPosition, Shippable } from '../../../src/audit/shipping/shipped-event.ts';
import { events, idsOf, openLog, type TestLog } from './log-kit.ts';

const BOUNDS = { eventsMax: 100, bytesMax: 1_048_576 };

let log: TestLog;
let source: LogSource;

beforeEach(async () => {
  log = await openLog();
  source = new LogSource(log.directory, 'test');
});
afterEach(() => log.close());

const read = (from: ShipPosition | null, bounds = BOUNDS): Promise<Shippable> => source.read(from, bounds);
const ids = ({ events: read }: Shippable) => idsOf(read.map(({ shipped }) => shipped));

/** All there is, batch by batch. */
async function readAll(bounds = BOUNDS): Promise<string[][]> {
  const batches: string[][] = [];
  let from: ShipPosition | null = null;
  for (;;) {
    const batch: Shippable = await read(from, bounds);
    if (batch.events.length === 0) return batches;
    batches.push(ids(batch));
    from = batch.end;
  }
}

describe('a log that is shipped', () => {
  it('tells each event with the run that wrote it, its number and what its line says', async () => {
    await log.write(...events('a', 'b'));
    const { events: found } = await read(null);
    const text = await readFile(log.path(), 'utf8');
    const head = JSON.parse(text.split('\n')[0] ?? '');
    expect(found.map(({ shipped }) => [shipped.run, shipped.seq])).toEqual([
      [head.instance, 0],
      [head.instance, 1],
    ]);
    for (const { shipped } of found) {
      const { seq, ...event } = JSON.parse(shipped.line);
      expect(text).toContain(`"requestId":"${event.requestId}"`);
      expect(seq).toBe(shipped.seq);
      expect(auditEventSchema.parse(event)).toMatchObject({ operation: { name: 'Prices' } });
    }
  });

  it('goes on where it was left, over segments, and never mixes two of them', async () => {
    await log.write(...events('a', 'b'));
    await log.rotate();
    await log.write(...events('c'));
    await log.rotate();
    await log.write(...events('d'));
    expect(await readAll()).toEqual([['a', 'b'], ['c'], ['d']]);
    const first = await read(null);
    expect(ids(await read(first.events[0]?.end ?? null))).toEqual(['b']);
    expect(ids(await read(first.end))).toEqual(['c']);
  });

  it('says nothing twice, and nothing at its end', async () => {
    await log.write(...events('a'));
    const { end } = await read(null);
    const after = await read(end);
    expect([after.events, after.behindBytes]).toEqual([[], 0]);
    expect(after.end).toEqual(end);
    await log.write(...events('b'));
    expect(ids(await read(after.end))).toEqual(['b']);
  });

  it('keeps back a line that no signed one follows: a failed write takes it back', async () => {
    await log.write(...events('a'));
    const { size } = await stat(log.path());
    await appendFile(log.path(), `${JSON.stringify({ ...events('b')[0], seq: 9 })}\n{"version":1,"torn`);
    const { events: found, end } = await read(null);
    expect(found).toHaveLength(1);
    expect(end?.bytes).toBe(size);
    await truncate(log.path(), size);
    await log.write(...events('c'));
    expect(ids(await read(end))).toEqual(['c']);
  });

  it('does not wait for a signed line in a segment that another one follows', async () => {
    await log.write(...events('a'));
    await appendFile(log.path(), `${JSON.stringify({ ...events('b')[0], seq: 9 })}\n`);
    await log.rotate();
    expect(await readAll()).toEqual([['a', 'b']]);
  });

  it('goes on with the next segment where the one it was in has been archived', async () => {
    await log.write(...events('a'));
    const { end } = await read(null);
    await log.rotate();
    await log.write(...events('b'));
    await rm(log.path());
    expect(ids(await read(end))).toEqual(['b']);
  });

  it('ships all of a log that began anew under the numbers and the names of the one before', async () => {
    await log.write(...events('a', 'b', 'c'));
    const { end } = await read(null);
    await log.rotate();
    await log.write(...events('d'));
    const later = await read(end);
    await log.close();
    log = await openLog();
    await log.write(...events('e'));
    source = new LogSource(log.directory, 'test');
    expect(ids(await read(end))).toEqual(['e']);
    expect(ids(await read(later.end))).toEqual(['e']);
    await log.write(...events('f', 'g'));
    expect(ids(await read(end))).toEqual(['e', 'f', 'g']);
  });

  it('tells at most what it is asked for, and a group of lines', async () => {
    for (const group of ['a', 'b', 'c']) await log.write(...events(`${group}1`, `${group}2`));
    expect(await readAll({ eventsMax: 1, bytesMax: 1_048_576 })).toEqual([
      ['a1', 'a2'],
      ['b1', 'b2'],
      ['c1', 'c2'],
    ]);
    expect(await readAll({ eventsMax: 3, bytesMax: 1_048_576 })).toEqual([
      ['a1', 'a2', 'b1', 'b2'],
      ['c1', 'c2'],
    ]);
    expect((await readAll({ eventsMax: 100, bytesMax: 1 })).map(({ length }) => length)).toEqual([2, 2, 2]);
  });

  it('passes over lines that are no events, whatever they are', async () => {
    await log.write(...events('a'));
    await appendFile(log.path(), 'no json\n{"version":1}\n{"intent":1,"requestId":"x"}\n[]\n\n');
    await log.rotate();
    await log.write(...events('b'));
    expect(await readAll()).toEqual([['a'], ['b']]);
  });

  it('says how many bytes are left', async () => {
    await log.write(...events('a'));
    await log.write(...events('b'));
    await log.rotate();
    await log.write(...events('c'));
    const { end, behindBytes } = await read(null, { eventsMax: 1, bytesMax: 1_048_576 });
    const sizes = await Promise.all(
      (await source.read(null, BOUNDS)).events.map(async () => (await stat(log.path())).size),
    );
    expect(behindBytes).toBeGreaterThan((sizes[0] ?? 0) - (end?.bytes ?? 0));
  });
});

describe('a position', () => {
  const POSITION = { segment: 3, run: 'r', file: 'audit-2025-01-31.000000003.ndjson', bytes: 77 };

  it('is kept per sink, and is the last one that was kept', async () => {
    const store = new CheckpointStore(log.directory, 'one');
    expect(await store.load()).toBeNull();
    await store.save({ ...POSITION, bytes: 5 });
    await store.save(POSITION);
    expect(await store.load()).toEqual(POSITION);
    expect(await new CheckpointStore(log.directory, 'two').load()).toBeNull();
    expect((await stat(join(log.directory, 'sink-one.json'))).mode & 0o777).toBe(0o600);
  });

  it.each([
    ['', 'nothing'],
    ['{"version":1,"segm', 'half of it'],
    ['{"version":1,"segment":1,"file":"audit-2025-01-31.ndjson","bytes":1}', 'another version'],
    ['{"version":2,"segment":1,"run":"r","file":"../../etc/passwd","bytes":1}', 'a path'],
    ['{"version":2,"segment":1,"run":"r","file":"audit-2025-01-31.ndjson","bytes":-1}', 'no place'],
  ])('that holds %j, %s, is none: all is shipped again', async (text) => {
    await writeFile(join(log.directory, 'sink-one.json'), text);
    expect(await new CheckpointStore(log.directory, 'one').load()).toBeNull();
  });

  it('is not written through a link that was placed for it', async () => {
    const target = join(log.directory, 'target');
    await writeFile(target, 'untouched');
    await symlink(target, join(log.directory, 'sink-one.json.next'));
    await new CheckpointStore(log.directory, 'one').save(POSITION);
    expect(await readFile(target, 'utf8')).toBe('untouched');
    expect(await new CheckpointStore(log.directory, 'one').load()).toEqual(POSITION);
  });
});

describe('a directory of logs', () => {
  it('has its own log and those of the directories in it', async () => {
    await log.write(...events('a'));
    const inner = await openLog('worker-1', log.directory);
    await mkdir(join(log.directory, 'empty'));
    try {
      expect(await findLogs(log.directory)).toEqual([log.directory, inner.directory]);
    } finally {
      await inner.close();
    }
  });

  it('has none in directories that may not be read, but those of workers, which tell', async () => {
    await log.write(...events('a'));
    const [others, worker] = ['lost+found', 'worker-2'].map((name) => join(log.directory, name));
    for (const each of [others, worker]) await mkdir(each ?? '');
    const namesOf = async (directory: string) => {
      if (directory !== log.directory) throw Object.assign(new Error('refused'), { code: 'EACCES' });
      return readdir(directory);
    };
    expect(await findLogs(log.directory, namesOf)).toEqual([log.directory, worker]);
    const broken = Object.assign(new Error('broken'), { code: 'EIO' });
    await expect(findLogs(log.directory, () => Promise.reject(broken))).rejects.toBe(broken);
  });
});
