import type { AuditEvent } from './event.ts';

/** What is looked for; what is not given holds for every event. Units: times in milliseconds since the epoch. */
export interface AuditFilter {
  readonly sinceMs?: number;
  readonly untilMs?: number;
  readonly tenant?: string;
  readonly application?: string;
  readonly subject?: string;
  /** `Type.field` that was asked for, or refused. */
  readonly coordinate?: string;
  readonly decision?: string;
  readonly code?: string;
  /** Name of an operation, or the beginning of its hash. */
  readonly operation?: string;
  readonly request?: string;
  /** Of the value of some argument, as `audit digest` prints it. */
  readonly digest?: string;
}

type Test = (event: AuditEvent, wanted: string) => boolean;

/** A hash that is cut shorter than this could be a name. */
const HASH_CHARS_MIN = 8;

const TESTS: Readonly<Record<Exclude<keyof AuditFilter, 'sinceMs' | 'untilMs'>, Test>> = {
  tenant: ({ principal }, wanted) => principal?.tenant === wanted,
  application: ({ principal }, wanted) => principal?.application === wanted,
  subject: ({ principal }, wanted) => principal?.subject === wanted,
  coordinate: ({ operation, decision }, wanted) =>
    operation?.coordinates.includes(wanted) === true ||
    decision.reasons.some(({ coordinate }) => coordinate === wanted),
  decision: ({ decision }, wanted) => decision.effect === wanted,
  code: ({ code, decision }, wanted) =>
    code === wanted || decision.reasons.some((reason) => reason.code === wanted),
  operation: ({ operation }, wanted) =>
    operation !== null &&
    (operation.name === wanted || (wanted.length >= HASH_CHARS_MIN && operation.hash.startsWith(wanted))),
  request: ({ requestId }, wanted) => requestId === wanted,
  digest: ({ arguments: given }, wanted) => given?.includes(wanted) === true,
};

/** Whether an event is all that is looked for; `until` itself is not part of the time. */
export function matchesFilter(event: AuditEvent, { sinceMs, untilMs, ...texts }: AuditFilter): boolean {
  if (sinceMs !== undefined || untilMs !== undefined) {
    const atMs = Date.parse(event.time);
    // A time that cannot be read is in no time.
    if (!(atMs >= (sinceMs ?? Number.NEGATIVE_INFINITY) && atMs < (untilMs ?? Number.POSITIVE_INFINITY)))
      return false;
  }
  for (const [name, test] of Object.entries(TESTS) as [keyof typeof TESTS, Test][]) {
    const wanted = texts[name];
    if (wanted !== undefined && !test(event, wanted)) return false;
  }
  return true;
}
