import type { AuditEvent, AuditIntent } from './event.ts';
import { looksLikeIntent } from './intent.ts';
import { looksLikeMarker } from './marker.ts';

/** One event as the log holds it, with the tables that its line refers to. */
export type LoggedEvent = AuditEvent & { readonly seq: number };

const TABLE_PREFIX = '{"table":';

/** True for the line of a table; events never begin so. */
export function looksLikeTable(line: string): boolean {
  return line.startsWith(TABLE_PREFIX);
}

/** What a line leaves out where it is so; each event has all of it. */
const USUAL_EVENT = {
  version: 1,
  severity: 'normal',
  time: '',
  requestId: '',
  remoteAddress: '',
  method: '',
  principal: null,
  supergraph: null,
  operation: null,
  decision: { effect: 'none', reasons: [], reasonsTruncated: 0 },
  cost: null,
  fetches: [],
  fetchesTruncated: 0,
  counts: null,
  status: 200,
  code: null,
  errors: 0,
  foreignObjects: 0,
  events: null,
  durationUs: 0,
} satisfies AuditEvent;
const USUAL_FETCH = { status: 200, errors: 0 };
const USUAL_COUNTS = { exceptions: [], sensitive: {} };

/** A line of an event as it stands in a segment. */
type EventLine = Omit<LoggedEvent, 'operation'> & {
  readonly [Name in 'operation' | 'call' | 'hash']?: unknown;
};

/**
 * Reads the lines of one segment in their order. An event comes after the tables that it refers to, in the same segment, so
 * that each segment is read by itself.
 */
export class SegmentEvents {
  readonly #operations = new Map<number, AuditEvent['operation']>();
  readonly #calls = new Map<number, Partial<AuditEvent>>();

  /** Null for a line that is no event: a marker, an intent, a table, or one that cannot be read. */
  read(line: string): LoggedEvent | null {
    if (looksLikeMarker(line) || looksLikeIntent(line)) return null;
    const parsed = parse(line);
    if (looksLikeTable(line)) {
      this.#take(parsed);
      return null;
    }
    if (!isEvent(parsed)) return null;
    const { call, operation, hash: _, ...told } = parsed;
    // What a log lacks that was changed stays as it would be of a request of which nothing is known.
    return {
      ...USUAL_EVENT,
      ...(typeof call === 'number' ? this.#calls.get(call) : {}),
      ...told,
      fetches: told.fetches.map((fetch) => ({ ...USUAL_FETCH, ...fetch })),
      counts:
        typeof told.counts === 'object' && told.counts !== null ? { ...USUAL_COUNTS, ...told.counts } : null,
      operation: typeof operation === 'number' ? (this.#operations.get(operation) ?? null) : null,
    };
  }

  #take(table: unknown): void {
    if (typeof table !== 'object' || table === null) return;
    const { table: number, operation, call } = table as Record<string, unknown>;
    if (typeof number !== 'number') return;
    if (isOperation(operation)) this.#operations.set(number, operation);
    if (isCall(call)) this.#calls.set(number, call);
  }
}

/** Numbers of the tables that a line refers to. */
export function referencesOf(line: string): readonly number[] {
  const [, ...numbers] = REFERENCES.exec(line.slice(-REFERENCES_CHARS_MAX)) ?? [];
  return numbers.flatMap((number) => (number === undefined ? [] : [Number(number)]));
}

/** Number of the table that a line holds; null where it holds none. */
export function tableOf(line: string): number | null {
  const match = TABLE.exec(line);
  return match === null ? null : Number(match[1]);
}

/** With what ends a line of an earlier version: its number and its hash. */
const REFERENCES_CHARS_MAX = 200;
const REFERENCES =
  /(?:,"call":(\d{1,15}))?(?:,"operation":(\d{1,15}))?,"seq":\d+(?:,"hash":"[0-9a-f]{64}")?\}$/u;
const TABLE = /^\{"table":(\d{1,15}),/u;

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}

/** Enough of its form for all that reads it; `audit verify` says whether it was changed. */
function isEvent(value: unknown): value is EventLine {
  if (typeof value !== 'object' || value === null) return false;
  const { time, requestId, decision, call, fetches } = value as Record<string, unknown>;
  const isDecided = typeof call === 'number' || isDecision(decision);
  return typeof time === 'string' && typeof requestId === 'string' && isDecided && Array.isArray(fetches);
}

function isDecision(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'reasons' in value;
}

function isCall(value: unknown): value is Partial<AuditEvent> {
  return typeof value === 'object' && value !== null && 'decision' in value && isDecision(value.decision);
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
