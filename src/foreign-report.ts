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
