import type { SQL } from 'drizzle-orm';
import { invalidInput } from './control-error.ts';
import { sql } from './drizzle.ts';

/** What is looked for; what is not given holds for every event. Units: times in milliseconds since the epoch. */
export interface AuditSearch {
  readonly sinceMs?: number | undefined;
  /** Not part of the time itself. */
  readonly untilMs?: number | undefined;
  /** Slug of a tenant. A caller of a tenant finds its own only. */
  readonly tenant?: string | undefined;
  readonly application?: string | undefined;
  readonly subject?: string | undefined;
  /** `Type.field` that was asked for, or refused. */
  readonly coordinate?: string | undefined;
  readonly decision?: string | undefined;
  /** Code of the refusal of the whole, or of a field. */
  readonly code?: string | undefined;
  /** Name of an operation, or the beginning of its hash. */
  readonly operation?: string | undefined;
  readonly requestId?: string | undefined;
  /** Of the value of some argument, as `portcullis audit digest` prints it. */
  readonly digest?: string | undefined;
}

/** A hash that is cut shorter than this could be a name. */
const HASH_CHARS_MIN = 8;
const HASH = /^[0-9a-f]+$/u;

/** Nothing is ANDed to nothing. */
export function allOf(conditions: readonly SQL[]): SQL {
  return conditions.length === 0 ? sql`true` : sql.join([...conditions], sql` AND `);
}

/** Where events are looked for: `e` of `audit_events`, by the values that they were asked with where those are looked for. */
export function eventSource({ digest }: AuditSearch): SQL {
  return digest === undefined
    ? sql`audit_events e`
    : sql`audit_digests d JOIN audit_events e ON e.at = d.at AND e.run = d.run AND e.seq = d.seq`;
}

/** Conditions on a row of `eventSource`. */
export function eventConditions(search: AuditSearch): SQL[] {
  const { sinceMs, untilMs, tenant, application, subject, requestId, digest } = search;
  return [
    ...(sinceMs === undefined ? [] : [sql`e.at >= ${timeOf(sinceMs)}::timestamptz`]),
    ...(untilMs === undefined ? [] : [sql`e.at < ${timeOf(untilMs)}::timestamptz`]),
    ...(tenant === undefined ? [] : [sql`e.tenant = ${tenant}`]),
    ...(application === undefined ? [] : [sql`e.application = ${application}`]),
    ...(subject === undefined ? [] : [sql`e.subject = ${subject}`]),
    ...(requestId === undefined ? [] : [sql`e.request_id = ${requestId}`]),
    ...(digest === undefined ? [] : [sql`d.digest = ${digest}`]),
  ];
}

/** Conditions on a row `s` of `audit_shapes`; none where any shape does. */
export function shapeConditions({ coordinate, decision, code, operation }: AuditSearch): SQL[] {
  return [
    ...(coordinate === undefined ? [] : [sql`s.fields @> ARRAY[${coordinate}]::text[]`]),
    ...(decision === undefined ? [] : [sql`s.decision = ${decision}`]),
    ...(code === undefined ? [] : [sql`s.codes @> ARRAY[${code}]::text[]`]),
    ...(operation === undefined ? [] : [operationCondition(operation)]),
  ];
}

/** Conditions on a row `u` of `audit_usage`: what there was on none of its days need not be looked for. */
export function usageConditions({ sinceMs, untilMs, tenant, application }: AuditSearch): SQL[] {
  return [
    ...(sinceMs === undefined ? [] : [sql`u.day >= ${dayOf(sinceMs)}::date`]),
    ...(untilMs === undefined ? [] : [sql`u.day <= ${dayOf(untilMs)}::date`]),
    ...(tenant === undefined ? [] : [sql`u.tenant = ${tenant}`]),
    ...(application === undefined ? [] : [sql`u.application = ${application}`]),
  ];
}

/** Conditions on a row `r` of `audit_tenant_shapes`. */
export function reachConditions({ sinceMs, tenant }: AuditSearch): SQL[] {
  return [
    ...(sinceMs === undefined ? [] : [sql`r.last_at >= ${timeOf(sinceMs)}::timestamptz`]),
    ...(tenant === undefined ? [] : [sql`r.tenant = ${tenant}`]),
  ];
}

function operationCondition(operation: string): SQL {
  const isHash = operation.length >= HASH_CHARS_MIN && HASH.test(operation);
  return isHash ? sql`(s.name = ${operation} OR s.hash LIKE ${`${operation}%`})` : sql`s.name = ${operation}`;
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString();
}

function dayOf(ms: number): string {
  return timeOf(ms).slice(0, 'YYYY-MM-DD'.length);
}

const SEARCH_CHARS_MAX = 256;
/** Times that a date can tell in four digits of a year. */
const FIRST_MS = 0;
const LAST_MS = Date.UTC(9999, 0, 1);

/** Holds what a caller looks for to what the database takes. Throws: INVALID_INPUT. */
export function checkedSearch(search: AuditSearch): AuditSearch {
  for (const [name, value] of Object.entries(search) as [string, string | number | undefined][]) {
    if (typeof value === 'string' && (value.length > SEARCH_CHARS_MAX || value.includes('\0')))
      throw invalidInput(name, `must have at most ${SEARCH_CHARS_MAX} characters, and no NUL`);
    if (typeof value === 'number' && !(value >= FIRST_MS && value < LAST_MS))
      throw invalidInput(name, 'must be a time from 1970 up to 9999');
  }
  return search;
}

/** The last row of a page of events. */
export interface EventCursor {
  readonly atMs: number;
  readonly run: string;
  readonly seq: string;
}

const CURSOR = /^(\d{1,15}):([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}):(\d{1,16})$/u;

export function cursorKey({ atMs, run, seq }: EventCursor): string {
  return `${atMs}:${run}:${seq}`;
}

/** Rows that come after a cursor in a list of events, the latest first. Throws: INVALID_INPUT. */
export function afterCursor(key: string): SQL[] {
  if (key === '') return [];
  const [, atMs, run, seq] = CURSOR.exec(key) ?? [];
  const ms = Number(atMs);
  if (run === undefined || seq === undefined || !(ms < LAST_MS))
    throw invalidInput('after', 'is not a cursor');
  return [sql`(e.at, e.run, e.seq) < (${timeOf(ms)}::timestamptz, ${run}::uuid, ${seq}::bigint)`];
}

/** Rows that come after a cursor in a list that is sorted by some texts. Throws: INVALID_INPUT. */
export function afterTexts(key: string, columns: readonly SQL[]): SQL[] {
  if (key === '') return [];
  const values = textsIn(key);
  if (values?.length !== columns.length) throw invalidInput('after', 'is not a cursor');
  const row = (parts: readonly SQL[]) => sql`(${sql.join([...parts], sql`, `)})`;
  return [sql`${row(columns)} > ${row(values.map((value) => sql`${value}::text`))}`];
}

function textsIn(key: string): readonly string[] | null {
  try {
    const values: unknown = JSON.parse(key);
    return Array.isArray(values) && values.every((each) => typeof each === 'string' && !each.includes('\0'))
      ? values
      : null;
  } catch {
    return null;
  }
}
