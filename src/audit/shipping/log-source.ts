import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { WORKER_DIRECTORY } from '../all-logs-store.ts';
import { readerAt } from '../event-read-store.ts';
import type { SegmentEvents } from '../logged-event.ts';
import { looksLikeMarker } from '../marker.ts';
import { publishedText } from '../published-event.ts';
import { linesOf, listHeads } from '../segment-read-store.ts';
import { CheckpointStore } from './checkpoint-store.ts';
import type { ShipBounds, ShipPosition, Shippable, ShippedEvent, ShippedLog } from './shipped-event.ts';

/** Units: bytes. Reason: a group of lines has a mebibyte at most. */
const UNSIGNED_BYTES_MAX = 16_777_216;

interface Segment {
  readonly path: string;
  readonly file: string;
  readonly segment: number;
  readonly run: string;
}

/**
 * Reads a log for a sink, from a position on.
 * Invariant: an event is told once a signed line follows it, or the next segment has begun: what a failed write takes
 * back is never shipped under a `seq` that another event gets.
 */
export class LogSource implements ShippedLog {
  readonly name: string;
  readonly checkpoint: CheckpointStore;
  readonly #directory: string;
  #names = '';
  #segments: readonly Segment[] = [];
  /** What read the segment that was read last, and knows its tables. */
  #reading: { readonly file: string; readonly reader: SegmentEvents } | null = null;

  constructor(directory: string, sink: string) {
    this.#directory = directory;
    this.name = directory;
    this.checkpoint = new CheckpointStore(directory, sink);
  }

  async read(from: ShipPosition | null, bounds: ShipBounds): Promise<Shippable> {
    await this.#look();
    let end = from;
    for (let at = this.#indexOf(from); at < this.#segments.length; at += 1) {
      const segment = this.#segments[at];
      if (segment === undefined) break;
      const start = from !== null && isAt(from, segment) ? from.bytes : 0;
      const isLast = at === this.#segments.length - 1;
      const reader = await this.#readerOf(segment, start);
      const { events, bytes } = await readSegment(segment, { ...bounds, start, isLast, reader });
      end = { segment: segment.segment, run: segment.run, file: segment.file, bytes };
      if (events.length > 0) return { events, end, behindBytes: await this.#behind(at, bytes) };
    }
    return { events: [], end, behindBytes: 0 };
  }

  async #readerOf({ file, path }: Segment, start: number): Promise<SegmentEvents> {
    if (this.#reading?.file === file) return this.#reading.reader;
    const reader = await readerAt(path, start);
    this.#reading = { file, reader };
    return reader;
  }

  /** Heads of segments are read again only when there are others than before. */
  async #look(): Promise<void> {
    const names = (await readdir(this.#directory)).filter((name) => name.endsWith('.ndjson'));
    const key = names.sort().join('\n');
    if (key === this.#names) return;
    const segments: Segment[] = [];
    for (const { path, head } of await listHeads(this.#directory)) {
      // It is being made, or nobody knows what it is: the next look tells.
      if (head?.marker !== 'segment') continue;
      segments.push({ path, file: basename(path), segment: head.segment, run: head.instance });
    }
    this.#segments = segments;
    this.#names = segments.length === names.length ? key : '';
  }

  #indexOf(from: ShipPosition | null): number {
    if (from === null) return 0;
    // What was read last has been archived, and all before it: what is there came later, or began anew.
    return Math.max(
      0,
      this.#segments.findIndex((segment) => isAt(from, segment)),
    );
  }

  async #behind(at: number, bytes: number): Promise<number> {
    const sizes = await Promise.all(
      this.#segments.slice(at).map(async ({ path }) => (await stat(path)).size),
    );
    return sizes.reduce((sum, size) => sum + size, -bytes);
  }
}

function isAt(position: ShipPosition, { segment, run, file }: Segment): boolean {
  return position.file === file && position.segment === segment && position.run === run;
}

interface ReadBounds extends ShipBounds {
  /** Byte to begin at. */
  readonly start: number;
  /** The last segment may still be written to. */
  readonly isLast: boolean;
  readonly reader: SegmentEvents;
}

async function readSegment(
  { path, file, segment, run }: Segment,
  { start, isLast, reader, eventsMax, bytesMax }: ReadBounds,
): Promise<{ readonly events: Shippable['events']; readonly bytes: number }> {
  const ready: Shippable['events'][number][] = [];
  let unsigned: typeof ready = [];
  let readyBytes = start;
  // A file that was cut is over.
  if ((await stat(path)).size <= start) return { events: [], bytes: start };
  for await (const { line, endsAt } of linesOf(path, start)) {
    const text = line.toString();
    const shipped = shippedOf(reader, text, run);
    if (shipped !== null) unsigned.push({ shipped, end: { segment, run, file, bytes: endsAt } });
    if (!isLast || looksLikeMarker(text)) {
      ready.push(...unsigned);
      unsigned = [];
      readyBytes = endsAt;
    }
    const isFull = ready.length >= eventsMax || (ready.length > 0 && readyBytes - start >= bytesMax);
    // No group is that large: what is written here is not signed any more.
    if (isFull || endsAt - readyBytes > UNSIGNED_BYTES_MAX) break;
  }
  return { events: ready, bytes: readyBytes };
}

/** Null for a line that is no event. */
function shippedOf(reader: SegmentEvents, line: string, run: string): ShippedEvent | null {
  const event = reader.read(line);
  if (event === null || !Number.isSafeInteger(event.seq)) return null;
  return {
    ...{ run, seq: event.seq, event },
    get line() {
      return publishedText(event);
    },
  };
}

/** Names of what is in a directory. */
type NamesOf = (directory: string) => Promise<readonly string[]>;

/**
 * The logs in a directory: its own, and those of the directories in it. One that this process may not read, as `lost+found` of a disk of
 * its own, is somebody else's, unless its name is that of a worker: then reading it tells.
 * Throws: what the system says of files.
 */
export async function findLogs(
  directory: string,
  namesOf: NamesOf = (each) => readdir(each),
): Promise<readonly string[]> {
  const entries = await readdir(directory, { withFileTypes: true });
  const inner = entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(directory, name));
  const holders: string[] = [];
  for (const each of [directory, ...inner.sort()]) {
    if (await isHolder(each, namesOf)) holders.push(each);
  }
  return holders;
}

async function isHolder(directory: string, namesOf: NamesOf): Promise<boolean> {
  try {
    return (await namesOf(directory)).some((name) => name.startsWith('audit-') && name.endsWith('.ndjson'));
  } catch (fault) {
    if (!(fault instanceof Error && 'code' in fault && fault.code === 'EACCES')) throw fault;
    return WORKER_DIRECTORY.test(basename(directory));
  }
}
