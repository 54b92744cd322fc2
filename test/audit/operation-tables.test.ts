import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FileAuditSink } from '../../src/audit/audit-file-sink.ts';
import { readAuditKey } from '../../src/audit/audit-key-store.ts';
import { auditLine } from '../../src/audit/audit-line.ts';
import { AuditLogStore } from '../../src/audit/audit-log-store.ts';
import { AuditQueue } from '../../src/audit/audit-queue.ts';
import { createAuditVerifier } from '../../src/audit/audit-signature.ts';
import { CHAIN_START, chainLine } from '../../src/audit/chained-line.ts';
import { eventsSince, lastEvents, readEvents } from '../../src/audit/event-read-store.ts';
import { auditEvent } from '../../src/audit/recorder.ts';
import { SegmentCheck } from '../../src/audit/segment-check.ts';
import { WrittenTables } from '../../src/audit/written-tables.ts';
import { PARTS } from './fixtures.ts';

let home: string;
let directory: string;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'tables-'));
  directory = join(home, 'log');
});
afterEach(() => rmSync(home, { recursive: true }));

/** An event of one of several operations. */
function eventOf(id: string, hash: string) {
  const request = { ...PARTS.request, id };
  return auditEvent({ ...PARTS, request, ...operationOf(hash) });
}

const operations = new Map<string, Pick<typeof PARTS, 'operation' | 'variant'>>();

/** The same object for the same hash, as a cache of operations gives it. */
function operationOf(hash: string): Pick<typeof PARTS, 'operation' | 'variant'> {
  const known = operations.get(hash);
  if (known !== undefined) return known;
  if (PARTS.operation === null || PARTS.variant === null) throw new Error('the fixture has no operation');
  const made = { operation: { ...PARTS.operation, hash }, variant: { ...PARTS.variant } };
  operations.set(hash, made);
  return made;
}

async function write(ids: readonly string[], segmentBytesMax: number): Promise<void> {
  const store = await AuditLogStore.open({
    ...{ directory, keyPath: join(home, 'key.json'), segmentBytesMax },
    ...{ clock: () => PARTS.request.receivedAtMs, onRecovery: () => undefined },
  });
  const sink = await FileAuditSink.open({
    ...{ directory, clock: () => PARTS.request.receivedAtMs, openFile: store.openFile },
    onFault: (fault) => {
      throw fault;
    },
    limits: { flushMs: 1, batchBytesMax: 3_000 },
  });
  for (const [index, id] of ids.entries()) sink.record(eventOf(id, `hash-${index % 3}`));
  await sink.close();
  await store.close();
}

const IDS = Array.from({ length: 30 }, (_, index) => `r-${index}`);
const text = (name: string) => readFileSync(join(directory, name), 'utf8');

describe('the tables of a log', () => {
  it('stand once in each segment, before the first event that refers to them', async () => {
    await write(IDS, 6_000);
    const segments = readdirSync(directory).filter((name) => name.endsWith('.ndjson'));
    expect(segments.length).toBeGreaterThan(2);
    for (const name of segments) {
      const lines = text(name).split('\n');
      const tables = lines.filter((line) => line.startsWith('{"table":'));
      expect(new Set(tables.map((line) => JSON.parse(line).operation.hash)).size).toBe(tables.length);
      const known = new Set<number>();
      for (const line of lines.filter((each) => each !== '')) {
        const { table, operation } = JSON.parse(line);
        if (table !== undefined) known.add(table);
        else if (typeof operation === 'number') expect(known).toContain(operation);
      }
    }
  });

  it('are resolved by whoever reads, from any segment on', async () => {
    await write(IDS, 6_000);
    const found: string[] = [];
    for await (const event of readEvents(directory, undefined))
      found.push(`${event.requestId} ${event.operation?.hash}`);
    expect(found).toEqual(IDS.map((id, index) => `${id} hash-${index % 3}`));
    const { events } = await lastEvents(directory, 2);
    expect(events.map((event) => event.operation?.coordinates)).toEqual(
      Array(2).fill(PARTS.operation?.coordinates),
    );
  });

  it('are found by who goes on in the middle of a segment, with what it knew and without', async () => {
    await write(IDS, 1_000_000);
    const [name = ''] = readdirSync(directory).filter((each) => each.endsWith('.ndjson'));
    const path = join(directory, name);
    const bytes = Buffer.byteLength(text(name).split('\n').slice(0, 20).join('\n')) + 1;
    const { events } = await eventsSince(directory, { path, bytes });
    expect(events.length).toBeGreaterThan(5);
    expect(events.every((event) => event.operation?.hash.startsWith('hash-'))).toBe(true);
    const { end } = await lastEvents(directory, 1);
    appendFileSync(
      path,
      `${text(name)
        .split('\n')
        .findLast((line) => line.includes('"r-29"'))}\n`,
    );
    const later = await eventsSince(directory, end);
    expect(later.events.map((event) => event.operation?.hash)).toEqual(['hash-2']);
  });

  it('leave an event without an operation where one is gone, which verifying tells', async () => {
    await write(['r-0'], 1_000_000);
    const [name = ''] = readdirSync(directory).filter((each) => each.endsWith('.ndjson'));
    const lines = text(name).split('\n');
    writeFileSync(join(directory, name), lines.filter((line) => !line.startsWith('{"table"')).join('\n'));
    for await (const event of readEvents(directory, undefined)) expect(event.operation).toBeNull();
  });

  it('are missed where the chain is whole and an event refers to none', async () => {
    await write(['r-0'], 1_000_000);
    const verifier = createAuditVerifier(await readAuditKey(join(home, 'key.json')));
    const [name = ''] = readdirSync(directory).filter((each) => each.endsWith('.ndjson'));
    const [head = ''] = text(name).split('\n');
    const { hash } = JSON.parse(head);
    const check = new SegmentCheck(verifier, CHAIN_START);
    check.line(head);
    check.line(chainLine('{"requestId":"x","operation":3}', { seq: 1, hash }).line);
    expect(check.breaks).toEqual([{ kind: 'missing table', line: 2, seq: 1 }]);
  });
});

describe('a queue of lines', () => {
  it('counts a table once while lines that wait refer to it', () => {
    const line = auditLine(eventOf('r-1', 'hash-0'));
    const lineBytes = Buffer.byteLength(line.text);
    const tableBytes = line.table?.bytes ?? 0;
    const queue = new AuditQueue({ linesMax: 100, bytesMax: tableBytes + 2 * lineBytes });
    expect([queue.push(1, line), queue.push(1, line), queue.push(1, line)]).toEqual([true, true, false]);
    const tables = new WrittenTables();
    queue.written(queue.batch(1_000_000, tables).length);
    expect(queue.length).toBe(0);
    expect([queue.push(1, line), queue.push(1, line), queue.push(1, line)]).toEqual([true, true, false]);
  });

  it('writes a table again to another file', () => {
    const queue = new AuditQueue({ linesMax: 100, bytesMax: 1_000_000 });
    queue.push(1, auditLine(eventOf('r-1', 'hash-0')));
    const first = Buffer.from(queue.batch(1_000_000, new WrittenTables())).toString();
    expect(first).toMatch(/^\{"table":0,/u);
    const tables = new WrittenTables();
    expect(Buffer.from(queue.batch(1_000_000, tables)).toString()).toBe(first);
    queue.written(Buffer.byteLength(first));
    queue.push(1, auditLine(eventOf('r-2', 'hash-0')));
    expect(Buffer.from(queue.batch(1_000_000, tables)).toString()).not.toContain('"table"');
  });
});
