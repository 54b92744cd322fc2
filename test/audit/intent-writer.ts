import { FileAuditSink } from '../../src/audit/audit-file-sink.ts';
import { AuditLogStore } from '../../src/audit/audit-log-store.ts';
import { auditIntent } from '../../src/audit/recorder.ts';
import { ANONYMOUS } from '../../src/identity/principal.ts';
import { eventOf } from './fixtures.ts';

// Answers mutations until it is killed: each is intended, then answered by a line, then recorded.
const [directory = '', keyPath = '', run = ''] = process.argv.slice(2);
const onFault = (error: Error): void => {
  throw error;
};
const store = await AuditLogStore.open({
  ...{ directory, keyPath, segmentBytesMax: 100_000, clock: Date.now, onRecovery: () => undefined },
});
const sink = await FileAuditSink.open({ directory, clock: Date.now, onFault, openFile: store.openFile });

async function caller(number: number): Promise<never> {
  for (let at = 0; ; at += 1) {
    const id = `${run}-${number}-${at}`;
    await sink.intend(auditIntent({ id, receivedAtMs: Date.now() }, ANONYMOUS, { hash: 'ab', name: null }));
    process.stdout.write(`${id}\n`);
    sink.record(eventOf(id));
  }
}
await Promise.all(Array.from({ length: 8 }, (_, number) => caller(number)));
