import { escapeUnsafe } from './audit-line.ts';
import { type CoordinateRecord, coordinateRecords } from './coordinate-records.ts';
import type { AuditEvent, FetchRecord, FieldCounts } from './event.ts';

/** One event as it leaves the log: nothing in it refers to another line, and each coordinate has its record. */
export interface PublishedEvent extends Omit<AuditEvent, 'operation' | 'counts' | 'fetches'> {
  readonly operation: Omit<NonNullable<AuditEvent['operation']>, 'audited'> | null;
  readonly fetches: readonly Omit<FetchRecord, 'planned'>[];
  /** Values of each class of sensitive data that the caller saw. */
  readonly sensitive: FieldCounts['sensitive'];
  readonly records: readonly CoordinateRecord[];
}

/** Writes an event out; what the log adds, `seq` and `hash`, stays. */
export function publishedEvent<E extends AuditEvent>(
  event: E,
): Omit<E, 'operation' | 'counts' | 'fetches'> & PublishedEvent {
  const { counts, operation, fetches, ...rest } = event;
  const { audited: _, ...told } = operation ?? { audited: null };
  return {
    ...rest,
    operation: operation === null ? null : (told as Omit<typeof operation, 'audited'>),
    fetches: fetches.map(({ planned: __, ...fetch }) => fetch),
    sensitive: counts?.sensitive ?? {},
    records: coordinateRecords(event),
  };
}

/** An event written out as JSON on one line, without a line feed; its hash is that of the line in the log. */
export function publishedText(event: AuditEvent): string {
  return escapeUnsafe(JSON.stringify(publishedEvent(event)));
}
