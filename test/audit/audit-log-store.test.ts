import {
  appendFile,
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FileAuditSink } from '../../src/audit/audit-file-sink.ts';
import { obtainAuditKey, readAuditKey } from '../../src/audit/audit-key-store.ts';
import { AuditLogStore, type AuditRecovery } from '../../src/audit/audit-log-store.ts';
import { createAuditSigner } from '../../src/audit/audit-signature.ts';
import { CHAIN_START } from '../../src/audit/chained-line.ts';
import { END_MARK_FILE, endMarkText } from '../../src/audit/end-mark.ts';
import { type AuditReport, checkAudit } from '../../src/commands/audit.ts';
import { eventOf } from './fixtures.ts';
import { OlderSegment } from './older-segments.ts';

const NOON = Date.UTC(2025, 0, 31, 12);
const FIRST = 'audit-2025-01-31.ndjson';
const SECOND = 'audit-2025-01-31.000000001.ndjson';

let home: string;
let directory: string;
let recoveries: AuditRecovery[];

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'chain-'));
  directory = join(home, 'log');
  recoveries = [];
});
afterEach(() => rm(home, { recursive: true }));

async function openStore(into = directory, segmentBytesMax = 1_000_000): Promise<AuditLogStore> {
  return AuditLogStore.open({
    directory: into,
    keyPath: join(home, 'key.json'),
    segmentBytesMax,
    clock: () => NOON,
    onRecovery: (recovery) => recoveries.push(recovery),
  });
}

/** Records events and closes, as one life of a gateway. */
async function run(names: readonly string[], into = directory, segmentBytesMax = 1_000_000): Promise<void> {
  const store = await openStore(into, segmentBytesMax);
  const sink = await FileAuditSink.open({
    directory: into,
    clock: () => NOON,
    onFault: (error) => {
      throw error;
    },
    openFile: store.openFile,
    limits: { flushMs: 1, batchBytesMax: 2_000 },
  });
  for (const each of names) sink.record(eventOf(each));
  await sink.close();
  await store.close();
}

/** As a crash leaves it: without a seal, and with what was last known of its end. */
async function crash(names: readonly string[]): Promise<void> {
  await run(names);
  await edit(FIRST, (lines) => lines.slice(0, -1));
  const signer = createAuditSigner(await readAuditKey(join(home, 'key.json')));
  const { hash } = JSON.parse((await readFile(join(directory, FIRST), 'utf8')).split('\n', 1)[0] ?? '');
  const mark = endMarkText({ segment: 0, seq: 0, hash, sealed: false }, signer);
  await writeFile(join(directory, END_MARK_FILE), mark);
}

async function check(into = directory): Promise<AuditReport> {
  return checkAudit(into, await readAuditKey(join(home, 'key.json')));
}

async function edit(file: string, change: (lines: string[]) => readonly string[]): Promise<void> {
  const lines = (await readFile(join(directory, file), 'utf8')).split('\n').slice(0, -1);
  await writeFile(
    join(directory, file),
    change(lines)
      .map((line) => `${line}\n`)
      .join(''),
  );
}

const NAMES = Array.from({ length: 8 }, (_, index) => `r-${index}`);

describe('a chained log', () => {
  it('verifies over restarts, each of which seals a segment', async () => {
    await run(NAMES);
    await run(['later']);
    expect(await check()).toMatchObject({ segments: 2, breaks: [], firstSegment: 0, open: false });
    expect(recoveries).toEqual([]);
  });

  it('goes on from where it stood after a group that could not be signed', async () => {
    let isBroken = false;
    const store = await AuditLogStore.open({
      ...{ directory, keyPath: join(home, 'key.json'), segmentBytesMax: 1_000_000 },
      clock: () => (isBroken ? Number.NaN : NOON),
      onRecovery: (recovery) => recoveries.push(recovery),
    });
    const file = await store.openFile(join(directory, FIRST));
    isBroken = true;
    await expect(file.append(Buffer.from('{"requestId":"r-1"}\n'))).rejects.toThrow(RangeError);
    isBroken = false;
    await file.append(Buffer.from('{"requestId":"r-2"}\n'));
    await file.close();
    await store.close();
    expect(await check()).toMatchObject({ lines: 4, breaks: [], open: false });
  });

  it('begins another segment once one is full', async () => {
    await run(NAMES, directory, 100);
    expect((await check()).segments).toBeGreaterThan(2);
    expect((await check()).breaks).toEqual([]);
  });

  it('keeps its key readable by its owner only, outside the directory', async () => {
    await run(NAMES);
    expect((await stat(join(home, 'key.json'))).mode & 0o777).toBe(0o600);
    expect((await readdir(directory)).sort()).toEqual([FIRST, END_MARK_FILE]);
  });

  it('locates a removed line at each place', async () => {
    await run(NAMES);
    const path = join(directory, FIRST);
    const whole = await readFile(path, 'utf8');
    const count = whole.split('\n').length - 1;
    for (let at = 0; at < count - 1; at += 1) {
      await writeFile(path, whole);
      await edit(FIRST, (lines) => lines.toSpliced(at, 1));
      expect((await check()).breaks[0], `line ${at + 1}`).toMatchObject({ kind: 'removed', line: at + 1 });
    }
  });

  it('locates exchanged lines at each place', async () => {
    await run(NAMES);
    const path = join(directory, FIRST);
    const whole = await readFile(path, 'utf8');
    const count = whole.split('\n').length - 1;
    for (let at = 0; at < count - 2; at += 1) {
      await writeFile(path, whole);
      await edit(FIRST, (lines) => lines.toSpliced(at, 2, lines[at + 1] ?? '', lines[at] ?? ''));
      const { breaks } = await check();
      expect(breaks[0], `line ${at + 1}`).toMatchObject({ line: at + 1 });
      expect(breaks.map(({ kind }) => kind)).toContain('reordered');
    }
  });

  it.each([
    ['twice', 1, 'inserted', 3],
    ['after the seal', -1, 'inserted', null],
  ] as const)('locates a line that is there %s', async (_, index, kind, at) => {
    await run(NAMES);
    await edit(FIRST, (lines) =>
      index === -1 ? [...lines, lines[1] ?? ''] : lines.toSpliced(2, 0, lines[1] ?? ''),
    );
    const [first] = (await check()).breaks;
    expect(first).toMatchObject(at === null ? { kind } : { kind, line: at });
  });

  it('detects an earlier segment without its end', async () => {
    await run(NAMES);
    await run(['later']);
    await edit(FIRST, (lines) => lines.slice(0, -2));
    expect((await check()).breaks[0]).toMatchObject({ kind: 'truncated', file: FIRST });
  });

  it('shows a last segment without its end as open', async () => {
    await crash(NAMES);
    expect(await check()).toMatchObject({ breaks: [], open: true });
  });

  it('locates bytes that are no text, though they read as the text that was there', async () => {
    await run(['r-1', 'r-\ufffd', 'r-3']);
    const path = join(directory, FIRST);
    const bytes = await readFile(path);
    const at = bytes.indexOf('\ufffd');
    bytes.set([0xf0, 0x9f, 0x98], at);
    await writeFile(path, bytes);
    const line = bytes.subarray(0, at).toString().split('\n').length;
    expect((await check()).breaks[0]).toMatchObject({ kind: 'changed', line });
  });

  it('shows a last segment that ends within a line, as while it is written, as open', async () => {
    await crash(NAMES);
    await appendFile(join(directory, FIRST), '{"time":');
    expect(await check()).toMatchObject({ breaks: [], open: true });
    await run(['later']);
    await appendFile(join(directory, SECOND), '{"time":');
    expect((await check()).breaks).toMatchObject([{ kind: 'truncated', file: SECOND }]);
  });

  it('detects a missing segment between others', async () => {
    for (const each of ['a', 'b', 'c']) await run([each]);
    await rm(join(directory, SECOND));
    expect((await check()).breaks[0]).toMatchObject({ kind: 'missing segment', line: 1 });
  });

  it('detects a segment of another log, signed by the same key', async () => {
    const other = join(home, 'other');
    for (const each of ['a', 'b']) await run([each]);
    for (const each of ['x', 'y']) await run([each], other);
    await copyFile(join(other, SECOND), join(directory, SECOND));
    expect((await check()).breaks[0]).toMatchObject({ kind: 'missing segment', file: SECOND });
  });

  it('detects a log that another key signed', async () => {
    await run(NAMES);
    await rm(join(home, 'key.json'));
    await run(['x'], join(home, 'other'));
    const { breaks } = await check();
    expect(breaks[0]).toMatchObject({ kind: 'foreign signature', line: 1 });
  });
});

describe('a log that was not closed', () => {
  it('has its torn line cut and is sealed at the next start, which is recorded and told', async () => {
    await crash(NAMES);
    await appendFile(join(directory, FIRST), '{"version":1,"requ');
    await run(['later']);
    expect(recoveries).toEqual([{ segment: 0, cutBytes: 18, unsignedLines: 0, breaks: 0 }]);
    expect(await check()).toMatchObject({ segments: 2, breaks: [], open: false });
    expect(await readFile(join(directory, FIRST), 'utf8')).toContain('"cutBytes":18');
  });

  it.each([1, 2] as const)(
    'is sealed as it was begun, also by a program that wrote version %i, and followed by one of today',
    async (version) => {
      const signer = createAuditSigner(await obtainAuditKey(join(home, 'key.json')));
      const older = new OlderSegment(version, signer, CHAIN_START);
      older.event('{"a":1}');
      older.event('{"b":2}');
      older.marker({ marker: 'checkpoint' });
      await mkdir(directory);
      await writeFile(join(directory, FIRST), older.lines.map((line) => `${line}\n`).join(''));
      await run(['later']);
      expect(recoveries).toEqual([{ segment: 0, cutBytes: 0, unsignedLines: 0, breaks: 0 }]);
      expect(await check()).toMatchObject({ segments: 2, breaks: [], open: false });
      const second = await readFile(join(directory, SECOND), 'utf8');
      expect(JSON.parse(second.split('\n')[0] ?? '')).toMatchObject({
        marker: 'segment',
        version: 3,
        seq: 6,
      });
    },
  );

  it('keeps whole lines that nothing signed, signs for them and numbers on', async () => {
    await crash(NAMES);
    let cut = '';
    await edit(FIRST, (lines) => {
      const at = lines.findLastIndex((line) => line.startsWith('{"marker":"checkpoint"'));
      cut = lines[at - 1] ?? '';
      return lines.slice(0, at);
    });
    await run(['later']);
    const { seq } = JSON.parse(cut);
    expect(recoveries).toMatchObject([{ cutBytes: 0, breaks: 0 }]);
    expect(recoveries[0]?.unsignedLines).toBeGreaterThan(0);
    expect(await check()).toMatchObject({ segments: 2, breaks: [], open: false });
    expect(await readFile(join(directory, SECOND), 'utf8')).toMatch(new RegExp(`"seq":${seq + 1}\\}\n`, 'u'));
    await edit(FIRST, (lines) => lines.map((line) => (line === cut ? line.replace('"r-', '"x-') : line)));
    expect((await check()).breaks[0]).toMatchObject({ kind: 'changed', file: FIRST, seq });
  });

  it('is not signed over where a line that nothing stands for yet is no text', async () => {
    await crash(NAMES);
    await appendFile(join(directory, FIRST), Buffer.from([0x7b, 0xff, 0x7d, 0x0a]));
    await run(['later']);
    expect(recoveries).toMatchObject([{ unsignedLines: 1, breaks: 1 }]);
    expect((await check()).breaks[0]).toMatchObject({ kind: 'changed', file: FIRST });
  });

  it('is not signed over where it was changed', async () => {
    await run(NAMES);
    await edit(FIRST, (lines) => lines.slice(0, -1).map((line) => line.replace('r-3', 'r-9')));
    await run(['later']);
    expect(recoveries).toMatchObject([{ breaks: 1 }]);
    expect((await check()).breaks[0]).toMatchObject({ kind: 'changed', file: FIRST });
  });
});

describe('a directory', () => {
  it('is refused to a second writer, until the first is done', async () => {
    const first = await openStore();
    await expect(openStore()).rejects.toMatchObject({ code: 'AUDIT_UNAVAILABLE' });
    await first.close();
    await (await openStore()).close();
  });

  it.each([
    ['a living process', { pid: process.ppid, host: 'here' }],
    ['another machine', { pid: 1, host: 'elsewhere.invalid' }],
  ])('that %s claims is refused', async (_, { pid, host }) => {
    await (await openStore()).close();
    const { hostname } = await import('node:os');
    const owner = { pid, host: host === 'here' ? hostname() : host, token: 't' };
    await writeFile(join(directory, 'audit.lock'), JSON.stringify(owner));
    await expect(openStore()).rejects.toMatchObject({ code: 'AUDIT_UNAVAILABLE' });
  });
});
