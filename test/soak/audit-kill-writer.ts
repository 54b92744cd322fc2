import { writeSync } from 'node:fs';
import { FileAuditSink } from '../../src/audit/audit-file-sink.ts';
import { AuditLogStore } from '../../src/audit/audit-log-store.ts';
import { auditIntent } from '../../src/audit/recorder.ts';
import { ANONYMOUS } from '../../src/identity/principal.ts';
import { eventOf } from '../audit/fixtures.ts';

// Answers mutations and queries until it is killed. Each answer is a line: its kind, its id, and when it was given.
const [directory = '', keyPath = '', run = ''] = process.argv.slice(2);
const onFault = (error: Error): void => {
  throw error;
};
const store = await AuditLogStore.open({
  ...{ directory, keyPath, segmentBytesMax: 200_000, clock: Date.now, onRecovery: () => undefined },
});
const sink = await FileAuditSink.open({ directory, clock: Date.now, onFault, openFile: store.openFile });
// Without a buffer, so that what was said before a kill is known.
const answer = (kind: string, id: string) => writeSync(1, `${kind} ${id} ${performance.now().toFixed(1)}\n`);

async function mutations(caller: number): Promise<never> {
  for (let at = 0; ; at += 1) {
    const id = `${run}-m${caller}-${at}`;
    await sink.intend(auditIntent({ id, receivedAtMs: Date.now() }, ANONYMOUS, { hash: 'ab', name: null }));
    answer('mutation', id);
    sink.record(eventOf(id));
  }
}

let queries = 0;
setInterval(() => {
  for (let each = 0; each < 5; each += 1) {
    const id = `${run}-q-${queries++}`;
    sink.record(eventOf(id));
    answer('query', id);
  }
}, 1);
await Promise.all(Array.from({ length: 4 }, (_, caller) => mutations(caller)));
