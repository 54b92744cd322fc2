import { hash as digest } from 'node:crypto';
import { type AuditEvent, EXCEPTION_STRIDE } from '../audit/event.ts';
import { EVENT_LIMITS } from '../audit/event-limits.ts';

/** What many events have in common. */
export interface AuditShape {
  /** Hex; the same for the same content. */
  readonly digest: string;
  readonly hash: string;
  readonly name: string;
  readonly type: string;
  /** Coordinates that were asked for, or refused. */
  readonly fields: readonly string[];
  /** Those of them that were read. */
  readonly read: readonly string[];
  readonly decision: string;
  /** Code of the refusal of the whole. */
  readonly code: string;
  /** That code, and those of single fields. */
  readonly codes: readonly string[];
}

/** One event as the index has it; '' stands for what there is not. */
export interface AuditIndexRow {
  /** RFC 3339. */
  readonly at: string;
  readonly run: string;
  readonly seq: number;
  readonly tenant: string;
  readonly application: string;
  readonly subject: string;
  readonly status: number;
  readonly request_id: string;
  readonly kind: string;
  readonly credential_id: string;
  readonly remote_address: string;
  readonly severity: string;
  readonly cost: number | null;
  readonly errors: number;
  readonly foreign_objects: number;
  readonly duration_us: number;
  readonly reasons: readonly IndexedReason[] | null;
  /** Of values of arguments; null where there are none. */
  readonly digests: readonly string[] | null;
}

/** Why a request or a field of it was refused; '' stands for what there is not. */
interface IndexedReason {
  readonly rule: string;
  readonly code: string;
  readonly coordinate: string | null;
  readonly path: readonly (string | number)[] | null;
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/u;
/** Times outside of these are of a broken clock, and would make partitions without end. */
const FIRST_MS = Date.UTC(2000, 0, 1);
const LAST_MS = Date.UTC(2100, 0, 1);
const STATUS_MAX = 999;
/** Place of the refused among the numbers of an exception. */
const REFUSED_AT = 2;
const DIGEST = /^[\w-]{22}$/u;
/** No text of an event is longer. */
const CHARS_MAX = 256;

/**
 * What the index keeps of one event.
 * Invariant: whatever stands in a file, also one that was tampered with, makes a row that the database takes: one line
 * must not hold up all after it.
 */
export function auditIndexRow(
  { run, seq }: { readonly run: string; readonly seq: number },
  event: AuditEvent,
): AuditIndexRow {
  const { principal, cost } = event;
  const reasons = reasonsOf(event);
  return {
    at: timeOf(event.time),
    run: uuidOf(run),
    seq,
    tenant: text(principal?.tenant),
    application: text(principal?.application),
    subject: text(principal?.subject),
    status: Math.min(count(event.status), STATUS_MAX),
    request_id: text(event.requestId),
    kind: text(principal?.kind),
    credential_id: text(principal?.credentialId),
    remote_address: text(event.remoteAddress),
    severity: text(event.severity),
    cost: cost?.actual == null ? null : count(cost.actual),
    errors: count(event.errors),
    foreign_objects: count(event.foreignObjects),
    duration_us: count(event.durationUs),
    reasons: reasons.length === 0 ? null : reasons,
    digests: digestsOf(event),
  };
}

/** What an event has in common with others of its operation that were answered alike. */
export function auditShape(event: AuditEvent): AuditShape {
  const { operation, code, decision } = event;
  const asked = texts(operation?.coordinates);
  const reasons = reasonsOf(event);
  const refused = new Set(texts(reasons.map(({ coordinate }) => coordinate)));
  const parts = {
    hash: text(operation?.hash),
    name: text(operation?.name),
    type: text(operation?.type),
    fields: [...new Set([...asked, ...refused])].sort(),
    decision: text(decision.effect),
    code: text(code),
    codes: [...new Set(texts([code, ...reasons.map((reason) => reason.code)]))].sort(),
    read: [...new Set(readOf(event))].sort(),
  };
  return { ...parts, digest: digest('sha256', JSON.stringify(Object.values(parts)), 'hex') };
}

/** Coordinates that some object answered, with null or a value, and was not withheld. */
function readOf({ operation, counts }: AuditEvent): string[] {
  const { resolved, exceptions } = (counts ?? {}) as { resolved?: unknown; exceptions?: unknown };
  const coordinates: unknown = operation?.coordinates;
  if (!Array.isArray(resolved) || !Array.isArray(coordinates)) return [];
  const withheld = new Map<unknown, number>();
  const told = Array.isArray(exceptions) ? exceptions : [];
  for (let at = 0; at < told.length; at += EXCEPTION_STRIDE)
    withheld.set(told[at], count(told[at + REFUSED_AT]));
  return texts(coordinates.filter((_, slot) => count(resolved[slot]) > (withheld.get(slot) ?? 0)));
}

function reasonsOf({ decision }: AuditEvent): readonly IndexedReason[] {
  const { reasons } = decision as { reasons: unknown };
  const told: readonly unknown[] = Array.isArray(reasons) ? reasons.slice(0, EVENT_LIMITS.reasons) : [];
  return told.filter((each) => typeof each === 'object' && each !== null).map(reasonOf);
}

function reasonOf({
  rule,
  code,
  coordinate,
  path,
}: { readonly [Name in keyof IndexedReason]?: unknown }): IndexedReason {
  return {
    ...{ rule: text(rule), code: text(code) },
    coordinate: typeof coordinate === 'string' ? text(coordinate) : null,
    path: Array.isArray(path)
      ? path
          .slice(0, EVENT_LIMITS.pathSteps)
          .map((step) => (typeof step === 'number' ? count(step) : text(step)))
      : null,
  };
}

/** Each once; words that stand for a digest that there is not have another length. */
function digestsOf({ arguments: given }: AuditEvent): readonly string[] | null {
  const digests = new Set(texts(given).filter((each) => DIGEST.test(each)));
  return digests.size === 0 ? null : [...digests].slice(0, EVENT_LIMITS.arguments);
}

/** PostgreSQL takes no NUL, and an index no long text. */
function text(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, CHARS_MAX).toWellFormed().replaceAll('\0', '\ufffd') : '';
}

function texts(values: unknown): string[] {
  return Array.isArray(values) ? values.filter((each) => typeof each === 'string').map(text) : [];
}

function count(value: unknown): number {
  return Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : 0;
}

function timeOf(value: unknown): string {
  const ms = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return new Date(ms >= FIRST_MS && ms < LAST_MS ? ms : FIRST_MS).toISOString();
}

/** A run that was not named by this program still has one id. */
function uuidOf(run: string): string {
  if (UUID.test(run)) return run;
  const hex = digest('sha256', run, 'hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join(
    '-',
  );
}
