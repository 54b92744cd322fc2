import { appendFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { obtainAuditKey, readAuditKey } from '../../src/audit/audit-key-store.ts';
import { AuditLogStore, type AuditRecovery } from '../../src/audit/audit-log-store.ts';
import { createAuditSigner } from '../../src/audit/audit-signature.ts';
import { CHAIN_START } from '../../src/audit/chained-line.ts';
import { END_MARK_FILE, endMarkText, NO_END } from '../../src/audit/end-mark.ts';
import { type AuditReport, checkAudit } from '../../src/commands/audit.ts';
import { portcullis } from '../commands/command-line.ts';
import { eventOf, linesOf } from './fixtures.ts';
import { OlderSegment } from './older-segments.ts';

const NOON = Date.UTC(2025, 0, 31, 12);
const FIRST = 'audit-2025-01-31.ndjson';
const SECOND = 'audit-2025-01-31.000000001.ndjson';
const THIRD = 'audit-2025-01-31.000000002.ndjson';

let home: string;
let directory: string;
let recoveries: AuditRecovery[];

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'end-'));
  directory = join(home, 'log');
  recoveries = [];
});
afterEach(() => rm(home, { recursive: true }));

const pathOf = (name: string) => join(directory, name);
const textOf = (name: string) => readFile(pathOf(name), 'utf8');

/** One life of a gateway, with a group for each id; gives what it had told of the end before it closed. */
async function live(...ids: readonly string[]): Promise<string> {
  const store = await AuditLogStore.open({
    ...{ directory, keyPath: join(home, 'key.json'), segmentBytesMax: 1_000_000, clock: () => NOON },
    onRecovery: (recovery) => recoveries.push(recovery),
  });
  const file = await store.openFile(pathOf(FIRST));
  for (const id of ids) await file.append(Buffer.from(linesOf(eventOf(id)).join('')));
  const mark = await textOf(END_MARK_FILE);
  await file.close();
  await store.close();
  return mark;
}

async function cut(name: string, count: number): Promise<void> {
  const lines = (await textOf(name)).split(/(?<=\n)/u);
  await writeFile(pathOf(name), lines.slice(0, -count).join(''));
}

async function check(archives = false): Promise<AuditReport> {
  return checkAudit(directory, await readAuditKey(join(home, 'key.json')), { archives });
}

describe('the end of a log that was closed', () => {
  it('is missed where lines of it are gone, at the place where they were', async () => {
    await live('a', 'b');
    const lines = (await textOf(FIRST)).split(/(?<=\n)/u);
    for (let left = 1; left < lines.length; left += 1) {
      await writeFile(pathOf(FIRST), lines.slice(0, left).join(''));
      expect((await check()).breaks).toEqual([
        { kind: 'truncated', file: FIRST, line: left + 1, seq: expect.any(Number) },
      ]);
    }
  });

  it('is missed where any byte of its seal is another', async () => {
    await live('a');
    const whole = Buffer.from(await textOf(FIRST));
    const begin = whole.lastIndexOf('\n', -2) + 1;
    const line = whole.toString().split('\n').length - 1;
    for (let at = begin; at < whole.length; at += 5) {
      const changed = Buffer.from(whole);
      changed[at] = (whole[at] ?? 0) ^ 1;
      await writeFile(pathOf(FIRST), changed);
      expect((await check()).breaks).toContainEqual(expect.objectContaining({ file: FIRST, line }));
    }
  });

  it('is missed where its newest segments are gone or emptied', async () => {
    for (const each of ['a', 'b', 'c']) await live(each);
    const { lines } = JSON.parse((await textOf(FIRST)).split('\n').at(-2) ?? '');
    await writeFile(pathOf(THIRD), '');
    expect((await check()).breaks.map(({ kind, file }) => [kind, file])).toEqual([
      ['missing segment', SECOND],
      ['truncated', THIRD],
    ]);
    for (const each of [SECOND, THIRD]) await rm(pathOf(each));
    expect((await check()).breaks).toEqual([
      { kind: 'missing segment', file: FIRST, line: lines + 2, seq: expect.any(Number) },
    ]);
    await rm(pathOf(FIRST));
    expect((await check()).breaks).toMatchObject([{ kind: 'missing segment', file: END_MARK_FILE }]);
  });

  it('is missed where what is told of it is gone, changed, or of another log of the same key', async () => {
    await live('a');
    const text = await textOf(END_MARK_FILE);
    for (let at = 0; at < text.length - 1; at += 1) {
      const changed = Buffer.from(text);
      changed[at] = (changed[at] ?? 0) ^ 1;
      await writeFile(pathOf(END_MARK_FILE), changed);
      expect((await check()).breaks).toMatchObject([{ kind: 'changed', file: END_MARK_FILE, line: 1 }]);
    }
    await rm(pathOf(END_MARK_FILE));
    expect((await check()).breaks).toMatchObject([{ kind: 'removed', file: END_MARK_FILE, line: 1 }]);
    expect((await check(true)).breaks).toEqual([]);
    for (const sealed of [true, false]) {
      const signer = createAuditSigner(await readAuditKey(join(home, 'key.json')));
      const other = endMarkText({ segment: 0, seq: 0, hash: 'a'.repeat(64), sealed }, signer);
      await writeFile(pathOf(END_MARK_FILE), other);
      expect((await check()).breaks).toMatchObject([{ kind: 'changed', file: FIRST }]);
    }
  });

  it.each([
    ['lines', () => cut(FIRST, 2), 1],
    ['a seal', () => cut(FIRST, 1), 1],
    ['all segments', () => rm(pathOf(FIRST)), 1],
    ['the mark, and lines', async () => [await rm(pathOf(END_MARK_FILE)), await cut(FIRST, 2)], 1],
  ] as const)(
    'is missed for good where %s went before the next start, which tells',
    async (_, remove, breaks) => {
      await live('a', 'b');
      const before = await remove().then(() => textOf(FIRST).catch(() => null));
      await live('c');
      expect(recoveries).toMatchObject([{ segment: 0, breaks }]);
      // Nothing was signed over what is not whole.
      expect(await textOf(FIRST).catch(() => null)).toBe(before ?? (await textOf(FIRST)));
      await live('d');
      expect((await check()).breaks.length).toBeGreaterThan(0);
      expect(recoveries).toHaveLength(1);
    },
  );
});

describe('the end of a log that was not closed', () => {
  it('is told as open, and goes on, wherever the crash came', async () => {
    const open = await live('a');
    const signer = createAuditSigner(await readAuditKey(join(home, 'key.json')));
    for (const mark of [open, endMarkText(NO_END, signer)]) {
      // The seal is there, and the word of it is not.
      await writeFile(pathOf(END_MARK_FILE), mark);
      expect(await check()).toMatchObject({ breaks: [], open: false, loose: [] });
    }
    await cut(FIRST, 1);
    expect(await check()).toMatchObject({ breaks: [], open: true, loose: [] });
    await writeFile(pathOf(END_MARK_FILE), open);
    expect(await check()).toMatchObject({ breaks: [], open: true, loose: [] });
    await live('b');
    // The next one was begun, and the word of it is not there.
    await writeFile(pathOf(END_MARK_FILE), open);
    expect(await check()).toMatchObject({ segments: 2, breaks: [], open: false });
    await live('c');
    expect(await check()).toMatchObject({ segments: 3, breaks: [], open: false });
    expect(recoveries.map(({ breaks }) => breaks)).toEqual([0]);
  });

  it('tells lines that nothing signed stands for, before the next start signs for them and after it', async () => {
    const open = await live('a');
    await cut(FIRST, 1);
    await writeFile(pathOf(END_MARK_FILE), open);
    await appendFile(pathOf(FIRST), `{"requestId":"forged","seq":1}\n{"torn"`);
    const place = { file: FIRST, unsignedLines: 1, cutBytes: 7 };
    const line = (await textOf(FIRST)).split('\n').length - 1;
    expect(await check()).toMatchObject({ breaks: [], loose: [{ ...place, line, recovered: false }] });
    const verify = () => portcullis(['audit', 'verify', '-d', directory, '-k', join(home, 'key.json')]);
    const told = await verify();
    expect([told.code, told.stdout.split('\n')[0]]).toEqual([
      0,
      `${FIRST}:${line}: 1 lines and 7 bytes after them that nothing signed stands for yet`,
    ]);
    await live('b');
    expect(await check()).toMatchObject({
      breaks: [],
      loose: [{ ...place, line: line + 1, recovered: true }],
    });
    expect((await verify()).stdout).toContain(`${FIRST}:${line + 1}: a crash left 1 lines and 7 bytes`);
  });

  it('is not signed over where a whole line is none that is written', async () => {
    const open = await live('a');
    await cut(FIRST, 1);
    await writeFile(pathOf(END_MARK_FILE), open);
    await appendFile(pathOf(FIRST), '{}\n');
    const line = (await textOf(FIRST)).split('\n').length - 1;
    expect((await check()).breaks).toEqual([{ kind: 'changed', file: FIRST, line, seq: null }]);
    await live('b');
    expect(recoveries).toMatchObject([{ breaks: 1 }]);
    expect((await textOf(FIRST)).endsWith('{}\n')).toBe(true);
  });
});

it('a log of an earlier program has no word of its end, and gets one', async () => {
  const signer = createAuditSigner(await obtainAuditKey(join(home, 'key.json')));
  const older = new OlderSegment(2, signer, CHAIN_START);
  older.event('{"a":1}');
  older.seal();
  await mkdir(directory);
  await writeFile(pathOf(FIRST), older.lines.map((line) => `${line}\n`).join(''));
  expect((await check()).breaks).toEqual([]);
  await live('b');
  expect(recoveries).toEqual([]);
  expect(await check()).toMatchObject({ segments: 2, breaks: [] });
  await rm(pathOf(SECOND));
  expect((await check()).breaks).toMatchObject([{ kind: 'missing segment', file: FIRST }]);
});
