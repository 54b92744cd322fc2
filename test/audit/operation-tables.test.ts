import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FileAuditSink } from '../../src/audit/audit-file-sink.ts';
import { obtainAuditKey } from '../../src/audit/audit-key-store.ts';
import { auditLine } from '../../src/audit/audit-line.ts';
import { AuditLogStore } from '../../src/audit/audit-log-store.ts';
import { AuditQueue } from '../../src/audit/audit-queue.ts';
import { createAuditSigner, createAuditVerifier } from '../../src/audit/audit-signature.ts';
import { CHAIN_START } from '../../src/audit/chained-line.ts';
import { eventsSince, lastEvents, readEvents } from '../../src/audit/event-read-store.ts';
import { SegmentEvents } from '../../src/audit/logged-event.ts';
import { auditEvent } from '../../src/audit/recorder.ts';
import { SegmentChain } from '../../src/audit/segment-chain.ts';
import { SegmentCheck } from '../../src/audit/segment-check.ts';
import { ANONYMOUS } from '../../src/identity/principal.ts';
import { linesOf, PARTS, readBack } from './fixtures.ts';

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
    limits: { flushMs: 1, batchBytesMax: 1_500 },
  });
  for (const [index, id] of ids.entries()) sink.record(eventOf(id, `hash-${index % 3}`));
  await sink.close();
  await store.close();
}

const IDS = Array.from({ length: 30 }, (_, index) => `r-${index}`);
const text = (name: string) => readFileSync(join(directory, name), 'utf8');

describe('the tables of a log', () => {
  it('stand once in each segment, before the first event that refers to them', async () => {
    await write(IDS, 3_000);
    const segments = readdirSync(directory).filter((name) => name.endsWith('.ndjson'));
    expect(segments.length).toBeGreaterThan(2);
    for (const name of segments) {
      const lines = text(name).split('\n');
      const tables = lines.filter((line) => line.startsWith('{"table":'));
      const texts = tables.map((line) => line.replace(/"table":\d+,/u, ''));
      expect(new Set(texts).size).toBe(tables.length);
      const known = new Set<number>();
      for (const line of lines.filter((each) => each !== '')) {
        const { table, call, operation } = JSON.parse(line);
        if (table !== undefined) known.add(table);
        else
          for (const each of [call, operation]) if (typeof each === 'number') expect(known).toContain(each);
      }
    }
  });

  it('are resolved by whoever reads, from any segment on', async () => {
    await write(IDS, 3_000);
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
        .findLast((line) => line.includes('"r-29"'))}\n{"marker":"checkpoint"}\n`,
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
    const jwk = await obtainAuditKey(join(home, 'key.json'));
    const signer = createAuditSigner(jwk);
    const chain = new SegmentChain(0, signer, CHAIN_START);
    const check = new SegmentCheck(createAuditVerifier(jwk), CHAIN_START);
    const head = { marker: 'segment', version: 3, previous: CHAIN_START.hash } as const;
    const lines = [
      '{"table":2,"operation":{}}',
      '{"requestId":"x","operation":2,"seq":0}',
      '{"requestId":"y","call":1,"operation":2,"seq":1}',
    ];
    check.line(chain.marker({ ...head, keyId: signer.keyId, instance: 'i' }, 0).slice(0, -1));
    for (const line of lines) {
      chain.take(Buffer.from(`${line}\n`));
      check.line(line);
    }
    check.line(chain.marker({ marker: 'checkpoint' }, 0).slice(0, -1));
    expect(check.breaks).toEqual([{ kind: 'missing table', line: 4, seq: 1 }]);
  });
});

describe('a queue of lines', () => {
  it('counts a table once while lines that wait refer to it', () => {
    auditLine(eventOf('r-0', 'hash-0'));
    const line = auditLine(eventOf('r-1', 'hash-0'));
    const lineBytes = Buffer.byteLength(`${line.text},"call":0,"operation":1,"seq":0}\n`);
    const tableBytes = (line.operation?.bytes ?? 0) + (line.call?.bytes ?? 0);
    const queue = new AuditQueue({ linesMax: 100, bytesMax: tableBytes + 2 * lineBytes });
    expect([queue.push(1, line), queue.push(1, line), queue.push(1, line)]).toEqual([true, true, false]);
    queue.written(queue.batch(1_000_000, {}).length);
    expect(queue.length).toBe(0);
    expect([queue.push(1, line), queue.push(1, line), queue.push(1, line)]).toEqual([true, true, false]);
  });

  it('writes a table again to another file', () => {
    const queue = new AuditQueue({ linesMax: 100, bytesMax: 1_000_000 });
    queue.push(1, auditLine(eventOf('r-1', 'hash-0')));
    const first = Buffer.from(queue.batch(1_000_000, {})).toString();
    expect(first).toMatch(/^\{"table":0,/u);
    const file = {};
    expect(Buffer.from(queue.batch(1_000_000, file)).toString()).toBe(first);
    queue.written(Buffer.byteLength(first));
    queue.push(1, auditLine(eventOf('r-2', 'hash-0')));
    expect(Buffer.from(queue.batch(1_000_000, file)).toString()).not.toContain('"table"');
  });

  it('keeps the lines of a batch as they are while more come, and those after it whole', () => {
    const queue = new AuditQueue({ linesMax: 10_000, bytesMax: 10_000_000 }, 7);
    const file = {};
    queue.push(1, auditLine(eventOf('r-0', 'hash-0')));
    const batch = queue.batch(1_000_000, file);
    const before = Buffer.from(batch).toString();
    for (let each = 1; each < 2_000; each += 1) queue.push(1, auditLine(eventOf(`r-${each}`, 'hash-0')));
    expect(Buffer.from(batch).toString()).toBe(before);
    queue.written(batch.length);
    const lines = Buffer.from(queue.batch(10_000_000, file)).toString().split('\n').slice(0, -1);
    expect(lines.map((line) => JSON.parse(line).requestId)).toEqual(
      Array.from({ length: 1_999 }, (_, index) => `r-${index + 1}`),
    );
    expect(lines.map((line) => JSON.parse(line).seq)).toEqual(lines.map((_, index) => 8 + index));
  });

  it('takes nothing of a line that does not fit', () => {
    const line = { text: `{"id":"${'\u20ac'.repeat(40)}"`, call: null, operation: null };
    const queue = new AuditQueue({ linesMax: 100, bytesMax: 150 });
    expect([queue.push(1, line), queue.push(1, line), queue.length, queue.taken]).toEqual([
      true,
      false,
      1,
      1,
    ]);
    const text = Buffer.from(queue.batch(1_000, {})).toString();
    expect(text).toBe(`${line.text},"seq":0}\n`);
    queue.written(Buffer.byteLength(text));
    expect(queue.push(1, line)).toBe(true);
    expect(Buffer.from(queue.batch(1_000, {})).toString()).toBe(`${line.text},"seq":1}\n`);
  });
});

describe('who calls again as before', () => {
  it('is told once more in a segment, and as before to whoever reads', () => {
    const principal = { ...ANONYMOUS, subject: 'calls again' };
    const events = ['r-0', 'r-1', 'r-2', 'r-3'].map((id) =>
      auditEvent({ ...PARTS, principal, request: { ...PARTS.request, id } }),
    );
    const lines = linesOf(...events);
    expect(lines.filter((each) => each.includes('"calls again"'))).toHaveLength(2);
    expect(readBack(lines)).toEqual(events);
  });

  it('is unknown where its table is gone', () => {
    const line =
      '{"time":"2026-01-01T00:00:00.000Z","requestId":"r","fetches":[],"durationUs":3,"call":9,"seq":1}';
    const unknown = { principal: null, remoteAddress: '', decision: { effect: 'none' }, status: 200 };
    expect(new SegmentEvents().read(line)).toMatchObject(unknown);
  });
});
