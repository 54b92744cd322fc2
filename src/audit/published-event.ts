import { type CoordinateRecord, coordinateRecords } from './coordinate-records.ts';
import type { AuditEvent, FetchRecord, FieldCounts } from './event.ts';
import { safeJson } from './json-text.ts';

/** An operation without what only the lines of a log refer to. */
type PublishedOperation = Omit<
  NonNullable<AuditEvent['operation']>,
  'audited' | 'arguments' | 'argumentsTruncated'
> & {
  readonly argumentsTruncated: number;
};

/** A fetch without its number in the plan, which only the table refers to. */
type PublishedFetch = Required<Omit<FetchRecord, 'planned' | 'trace'>> & {
  readonly trace: NonNullable<FetchRecord['trace']> | null;
};

/** One event as it leaves the log: nothing in it refers to another line, and each coordinate has its record. */
export interface PublishedEvent
  extends Omit<AuditEvent, 'operation' | 'counts' | 'fetches' | 'arguments' | 'times' | 'changes'> {
  readonly operation: PublishedOperation | null;
  readonly fetches: readonly PublishedFetch[];
  /** Values of each class of sensitive data that the caller saw. */
  readonly sensitive: FieldCounts['sensitive'];
  readonly records: readonly CoordinateRecord[];
}

/** Writes an event out; the number that the log adds stays. */
export function publishedEvent<E extends AuditEvent>(
  event: E,
): Omit<E, 'operation' | 'counts' | 'fetches' | 'arguments' | 'times' | 'changes'> & PublishedEvent {
  const { counts, operation, fetches, arguments: _, times: __, changes: ___, ...rest } = event;
  return {
    ...rest,
    operation: operation === null ? null : publishedOperation(operation),
    fetches: fetches.map(publishedFetch),
    sensitive: counts?.sensitive ?? {},
    records: coordinateRecords(event),
  };
}

function publishedFetch({ planned: _, trace, models, findings, ...fetch }: FetchRecord): PublishedFetch {
  return {
    ...{ ...fetch, trace: trace ?? null, models: models ?? [] },
    findings: findings ?? [],
    modelsTruncated: fetch.modelsTruncated ?? 0,
  };
}

function publishedOperation(operation: NonNullable<AuditEvent['operation']>): PublishedOperation {
  const { audited: _, arguments: __, ...told } = operation;
  return { ...told, argumentsTruncated: told.argumentsTruncated ?? 0 };
}

/** An event written out as JSON on one line, without a line feed. */
export function publishedText(event: AuditEvent): string {
  return safeJson(publishedEvent(event));
}
