import { afterEach, describe, expect, it, vi } from 'vitest';
import { FileAuditSink } from '../../src/audit/audit-file-sink.ts';
import type { AuditFile } from '../../src/audit/audit-file-store.ts';
import type { AuditIntent } from '../../src/audit/event.ts';
import { looksLikeIntent } from '../../src/audit/intent.ts';
import { auditIntent } from '../../src/audit/recorder.ts';
import { ANONYMOUS } from '../../src/identity/principal.ts';
import { eventOf } from './fixtures.ts';

const intentOf = (id: string): AuditIntent =>
  auditIntent({ id, receivedAtMs: 0 }, ANONYMOUS, { hash: 'ab12', name: 'Pay' });

/** A disk that takes what it is given when it is told to. */
function slowDisk() {
  const lines: string[] = [];
  const writes: PromiseWithResolvers<void>[] = [];
  let syncs = 0;
  const file: AuditFile = {
    nextSeq: 0,
    append: async (bytes) => {
      const write = Promise.withResolvers<void>();
      writes.push(write);
      await write.promise;
      lines.push(...Buffer.from(bytes).toString().split('\n').slice(0, -1));
      return bytes.length;
    },
    sync: async () => {
      syncs += 1;
    },
    inPlace: async () => true,
    full: () => false,
    close: async () => undefined,
  };
  return { lines, writes, syncs: () => syncs, openFile: async () => file };
}

let sink: FileAuditSink | null = null;
afterEach(async () => {
  await sink?.close().catch(() => undefined);
  sink = null;
});

async function open(disk: ReturnType<typeof slowDisk>, stallMs = 5000): Promise<FileAuditSink> {
  sink = await FileAuditSink.open({
    ...{ directory: '/nowhere', clock: () => 0, onFault: () => undefined, openFile: disk.openFile },
    limits: { flushMs: 60_000, retryMs: 1, retryMsMax: 4, stallMs, closeTimeoutMs: 50 },
  });
  return sink;
}

describe('an intent', () => {
  it('is on disk before it is told so, after what came before it, and does not wait for a group', async () => {
    const disk = slowDisk();
    const audit = await open(disk);
    audit.record(eventOf('before'));
    let told = false;
    const intended = audit.intend(intentOf('r-1')).then(() => {
      told = true;
    });
    await vi.waitFor(() => expect(disk.writes).toHaveLength(1));
    expect(told).toBe(false);
    disk.writes[0]?.resolve();
    await intended;
    expect(disk.lines.flatMap((line) => JSON.parse(line).requestId ?? [])).toEqual(['before', 'r-1']);
    expect(looksLikeIntent(disk.lines.at(-1) ?? '')).toBe(true);
    expect(disk.syncs()).toBe(1);
  });

  it('shares a write with all that came during the one before', async () => {
    const disk = slowDisk();
    const audit = await open(disk);
    const first = audit.intend(intentOf('r-1'));
    await vi.waitFor(() => expect(disk.writes).toHaveLength(1));
    const others = Array.from({ length: 50 }, (_, index) => audit.intend(intentOf(`s-${index}`)));
    disk.writes[0]?.resolve();
    await first;
    // Those who wait gather; whoever comes then joins them.
    others.push(audit.intend(intentOf('late')));
    await vi.waitFor(() => expect(disk.writes).toHaveLength(2));
    disk.writes[1]?.resolve();
    await Promise.all(others);
    expect([disk.writes.length, disk.syncs(), disk.lines.length]).toEqual([2, 2, 52]);
  });

  it('does not wait for a group that others had begun to gather', async () => {
    const disk = slowDisk();
    const audit = await open(disk);
    audit.record(eventOf('gathers'));
    const first = audit.intend(intentOf('r-1'));
    await vi.waitFor(() => expect(disk.writes).toHaveLength(1));
    const second = audit.intend(intentOf('r-2'));
    disk.writes[0]?.resolve();
    await first;
    await vi.waitFor(() => expect(disk.writes).toHaveLength(2), { timeout: 500 });
    disk.writes[1]?.resolve();
    await second;
  });

  it('that a failing disk does not take is refused at once, and what it said is still written later', async () => {
    const disk = slowDisk();
    const audit = await open(disk);
    const refused = audit.intend(intentOf('r-1'));
    await vi.waitFor(() => expect(disk.writes).toHaveLength(1));
    disk.writes[0]?.reject(new Error('EIO'));
    await expect(refused).rejects.toMatchObject({ code: 'AUDIT_UNAVAILABLE' });
    await vi.waitFor(() => expect(disk.writes).toHaveLength(2));
    disk.writes[1]?.resolve();
    await vi.waitFor(() => expect(disk.lines).toHaveLength(1));
  });

  it('that a hanging disk keeps waiting is refused after a bound', async () => {
    const disk = slowDisk();
    const audit = await open(disk, 30);
    await expect(audit.intend(intentOf('r-1'))).rejects.toMatchObject({ code: 'AUDIT_UNAVAILABLE' });
    disk.writes[0]?.resolve();
  });

  it('of a gateway that stops is refused', async () => {
    const disk = slowDisk();
    const audit = await open(disk);
    await audit.close();
    await expect(audit.intend(intentOf('r-1'))).rejects.toMatchObject({ code: 'AUDIT_UNAVAILABLE' });
  });

  it('holds who and what, with every text within its bound and no line of its own', () => {
    const intent = auditIntent({ id: 'x'.repeat(9999), receivedAtMs: 0 }, ANONYMOUS, {
      hash: 'ab12',
      name: `${'\n'.repeat(9)}${'y'.repeat(9999)}\ud800`,
    });
    expect(JSON.stringify(intent).length).toBeLessThan(1500);
    expect(JSON.stringify(intent)).not.toContain('\n');
  });
});
