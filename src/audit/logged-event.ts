import type { AuditEvent, AuditIntent } from './event.ts';
import { looksLikeIntent } from './intent.ts';
import { looksLikeMarker } from './marker.ts';

/** One event as the log holds it, with the table that its line refers to. */
export type LoggedEvent = AuditEvent & { readonly seq: number };

const TABLE_PREFIX = '{"table":';

/** True for the line of a table; events never begin so. */
export function looksLikeTable(line: string): boolean {
  return line.startsWith(TABLE_PREFIX);
}

/**
 * Reads the lines of one segment in their order. An event comes after the table that it refers to, in the same segment, so
 * that each segment is read by itself.
 */
export class SegmentEvents {
  readonly #operations = new Map<number, AuditEvent['operation']>();

  /** Null for a line that is no event: a marker, an intent, a table, or one that cannot be read. */
  read(line: string): LoggedEvent | null {
    if (looksLikeMarker(line) || looksLikeIntent(line)) return null;
    const parsed = parse(line);
    if (looksLikeTable(line)) {
      this.#take(parsed);
      return null;
    }
    if (!isEvent(parsed)) return null;
    const { operation } = parsed as { readonly operation: unknown };
    return { ...parsed, operation: typeof operation === 'number' ? this.#operationOf(operation) : null };
  }

  #take(table: unknown): void {
    if (typeof table !== 'object' || table === null) return;
    const { table: number, operation } = table as Record<string, unknown>;
    if (typeof number === 'number' && isOperation(operation)) this.#operations.set(number, operation);
  }

  /** Null where the table is not there, which only a log has that was changed. */
  #operationOf(number: number): AuditEvent['operation'] {
    return this.#operations.get(number) ?? null;
  }
}

/** Number of the table that a line refers to; null where it refers to none. */
export function referenceOf(line: string): number | null {
  const match = REFERENCE.exec(line);
  return match === null ? null : Number(match[1]);
}

/** Number of the table that a line holds; null where it holds none. */
export function tableOf(line: string): number | null {
  const match = TABLE.exec(line);
  return match === null ? null : Number(match[1]);
}

const REFERENCE = /,"operation":(\d{1,15}),"seq":\d+,"hash":"[0-9a-f]{64}"\}$/u;
const TABLE = /^\{"table":(\d{1,15}),/u;

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}

/** Enough of its form for all that reads it; `audit verify` says whether it was changed. */
function isEvent(value: unknown): value is LoggedEvent {
  if (typeof value !== 'object' || value === null) return false;
  const { time, requestId, decision, fetches } = value as Record<string, unknown>;
  const isDecided = typeof decision === 'object' && decision !== null && 'reasons' in decision;
  return typeof time === 'string' && typeof requestId === 'string' && isDecided && Array.isArray(fetches);
}

function isOperation(value: unknown): value is AuditEvent['operation'] {
  if (typeof value !== 'object' || value === null) return false;
  const { hash, coordinates, audited } = value as Record<string, unknown>;
  return (
    typeof hash === 'string' && Array.isArray(coordinates) && typeof audited === 'object' && audited !== null
  );
}

/** Null for a line that is no intent. */
export function readLoggedIntent(line: string): LoggedIntent | null {
  if (!looksLikeIntent(line)) return null;
  const { requestId } = (parse(line) ?? {}) as Partial<AuditIntent>;
  return typeof requestId === 'string' ? { line, requestId } : null;
}

/** One intent as the log holds it. */
export interface LoggedIntent {
  readonly line: string;
  readonly requestId: string;
}
