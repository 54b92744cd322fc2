import { addCounts } from './audit/coordinate-records.ts';
import type { FieldCounts } from './audit/event.ts';
import type { AuditParts } from './audit/recorder.ts';
import type { Log } from './telemetry/log-sink.ts';

/** The part of an audit record that an answer tells of. */
type Reported = Pick<AuditParts, 'request'> & { foreignObjects: number; counts: FieldCounts | null };

/** Where the shaping of an answer tells what it found. */
export interface ShapedReports {
  readonly reportForeign: (objects: number) => void;
  readonly reportCounts: (counts: FieldCounts) => void;
}

/**
 * Takes into a record what became of the coordinates, once for an answer and with each event for a stream, and counts objects
 * of another tenant, which whoever watches the log is told at once.
 */
export function shapedReports(record: Reported, log: Log): ShapedReports {
  return {
    reportForeign(objects) {
      record.foreignObjects += objects;
      log.error('objects of another tenant withheld', { requestId: record.request.id, objects });
    },
    reportCounts(counts) {
      record.counts = record.counts === null ? counts : addCounts(record.counts, counts);
    },
  };
}
