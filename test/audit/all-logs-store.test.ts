import fs from 'node:fs';
import { appendFile, mkdir, mkdtemp, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import {
  allEventsSince,
  allUnansweredIntents,
  lastOfAllEvents,
  listLogs,
  missingLogs,
  readAllEvents,
} from '../../src/audit/all-logs-store.ts';
import { FileAuditSink } from '../../src/audit/audit-file-sink.ts';
import { AuditLogStore } from '../../src/audit/audit-log-store.ts';
import type { LoggedEvent } from '../../src/audit/logged-event.ts';
import { auditEvent, auditIntent } from '../../src/audit/recorder.ts';
import { listSegments } from '../../src/audit/segment-read-store.ts';
import { ANONYMOUS } from '../../src/identity/principal.ts';
import { eventOf, linesOf, PARTS } from './fixtures.ts';

const NOON = Date.UTC(2026, 0, 10, 12);

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'portcullis-logs-'));
});
afterEach(() => rm(root, { recursive: true }));

/** Writes events of those seconds after noon into one log, as one life of its process. */
async function write(
  name: string,
  seconds: readonly number[],
  { intents = [], atMs = NOON }: { readonly intents?: readonly string[]; readonly atMs?: number } = {},
): Promise<void> {
  const directory = join(root, name);
  const store = await AuditLogStore.open({
    ...{ directory, keyPath: join(root, 'key.json'), segmentBytesMax: 1_000_000, clock: () => atMs },
    onRecovery: () => undefined,
  });
  const onFault = (fault: unknown) => {
    throw fault;
  };
  const sink = await FileAuditSink.open({ directory, clock: () => atMs, openFile: store.openFile, onFault });
  for (const id of intents)
    await sink.intend(auditIntent({ ...PARTS.request, id }, ANONYMOUS, { hash: 'ab12', name: null }));
  for (const second of seconds)
    sink.record(
      auditEvent({
        ...PARTS,
        request: { ...PARTS.request, id: `${name}@${second}`, receivedAtMs: NOON + second * 1000 },
      }),
    );
  await sink.close();
  await store.close();
}

/** Has a file go when somebody who has seen it opens it to read it through. */
function removeOnOpen(doomed: string): void {
  const { createReadStream } = fs;
  const replace = (open: typeof createReadStream) => {
    fs.createReadStream = open;
    syncBuiltinESMExports();
  };
  onTestFinished(() => replace(createReadStream));
  replace((path, options) => {
    if (path === doomed) fs.rmSync(doomed, { force: true });
    return createReadStream(path, options);
  });
}

const idsOf = (events: readonly LoggedEvent[]) => events.map(({ requestId }) => requestId);

describe('logs of several workers', () => {
  it('are found by number; other directories and files of that name are not', async () => {
    for (const name of ['worker-10', 'worker-2', 'worker-1', 'worker-0', 'worker-x', 'worker-1.old', 'other'])
      await mkdir(join(root, name));
    await writeFile(join(root, 'worker-3'), '');
    expect((await listLogs(root)).map(({ prefix }) => prefix)).toEqual([
      'worker-1/',
      'worker-2/',
      'worker-10/',
    ]);
  });

  it('are missed where one with a higher number is there', async () => {
    for (const name of ['worker-2', 'worker-4']) await write(name, [0]);
    expect(missingLogs(await listLogs(root))).toEqual(['worker-1/', 'worker-3/']);
    for (const name of ['worker-1', 'worker-3']) await write(name, [0]);
    expect(missingLogs(await listLogs(root))).toEqual([]);
    await write('', [0]);
    expect(missingLogs(await listLogs(root))).toEqual([]);
    expect(missingLogs([{ prefix: '', directory: root }])).toEqual([]);
  });

  it('are read beside the log of a gateway that was alone before', async () => {
    await write('.', [1]);
    await write('worker-1', [2]);
    expect((await listLogs(root)).map(({ prefix }) => prefix)).toEqual(['', 'worker-1/']);
  });

  it('are one directory where there is one', async () => {
    await write('.', [1]);
    expect(await listLogs(root)).toEqual([{ prefix: '', directory: root }]);
  });

  it('are merged by time, each in its own order', async () => {
    await write('worker-1', [1, 4, 5]);
    await write('worker-2', [2, 3, 6]);
    const events: LoggedEvent[] = [];
    for await (const event of readAllEvents(root, undefined)) events.push(event);
    expect(idsOf(events)).toEqual(
      [1, 2, 3, 4, 5, 6].map((second) => `worker-${[1, 4, 5].includes(second) ? 1 : 2}@${second}`),
    );
  });

  it.each([undefined, NOON])(
    'go on where a segment is removed before it is read, and tell which (since %s)',
    async (since) => {
      for (const second of [1, 2, 3]) await write('worker-1', [second]);
      const [, second = ''] = await listSegments(join(root, 'worker-1'));
      const gone: string[] = [];
      const ids: string[] = [];
      for await (const { requestId } of readAllEvents(root, since, (path) => gone.push(path))) {
        ids.push(requestId);
        await rm(second, { force: true });
      }
      expect([ids, gone]).toEqual([['worker-1@1', 'worker-1@3'], [second]]);
      await expect(readAllEvents(join(root, 'none'), since).next()).rejects.toMatchObject({ code: 'ENOENT' });
    },
  );

  it('give the last events of all, and later what came to any, a new log included', async () => {
    await write('worker-1', [1, 4]);
    await write('worker-2', [2, 3]);
    const { events, ends } = await lastOfAllEvents(root, 2);
    expect(idsOf(events)).toEqual(['worker-2@3', 'worker-1@4']);
    expect(idsOf((await lastOfAllEvents(root, 0)).events)).toEqual([]);
    await write('worker-2', [5]);
    await write('worker-3', [6]);
    const later = await allEventsSince(root, ends);
    expect(idsOf(later.events)).toEqual(['worker-2@5', 'worker-3@6']);
    expect((await allEventsSince(root, later.ends)).events).toEqual([]);
  });

  it('tell the unanswered mutations of all', async () => {
    await write('worker-1', [1], { intents: ['cut-1'] });
    await write('worker-2', [], { intents: ['cut-2'] });
    expect((await allUnansweredIntents(root)).map(({ requestId }) => requestId)).toEqual(['cut-1', 'cut-2']);
    expect(await readdir(root)).toContain('worker-2');
  });

  it('tell the last events, later ones and unanswered mutations also where old segments go before they are read', async () => {
    await write('.', [1], { intents: ['old'] });
    const { ends } = await lastOfAllEvents(root, 1);
    for (const second of [2, 3]) await write('.', [second], { intents: [`cut-${second}`] });
    const [oldest = '', second = ''] = await listSegments(root);
    removeOnOpen(oldest);
    expect(idsOf((await lastOfAllEvents(root, 9)).events)).toEqual(['.@2', '.@3']);
    removeOnOpen(second);
    expect(idsOf((await allEventsSince(root, ends)).events)).toEqual(['.@3']);
    await write('.', [4]);
    const [third = ''] = await listSegments(root);
    removeOnOpen(third);
    expect(await allUnansweredIntents(root)).toEqual([]);
  });

  it('are read from a time on, however the clock was set back before and after', async () => {
    const HOUR_MS = 3_600_000;
    await write('.', [-7200, 0], { atMs: NOON - 5 * HOUR_MS });
    await write('.', [3600], { atMs: NOON + HOUR_MS });
    await write('.', [-60], { atMs: NOON - HOUR_MS });
    await write('.', [7200], { atMs: NOON + 2 * HOUR_MS });
    await write('.', [-86_400], { atMs: NOON - 24 * HOUR_MS });
    const seen = async (sinceMs: number) => {
      const ids: string[] = [];
      for await (const { requestId } of readAllEvents(root, sinceMs)) ids.push(requestId);
      return ids;
    };
    expect(await seen(NOON)).toEqual(['.@-7200', '.@0', '.@3600', '.@-60', '.@7200', '.@-86400']);
    expect(await seen(NOON + 24 * HOUR_MS)).toEqual(['.@3600', '.@-60', '.@7200', '.@-86400']);
    expect(await seen(NOON + 30 * HOUR_MS)).toEqual([]);
  });

  it('are followed without what a failing disk takes back, and without a gap after it', async () => {
    const path = join(root, 'audit-2026-01-10.ndjson');
    const marker = '{"marker":"checkpoint"}\n';
    const lines = (...ids: readonly string[]) => linesOf(...ids.map(eventOf)).join('');
    const signed = lines('first') + marker;
    await writeFile(path, signed + lines('back', 'taken'));
    expect(idsOf((await lastOfAllEvents(root, 9)).events)).toEqual(['first', 'back', 'taken']);
    const { events, ends } = await lastOfAllEvents(root, 9, true);
    expect(idsOf(events)).toEqual(['first']);
    const waiting = await allEventsSince(root, ends);
    expect(idsOf(waiting.events)).toEqual([]);
    await truncate(path, signed.length);
    await appendFile(path, lines('taken', 'back', 'more') + marker + lines('open'));
    const later = await allEventsSince(root, waiting.ends);
    expect(idsOf(later.events)).toEqual(['taken', 'back', 'more']);
    await writeFile(join(root, 'audit-2026-01-11.ndjson'), lines('next') + marker);
    expect(idsOf((await allEventsSince(root, later.ends)).events)).toEqual(['open', 'next']);
  });
});
