import type { FileAuditSink } from '../../../src/audit/audit-file-sink.ts';
import type { AuditEvent, AuditSink, FieldCounts } from '../../../src/audit/event.ts';
import type { FieldTally as Counting } from '../../../src/execution/field-tally.ts';

/**
 * What stands in place of the audit where its cost is measured: no event is made, no field is counted, nothing is written.
 * The product has no such switch, so the benchmark puts this in place of the modules that it names.
 */
export const AUDIT_MODULES = [
  'start/start-audit.ts',
  'audit/recorder.ts',
  'execution/field-tally.ts',
] as const;

const NOTHING = Object.freeze({}) as AuditEvent;
const NO_COUNTS: FieldCounts = Object.freeze({ resolved: [], sizes: [], exceptions: [], sensitive: {} });
const SECRET = new Uint8Array(32);

const sink: AuditSink & Pick<FileAuditSink, 'dropped' | 'waiting'> = {
  record: () => undefined,
  intend: async () => undefined,
  healthy: () => true,
  close: async () => undefined,
  dropped: 0,
  waiting: 0,
};

export async function openAudit() {
  return { sink, secretFor: () => SECRET };
}

export function auditEvent(): AuditEvent {
  return NOTHING;
}

export function auditIntent(): AuditEvent {
  return NOTHING;
}

export class FieldTally implements Pick<Counting, keyof Counting> {
  object(): void {}
  leaf(): void {}
  null(): void {}
  absent(): void {}
  refused(): void {}
  error(): void {}
  errorAt(): void {}
  counts(): FieldCounts {
    return NO_COUNTS;
  }
}
