import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { obtainAuditKey, readAuditKey } from '../../src/audit/audit-key-store.ts';
import { lockAuditDirectory } from '../../src/audit/audit-lock-store.ts';
import { type AuditLogOptions, AuditLogStore } from '../../src/audit/audit-log-store.ts';
import { leftLogs, retainLeftLogs } from '../../src/audit/left-logs-store.ts';
import { checkAudit } from '../../src/commands/audit.ts';

const DAY_MS = 86_400_000;
const START_MS = Date.UTC(2025, 0, 1, 12);

let root: string;
let now: number;
let outcomes: unknown[];

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'left-logs-'));
  now = START_MS;
  outcomes = [];
  // As the first of several workers or a gateway alone makes it, beside the directory of all.
  await obtainAuditKey(`${root}.key.json`);
});
afterEach(async () => {
  await rm(root, { recursive: true });
  await rm(`${root}.key.json`);
});

const optionsOf = (directory: string, keyPath: string | null): AuditLogOptions => ({
  ...{ directory, keyPath, segmentBytesMax: 1_000_000, clock: () => now, onRecovery: () => undefined },
  retention: { maxAgeMs: 10 * DAY_MS, bytesMax: null, sinks: [] },
  onRetention: (outcome) => void outcomes.push(outcome),
});

/** Writes a log of one segment on each of the first days. */
async function write(name: string, days = 3): Promise<void> {
  for (let day = 0; day < days; day += 1) {
    now = START_MS + day * DAY_MS;
    const store = await AuditLogStore.open({
      ...optionsOf(join(root, name), `${root}.key.json`),
      retention: null,
    });
    const file = await store.openFile(join(root, name, `audit-2025-01-0${day + 1}.ndjson`));
    await file.append(Buffer.from('{"event":"x"}\n'));
    await file.close();
    await store.close();
  }
}

const segmentsOf = async (name: string) =>
  (await readdir(join(root, name))).filter((each) => each.endsWith('.ndjson')).sort();

describe('logs that nobody writes to any more', () => {
  it('are those of workers that there are no more, and what a gateway alone wrote before, for the first worker', async () => {
    for (const name of ['.', 'worker-1', 'worker-2', 'worker-3', 'worker-12', 'archive'])
      await write(name, 1);
    await mkdir(join(root, 'worker-4'));
    const place = { worker: 1, workers: 2 };
    const names = ['', 'archive', 'worker-12', 'worker-3'].map((name) => join(root, name));
    expect(await leftLogs(join(root, 'worker-1'), place)).toEqual(names);
    expect(await leftLogs(join(root, 'worker-2'), { ...place, worker: 2 })).toEqual([]);
  });

  it('are those of all workers, for a gateway alone', async () => {
    for (const name of ['.', 'worker-1', 'worker-2']) await write(name, 1);
    expect(await leftLogs(root, null)).toEqual([join(root, 'worker-1'), join(root, 'worker-2')]);
  });

  it('lose what is old, which they record, and verify', async () => {
    for (const name of ['worker-1', 'worker-3', 'archive']) await write(name);
    now = START_MS + 12.5 * DAY_MS;
    const place = { worker: 1, workers: 1 };
    await retainLeftLogs(optionsOf(join(root, 'worker-1'), `${root}.key.json`), place);
    expect(outcomes).toEqual([{ segments: 2 }]);
    expect(await segmentsOf('worker-3')).toEqual(['audit-2025-01-03.ndjson', 'audit-2025-01-14.ndjson']);
    expect(await segmentsOf('worker-1')).toHaveLength(3);
    expect(await segmentsOf('archive')).toHaveLength(3);
    const key = await readAuditKey(`${root}.key.json`);
    expect(await checkAudit(join(root, 'worker-3'), key)).toMatchObject({
      breaks: [],
      open: false,
      firstSegment: 2,
    });
  });

  it('get no segment where nothing is old', async () => {
    await write('worker-3');
    now = START_MS + 5 * DAY_MS;
    await retainLeftLogs(optionsOf(root, null), null);
    expect([outcomes, await segmentsOf('worker-3')]).toEqual([[], expect.objectContaining({ length: 3 })]);
  });

  it('are left alone where somebody writes to them after all', async () => {
    await write('worker-3');
    now = START_MS + 30 * DAY_MS;
    const lock = await lockAuditDirectory(join(root, 'worker-3'));
    await expect(retainLeftLogs(optionsOf(root, null), null)).rejects.toMatchObject({
      code: 'AUDIT_UNAVAILABLE',
    });
    expect(await segmentsOf('worker-3')).toHaveLength(3);
    await lock.release();
  });

  it('lose what is old also where another of them cannot be written to', async () => {
    for (const name of ['worker-2', 'worker-3']) await write(name);
    now = START_MS + 30 * DAY_MS;
    const lock = await lockAuditDirectory(join(root, 'worker-2'));
    await expect(retainLeftLogs(optionsOf(root, null), null)).rejects.toMatchObject({
      code: 'AUDIT_UNAVAILABLE',
    });
    expect(await segmentsOf('worker-2')).toHaveLength(3);
    expect(await segmentsOf('worker-3')).toEqual(['audit-2025-01-03.ndjson', 'audit-2025-01-31.ndjson']);
    await lock.release();
  });
});
