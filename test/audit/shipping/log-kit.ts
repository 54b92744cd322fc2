import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { auditLine } from '../../../src/audit/audit-line.ts';
import { AuditLogStore } from '../../../src/audit/audit-log-store.ts';
import { AuditQueue } from '../../../src/audit/audit-queue.ts';
import type { AuditEvent } from '../../../src/audit/event.ts';
import { publishedText } from '../../../src/audit/published-event.ts';
import type { ShippedEvent } from '../../../src/audit/shipping/shipped-event.ts';
import { eventOf } from '../fixtures.ts';

export const NOON_MS = Date.UTC(2025, 0, 31, 12);

/** A log with segments made by the gateway's own store, written to by the line. */
export interface TestLog {
  readonly directory: string;
  /** Writes one group of lines, which a checkpoint ends. */
  write(...events: readonly AuditEvent[]): Promise<void>;
  /** Ends the segment; the next line begins another. */
  rotate(): Promise<void>;
  path(): string;
  close(): Promise<void>;
}

export async function openLog(name = 'log', root?: string): Promise<TestLog> {
  const parent = root ?? (await mkdtemp(join(tmpdir(), 'ship-')));
  const directory = join(parent, name);
  const store = await AuditLogStore.open({
    directory,
    keyPath: join(parent, 'key.json'),
    segmentBytesMax: 1_048_576,
    clock: () => NOON_MS,
    onRecovery: () => undefined,
  });
  const first = join(directory, 'audit-2025-01-31.ndjson');
  let file = await store.openFile(first);
  const queue = new AuditQueue({ linesMax: 1_000_000, bytesMax: 1_000_000_000 }, file.nextSeq);
  return {
    directory,
    path: () => first,
    async write(...events) {
      for (const event of events) queue.push(0, auditLine(event));
      queue.written(await file.append(queue.batch(1_000_000_000, file)));
      await file.sync();
    },
    async rotate() {
      await file.close();
      file = await store.openFile(first);
    },
    async close() {
      await file.close();
      await store.close();
      if (root === undefined) await rm(parent, { recursive: true, force: true });
    },
  };
}

/** Events told apart by their request ids. */
export function events(...ids: readonly string[]): AuditEvent[] {
  return ids.map(eventOf);
}

export function idsOf(shipped: readonly ShippedEvent[]): string[] {
  return shipped.map(({ event }) => event.requestId);
}

/** As it would come from a log. */
export function shippedOf(event: AuditEvent, seq: number): ShippedEvent {
  const logged = { ...event, seq };
  return { run: '00000000-0000-4000-8000-000000000000', seq, line: publishedText(logged), event };
}
