import { ocsfEvent } from '../event-ocsf.ts';
import type { ShippedEvent } from './shipped-event.ts';

/** How one event is written where lines are taken. */
export type LineFormat = 'ndjson' | 'ocsf';

/** Writes one event as a line, without its line feed. */
export type LineWriter = (shipped: ShippedEvent) => string;

/** NDJSON is the event as it leaves the log, and the run it belongs to. */
export function lineWriter(format: LineFormat, product: { readonly version: string }): LineWriter {
  return format === 'ocsf' ? (shipped) => ocsfLine(shipped, product) : ndjsonLine;
}

function ndjsonLine({ run, line }: ShippedEvent): string {
  return `{"run":${JSON.stringify(run)},"event":${line}}`;
}

/** A stream of subscriptions has two events of one request: only run and `seq` tell all of them apart. */
function ocsfLine({ run, seq, event }: ShippedEvent, product: { readonly version: string }): string {
  const mapped = ocsfEvent(event, product);
  const metadata = {
    ...('metadata' in mapped ? (mapped.metadata as object) : {}),
    ...{ uid: `${run}:${seq}`, correlation_uid: event.requestId, sequence: seq },
  };
  return JSON.stringify({ ...mapped, metadata });
}
