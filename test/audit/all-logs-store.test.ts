import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
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
import { PARTS } from './fixtures.ts';

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
  intents: readonly string[] = [],
): Promise<void> {
  const directory = join(root, name);
  const store = await AuditLogStore.open({
    ...{ directory, keyPath: join(root, 'key.json'), segmentBytesMax: 1_000_000, clock: () => NOON },
    onRecovery: () => undefined,
  });
  const onFault = (fault: unknown) => {
    throw fault;
  };
  const sink = await FileAuditSink.open({ directory, clock: () => NOON, openFile: store.openFile, onFault });
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
    await write('worker-1', [1], ['cut-1']);
    await write('worker-2', [], ['cut-2']);
    expect((await allUnansweredIntents(root)).map(({ requestId }) => requestId)).toEqual(['cut-1', 'cut-2']);
    expect(await readdir(root)).toContain('worker-2');
  });
});
