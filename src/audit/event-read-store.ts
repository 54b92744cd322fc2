import { stat } from 'node:fs/promises';
import {
  type LoggedEvent,
  type LoggedIntent,
  looksLikeTable,
  readLoggedIntent,
  SegmentEvents,
} from './logged-event.ts';
import { looksLikeMarker } from './marker.ts';
import { type ListedSegment, linesOf, listHeads, listSegments } from './segment-read-store.ts';

/** Told of a segment that was removed, as old ones may be, before it was read. */
export type OnGone = (path: string) => void;

/** No segment holds more: each day's lines go to one of that day. Units: milliseconds. */
const SEGMENT_MS_MAX = 86_400_000;

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
  const segments = await listHeads(directory);
  const first = sinceMs === undefined ? 0 : segments.findIndex((each) => mayHold(each, sinceMs));
  for (const { path } of first < 0 ? [] : segments.slice(first)) {
    for await (const { event } of unlessGone(eventsOf(path), () => onGone?.(path)))
      if (event !== null) yield event;
  }
}

/** A clock may be set back: those after the first that may are read, too. One without a readable head may hold anything. */
function mayHold({ head }: ListedSegment, sinceMs: number): boolean {
  return head === null || Date.parse(head.time) + SEGMENT_MS_MAX >= sinceMs;
}

/** Only of what is opened: a file that goes while it is read is read to its end. */
async function* unlessGone<T>(items: AsyncIterable<T>, onGone?: () => void): AsyncGenerator<T> {
  try {
    yield* items;
  } catch (fault) {
    if (!(fault instanceof Error && 'code' in fault && fault.code === 'ENOENT')) throw fault;
    onGone?.();
  }
}

/**
 * The last events of a directory, oldest first, and where the log stood when they were read. Of those that nothing signed stands
 * for yet, which a failing disk may take back, `onlySigned` leaves away what the position leaves for later.
 */
export async function lastEvents(
  directory: string,
  max: number,
  onlySigned = false,
): Promise<{ readonly events: readonly LoggedEvent[]; readonly end: LogPosition }> {
  const paths = await listSegments(directory);
  let events: LoggedEvent[] = [];
  let end: LogPosition | null = null;
  for (const path of paths.toReversed()) {
    const isNewest = end === null;
    const reader = new SegmentEvents();
    const mine: LoggedEvent[] = [];
    let unsigned: LoggedEvent[] = [];
    let bytes = 0;
    for await (const { event, isSigned, endsAt } of unlessGone(eventsOf(path, { reader }))) {
      if (event !== null) unsigned.push(event);
      if (isSigned || !isNewest) {
        bytes = endsAt;
        mine.push(...unsigned);
        unsigned = [];
      }
      keepLast(mine, max - events.length);
      keepLast(unsigned, max - events.length);
    }
    if (!onlySigned) mine.push(...unsigned);
    end ??= { path, bytes, reader };
    events = [...keepLast(mine, max - events.length), ...events];
    if (events.length >= max) break;
  }
  return { events, end: end ?? { path: '', bytes: 0 } };
}

function keepLast(events: LoggedEvent[], max: number): LoggedEvent[] {
  events.splice(0, events.length - max);
  return events;
}

/** A place in a log: a segment, and how much of it was read. */
export interface LogPosition {
  readonly path: string;
  readonly bytes: number;
  /** What read the segment so far, which knows its tables; without it they are looked for again. */
  readonly reader?: SegmentEvents;
}

/** What was written since a position, and the position after it; what nothing signed stands for yet is left for later. */
export async function eventsSince(
  directory: string,
  position: LogPosition,
): Promise<{ readonly events: readonly LoggedEvent[]; readonly end: LogPosition }> {
  const paths = await listSegments(directory);
  const at = Math.max(0, paths.indexOf(position.path));
  const events: LoggedEvent[] = [];
  let end = position;
  for (const path of paths.slice(at)) {
    const isNewest = path === paths.at(-1);
    const isSame = path === position.path;
    const from = isSame ? position.bytes : 0;
    const reader = (isSame ? position.reader : undefined) ?? (await readerAt(path, from));
    end = { path, bytes: from, reader };
    let unsigned: LoggedEvent[] = [];
    for await (const { event, isSigned, endsAt } of unlessGone(eventsAfter(path, from, reader))) {
      if (event !== null) unsigned.push(event);
      if (!isSigned && isNewest) continue;
      events.push(...unsigned);
      unsigned = [];
      end = { path, bytes: endsAt, reader };
    }
  }
  return { events, end };
}

async function* eventsAfter(path: string, from: number, reader: SegmentEvents): AsyncGenerator<ReadEvent> {
  if ((await stat(path)).size > from) yield* eventsOf(path, { from, reader });
}

/**
 * Mutations that were about to run and of which the log tells no more: a crash cut them off, or they run now. Memory grows
 * with their number only.
 */
export async function unansweredIntents(directory: string): Promise<readonly LoggedIntent[]> {
  const open = new Map<string, LoggedIntent>();
  for (const path of await listSegments(directory)) {
    const reader = new SegmentEvents();
    // The oldest go first: what was read before is gone, too, and so are the events that answer it.
    for await (const { line } of unlessGone(linesOf(path), () => open.clear())) {
      const text = line.toString();
      const intent = readLoggedIntent(text);
      if (intent !== null) open.set(intent.requestId, intent);
      else if (open.size > 0) open.delete(reader.read(text)?.requestId ?? '');
    }
  }
  return [...open.values()];
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

/** An event, or null for a line that is none, where its line ends, and whether it stands for those before it. */
interface ReadEvent {
  readonly event: LoggedEvent | null;
  readonly isSigned: boolean;
  readonly endsAt: number;
}

async function* eventsOf(
  path: string,
  {
    from = 0,
    reader = new SegmentEvents(),
  }: { readonly from?: number; readonly reader?: SegmentEvents } = {},
): AsyncGenerator<ReadEvent> {
  for await (const { line, endsAt } of linesOf(path, from)) {
    const text = line.toString();
    yield { event: reader.read(text), isSigned: looksLikeMarker(text), endsAt };
  }
}
