import { stat } from 'node:fs/promises';
import {
  type LoggedEvent,
  type LoggedIntent,
  looksLikeTable,
  readLoggedIntent,
  SegmentEvents,
} from './logged-event.ts';
import { headOf, linesOf, listSegments } from './segment-read-store.ts';

/** Told of a segment that was removed, as old ones may be, before it was read. */
export type OnGone = (path: string) => void;

/**
 * Events of a directory in the order they were written, as a stream: memory does not grow with the log. Segments that
 * ended before a time are passed over. Units: milliseconds since the epoch.
 * Throws: what the system says of files.
 */
export async function* readEvents(
  directory: string,
  sinceMs: number | undefined,
  onGone?: OnGone,
): AsyncGenerator<LoggedEvent> {
  const paths = await listSegments(directory);
  const first = sinceMs === undefined ? 0 : await firstSince(paths, sinceMs);
  for (const path of paths.slice(first)) {
    try {
      for await (const { event } of eventsOf(path)) if (event !== null) yield event;
    } catch (fault) {
      // Only of what is opened: a file that goes while it is read is read to its end.
      if (!isGone(fault)) throw fault;
      onGone?.(path);
    }
  }
}

/** The last events of a directory, oldest first, and where the log stood when they were read. */
export async function lastEvents(
  directory: string,
  max: number,
): Promise<{ readonly events: readonly LoggedEvent[]; readonly end: LogPosition }> {
  const paths = await listSegments(directory);
  let events: LoggedEvent[] = [];
  let end: LogPosition | null = null;
  for (const path of paths.toReversed()) {
    const mine: LoggedEvent[] = [];
    const reader = new SegmentEvents();
    let bytes = 0;
    for await (const { event, endsAt } of eventsOf(path, { reader })) {
      bytes = endsAt;
      if (event === null) continue;
      mine.push(event);
      if (mine.length > max - events.length) mine.shift();
    }
    end ??= { path, bytes, reader };
    events = [...mine, ...events];
    if (events.length >= max) break;
  }
  return { events, end: end ?? { path: '', bytes: 0 } };
}

/** A place in a log: a segment, and how much of it was read. */
export interface LogPosition {
  readonly path: string;
  readonly bytes: number;
  /** What read the segment so far, which knows its tables; without it they are looked for again. */
  readonly reader?: SegmentEvents;
}

/** What was written since a position, and the position after it; a line that is not whole yet is left for later. */
export async function eventsSince(
  directory: string,
  position: LogPosition,
): Promise<{ readonly events: readonly LoggedEvent[]; readonly end: LogPosition }> {
  const paths = await listSegments(directory);
  const at = Math.max(0, paths.indexOf(position.path));
  const events: LoggedEvent[] = [];
  let end = position;
  for (const path of paths.slice(at)) {
    const isSame = path === position.path;
    const from = isSame ? position.bytes : 0;
    const reader = (isSame ? position.reader : undefined) ?? (await readerAt(path, from));
    end = { path, bytes: from, reader };
    if ((await stat(path)).size <= from) continue;
    for await (const { event, endsAt } of eventsOf(path, { from, reader })) {
      if (event !== null) events.push(event);
      end = { path, bytes: endsAt, reader };
    }
  }
  return { events, end };
}

/** The last segment that was begun before a time: those before it hold nothing later. */
async function firstSince(paths: readonly string[], sinceMs: number): Promise<number> {
  for (let index = paths.length - 1; index > 0; index -= 1) {
    const path = paths[index];
    if (path !== undefined && (await begunAtMs(path)) < sinceMs) return index;
  }
  return 0;
}

/**
 * Mutations that were about to run and of which the log tells no more: a crash cut them off, or they run now. Memory grows
 * with their number only.
 */
export async function unansweredIntents(directory: string): Promise<readonly LoggedIntent[]> {
  const open = new Map<string, LoggedIntent>();
  for (const path of await listSegments(directory)) {
    const reader = new SegmentEvents();
    for await (const { line } of linesOf(path)) {
      const text = line.toString();
      const intent = readLoggedIntent(text);
      if (intent !== null) open.set(intent.requestId, intent);
      else if (open.size > 0) open.delete(reader.read(text)?.requestId ?? '');
    }
  }
  return [...open.values()];
}

/** A segment without a readable head may hold anything. */
async function begunAtMs(path: string): Promise<number> {
  try {
    const head = await headOf(path);
    return head === null ? Number.POSITIVE_INFINITY : Date.parse(head.time);
  } catch (fault) {
    if (!isGone(fault)) throw fault;
    // The oldest go first: what is not gone is later.
    return Number.NEGATIVE_INFINITY;
  }
}

function isGone(fault: unknown): boolean {
  return fault instanceof Error && 'code' in fault && fault.code === 'ENOENT';
}

/** A reader that knows the tables which stand before a place of a segment. */
export async function readerAt(path: string, from: number): Promise<SegmentEvents> {
  const reader = new SegmentEvents();
  if (from === 0) return reader;
  for await (const { line, endsAt } of linesOf(path)) {
    if (endsAt > from) break;
    const text = line.toString();
    if (looksLikeTable(text)) reader.read(text);
  }
  return reader;
}

async function* eventsOf(
  path: string,
  {
    from = 0,
    reader = new SegmentEvents(),
  }: { readonly from?: number; readonly reader?: SegmentEvents } = {},
): AsyncGenerator<{ readonly event: LoggedEvent | null; readonly endsAt: number }> {
  for await (const { line, endsAt } of linesOf(path, from))
    yield { event: reader.read(line.toString()), endsAt };
}
