import { existsSync } from 'node:fs';
import {
  appendFile,
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FileAuditSink, type FileAuditSinkOptions } from '../../src/audit/audit-file-sink.ts';
import type { GatewayError } from '../../src/errors.ts';
import { eventOf, readBack } from './fixtures.ts';

const NOON = Date.UTC(2025, 0, 31, 12);
const FILE = 'audit-2025-01-31.ndjson';

let directory: string;
let sinks: FileAuditSink[];
let faults: GatewayError[];

beforeEach(async () => {
  directory = join(await mkdtemp(join(tmpdir(), 'audit-')), 'log');
  sinks = [];
  faults = [];
});

afterEach(async () => {
  await Promise.allSettled(sinks.map((sink) => sink.close()));
  await rm(join(directory, '..'), { recursive: true });
});

async function open(options: Partial<FileAuditSinkOptions> = {}): Promise<FileAuditSink> {
  const sink = await FileAuditSink.open({
    directory,
    clock: () => NOON,
    onFault: (error) => faults.push(error),
    ...options,
    limits: { flushMs: 1, retryMs: 1, retryMsMax: 4, ...options.limits },
  });
  sinks.push(sink);
  return sink;
}

async function ids(file = FILE): Promise<string[]> {
  const text = await readFile(join(directory, file), 'utf8');
  return text
    .split('\n')
    .slice(0, -1)
    .flatMap((line) => JSON.parse(line).requestId ?? []);
}

describe('an audit file', () => {
  it('holds one line per event in the order they were recorded', async () => {
    const sink = await open({ limits: { batchBytesMax: 2_000 } });
    const expected = Array.from({ length: 500 }, (_, n) => `r-${n}`);
    for (const id of expected) sink.record(eventOf(id));
    await sink.close();
    expect(await ids()).toEqual(expected);
    expect(sink.dropped).toBe(0);
  });

  it('holds an event within a second though nothing closes it', async () => {
    const sink = await FileAuditSink.open({
      directory,
      clock: () => NOON,
      onFault: (error) => faults.push(error),
    });
    sinks.push(sink);
    sink.record(eventOf('r-1'));
    await vi.waitFor(async () => expect(await ids()).toEqual(['r-1']), { timeout: 1_000, interval: 10 });
  });

  it('is readable by its owner only, and so is a directory that had to be made', async () => {
    await open();
    expect((await stat(join(directory, FILE))).mode & 0o777).toBe(0o600);
    expect((await stat(directory)).mode & 0o777).toBe(0o700);
  });

  it('loses the permissions that another program gave it', async () => {
    await mkdir(directory);
    await writeFile(join(directory, FILE), '');
    await chmod(join(directory, FILE), 0o644);
    await open();
    expect((await stat(join(directory, FILE))).mode & 0o777).toBe(0o600);
  });

  it('is continued after a restart', async () => {
    const first = await open();
    first.record(eventOf('r-1'));
    await first.close();
    const second = await open();
    second.record(eventOf('r-2'));
    await second.close();
    expect(await ids()).toEqual(['r-1', 'r-2']);
  });

  it('ends a line that a crash tore, so that the next one parses', async () => {
    await mkdir(directory);
    await appendFile(join(directory, FILE), '{"version":1,"requ');
    const sink = await open();
    sink.record(eventOf('r-2'));
    await sink.close();
    const [torn, ...lines] = (await readFile(join(directory, FILE), 'utf8')).split(/(?<=\n)/u);
    expect(torn).toBe('{"version":1,"requ\n');
    expect(readBack(lines)).toEqual([eventOf('r-2')]);
  });

  it('is another one after midnight UTC, also for events that waited together', async () => {
    let now = Date.UTC(2025, 0, 31, 23, 59, 59, 999);
    const sink = await open({ clock: () => now });
    sink.record(eventOf('before'));
    now += 1;
    sink.record(eventOf('after'));
    await sink.close();
    expect((await readdir(directory)).sort()).toEqual([FILE, 'audit-2025-02-01.ndjson']);
    expect(await ids()).toEqual(['before']);
    expect(await ids('audit-2025-02-01.ndjson')).toEqual(['after']);
  });

  it('is not opened through a symbolic link', async () => {
    await mkdir(directory);
    const target = join(directory, '..', 'target');
    await writeFile(target, '');
    await symlink(target, join(directory, FILE));
    await expect(open()).rejects.toMatchObject({ code: 'AUDIT_UNAVAILABLE' });
    expect(await readFile(target, 'utf8')).toBe('');
  });

  it('refuses to open where the directory is a file', async () => {
    await writeFile(directory, '');
    await expect(open()).rejects.toMatchObject({ code: 'AUDIT_UNAVAILABLE' });
  });
});

describe('a failing place', () => {
  it('that is replaced by a file makes the sink unhealthy until it is a directory again, and loses nothing', async () => {
    const sink = await open();
    sink.record(eventOf('r-1'));
    await vi.waitFor(async () => expect(await ids()).toEqual(['r-1']));
    const moved = `${directory}.moved`;
    await rename(directory, moved);
    await writeFile(directory, '');
    sink.record(eventOf('r-2'));
    await vi.waitFor(() => expect(sink.healthy()).toBe(false));
    expect(faults[0]?.code).toBe('AUDIT_UNAVAILABLE');
    sink.record(eventOf('r-3'));
    await rm(directory);
    await vi.waitFor(() => expect(sink.healthy()).toBe(true));
    await sink.close();
    expect(await ids()).toEqual(['r-2', 'r-3']);
    expect(sink.dropped).toBe(0);
  });

  it('that is removed is made anew, and what was written to the removed file is written again', async () => {
    const sink = await open();
    await rm(directory, { recursive: true });
    sink.record(eventOf('r-1'));
    await vi.waitFor(() => expect(existsSync(join(directory, FILE))).toBe(true));
    await sink.close();
    expect(await ids()).toEqual(['r-1']);
  });
});
