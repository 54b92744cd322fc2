import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import {
  eventsSince,
  type LogPosition,
  lastEvents,
  type OnGone,
  readEvents,
  unansweredIntents,
} from './event-read-store.ts';
import type { LoggedEvent, LoggedIntent } from './logged-event.ts';
import { listSegments } from './segment-read-store.ts';

/** Name of the directory that a worker writes to. */
export const WORKER_DIRECTORY = /^worker-[1-9]\d?$/;

/** One chain of segments under an audit directory: its own, or that of a worker. */
export interface AuditLogPlace {
  /** What files of it are told with; empty for the directory itself. */
  readonly prefix: string;
  readonly directory: string;
}

/**
 * The logs under a directory: that of a gateway alone, those of its workers, or both where it was set up anew.
 * Throws: what the system says of files.
 */
export async function listLogs(directory: string): Promise<readonly AuditLogPlace[]> {
  const workers = (await readdir(directory, { withFileTypes: true }))
    .filter((entry) => entry.isDirectory() && WORKER_DIRECTORY.test(entry.name))
    .map(({ name }) => ({ prefix: `${name}/`, directory: join(directory, name) }));
  const own = { prefix: '', directory };
  if (workers.length === 0) return [own];
  const byNumber = (one: AuditLogPlace, other: AuditLogPlace) =>
    one.prefix.length - other.prefix.length || (one.prefix < other.prefix ? -1 : 1);
  workers.sort(byNumber);
  return (await listSegments(directory)).length > 0 ? [own, ...workers] : workers;
}

/** Prefixes of logs that were there: workers are numbered from 1 on, and each begins its log as it starts. */
export function missingLogs(logs: readonly AuditLogPlace[]): readonly string[] {
  const prefixes = new Set(logs.map(({ prefix }) => prefix).filter((prefix) => prefix !== ''));
  const highest = Math.max(0, ...[...prefixes].map((prefix) => Number(/\d+/u.exec(prefix))));
  const expected = Array.from({ length: highest }, (_, index) => `worker-${index + 1}/`);
  return expected.filter((prefix) => !prefixes.has(prefix));
}

/** As `readEvents`, of all logs: those of one in its order, those of several by time. */
export async function* readAllEvents(
  directory: string,
  sinceMs: number | undefined,
  onGone?: OnGone,
): AsyncGenerator<LoggedEvent, void, undefined> {
  const logs = await listLogs(directory);
  const heads: { event: LoggedEvent; rest: AsyncGenerator<LoggedEvent> }[] = [];
  const readOn = async (rest: AsyncGenerator<LoggedEvent>): Promise<void> => {
    const { done, value } = await rest.next();
    if (done !== true) heads.push({ event: value, rest });
  };
  for (const log of logs) await readOn(readEvents(log.directory, sinceMs, onGone));
  while (heads.length > 0) {
    const earliest = heads.reduce((best, head) => (timeOf(head.event) < timeOf(best.event) ? head : best));
    heads.splice(heads.indexOf(earliest), 1);
    yield earliest.event;
    await readOn(earliest.rest);
  }
}

/** How far each log was read, by its directory. */
export type LogPositions = ReadonlyMap<string, LogPosition>;

interface EventsSoFar {
  readonly events: readonly LoggedEvent[];
  readonly ends: LogPositions;
}

/** As `lastEvents`, of all logs. */
export async function lastOfAllEvents(
  directory: string,
  max: number,
  onlySigned = false,
): Promise<EventsSoFar> {
  const read = await eachLog(directory, (log) => lastEvents(log, max, onlySigned));
  return { ...read, events: max === 0 ? [] : read.events.slice(-max) };
}

/** As `eventsSince`, of all logs; one that was begun meanwhile is read from its beginning. */
export function allEventsSince(directory: string, ends: LogPositions): Promise<EventsSoFar> {
  return eachLog(directory, (log) => eventsSince(log, ends.get(log) ?? { path: '', bytes: 0 }));
}

/** As `unansweredIntents`, of all logs. */
export async function allUnansweredIntents(directory: string): Promise<readonly LoggedIntent[]> {
  const found: LoggedIntent[] = [];
  for (const log of await listLogs(directory)) found.push(...(await unansweredIntents(log.directory)));
  return found;
}

async function eachLog(
  directory: string,
  read: (log: string) => Promise<{ readonly events: readonly LoggedEvent[]; readonly end: LogPosition }>,
): Promise<EventsSoFar> {
  const ends = new Map<string, LogPosition>();
  const events: LoggedEvent[] = [];
  for (const log of await listLogs(directory)) {
    const { events: mine, end } = await read(log.directory);
    ends.set(log.directory, end);
    events.push(...mine);
  }
  if (ends.size > 1) events.sort((one, other) => (timeOf(one) < timeOf(other) ? -1 : 1));
  return { events, ends };
}

/** Times are written in one form, so that they compare as text. */
function timeOf({ time }: LoggedEvent): string {
  return time;
}
