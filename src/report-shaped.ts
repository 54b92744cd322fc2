import { addCounts } from './audit/coordinate-records.ts';
import type { FieldCounts } from './audit/event.ts';
import type { AuditParts } from './audit/recorder.ts';
import type { Log } from './telemetry/log-sink.ts';

/** The part of an audit record that counts what was withheld. */
type Counted = Pick<AuditParts, 'request'> & { foreignObjects: number };

/** Counts objects of another tenant in a record, and tells whoever watches the log at once. */
export function foreignReport(record: Counted, log: Log): (objects: number) => void {
  return (objects) => {
    record.foreignObjects += objects;
    log.error('objects of another tenant withheld', { requestId: record.request.id, objects });
  };
}

/** Adds what became of the coordinates to a record: once for an answer, with each event for a stream. */
export function countsReport(record: { counts: FieldCounts | null }): (counts: FieldCounts) => void {
  return (counts) => {
    record.counts = record.counts === null ? counts : addCounts(record.counts, counts);
  };
}
