import { FileAuditSink } from '../../src/audit/audit-file-sink.ts';
import { AuditLogStore } from '../../src/audit/audit-log-store.ts';
import { eventOf } from './fixtures.ts';

// Records until it is killed, some at a time, so that a kill may fall anywhere.
const [directory = '', keyPath = '', run = ''] = process.argv.slice(2);
const onFault = (error: Error): void => {
  throw error;
};
const store = await AuditLogStore.open({
  directory,
  keyPath,
  segmentBytesMax: 100_000,
  clock: Date.now,
  onRecovery: () => undefined,
});
const sink = await FileAuditSink.open({
  directory,
  clock: Date.now,
  onFault,
  openFile: store.openFile,
  limits: { flushMs: 1, batchBytesMax: 8_000 },
});
process.stdout.write('ready\n');
let next = 0;
setInterval(() => {
  for (let each = 0; each < 20; each += 1) sink.record(eventOf(`${run}-${next++}`));
}, 1);
