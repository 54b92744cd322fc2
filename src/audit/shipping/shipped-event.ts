import type { AuditEvent } from '../event.ts';

/** One event on its way to a sink. Invariant: `run` and `seq` name it among all events of all logs. */
export interface ShippedEvent {
  /** Id of the process's run that wrote it. */
  readonly run: string;
  readonly seq: number;
  /**
   * The event as JSON that refers to no other line. Events of a log write it each
   * time it is asked for: it may be a hundred times as long as their own lines.
   */
  readonly line: string;
  readonly event: AuditEvent;
}

/** Where events go besides the files. */
export interface EventSink {
  /**
   * Resolves once all of them have arrived, or were told before. They are of one run, in the order they were written.
   * Throws: why they have not arrived; they come again.
   */
  deliver(events: readonly ShippedEvent[], signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/** How far a log was shipped: all before this byte of this segment. */
export interface ShipPosition {
  readonly segment: number;
  /** Id of the process's run that wrote it: a log that began anew has the same numbers and names. */
  readonly run: string;
  /** Name of the segment's file. */
  readonly file: string;
  readonly bytes: number;
}

/** Where a sink's position in one log is kept. */
export interface ShipCheckpoint {
  /** Null where nothing was shipped yet, or what was kept cannot be read: then all is shipped again. */
  load(): Promise<ShipPosition | null>;
  save(position: ShipPosition): Promise<void>;
}

/** What a log has for a sink. */
export interface Shippable {
  readonly events: readonly { readonly shipped: ShippedEvent; readonly end: ShipPosition }[];
  /** Where to go on; null before the first line of the log. */
  readonly end: ShipPosition | null;
  /** Bytes of the log after `end`. */
  readonly behindBytes: number;
}

/** A log that can be read from any position on. */
export interface ShippedLog {
  /** Its directory. */
  readonly name: string;
  readonly checkpoint: ShipCheckpoint;
  read(from: ShipPosition | null, bounds: ShipBounds): Promise<Shippable>;
}

/** How much is read at once, at least one group of lines; and how much is handed over, at least one event. */
export interface ShipBounds {
  readonly eventsMax: number;
  /** Of what is read in bytes, of what is handed over in UTF-16 code units. */
  readonly bytesMax: number;
}
