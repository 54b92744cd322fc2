import { type AuditLine, auditLine, operationTable, tellsMore } from './audit-line.ts';
import type { AuditQueue, AuditQueueBounds } from './audit-queue.ts';
import type { AuditEvent } from './event.ts';

export interface EventQueueOptions extends AuditQueueBounds {
  /** Events that gather before they are encoded. */
  readonly gatherMax: number;
  /** Told of each event that was taken and then could not be encoded. Must not throw. */
  readonly onLost: (cause: unknown) => void;
}

/**
 * Events on their way to a queue of lines. They gather and are encoded one right after the other: in the middle of a request each
 * costs twice as much, since all else that runs then takes the caches of the processor.
 * Invariant: the lines are those of encoding each at once, in the same order; what gathers is sure to fit the bounds of the queue,
 * and any other event is encoded at once.
 */
export class EventQueue {
  readonly #lines: AuditQueue;
  readonly #options: EventQueueOptions;
  #events: AuditEvent[] = [];
  /** On which all that gathers was recorded. */
  #day = Number.NaN;
  /** What the lines of all that gathers and their tables take at most. */
  #bytesMax = 0;
  /** The last one whose table is counted in. */
  #operation: AuditEvent['operation'] = null;

  constructor(lines: AuditQueue, options: EventQueueOptions) {
    this.#lines = lines;
    this.#options = options;
  }

  get length(): number {
    return this.#lines.length + this.#events.length;
  }

  /** False where the event does not fit and so was not taken. Throws: what encoding it throws, where it does not gather. */
  take(day: number, event: AuditEvent): boolean {
    if (day !== this.#day || this.#events.length >= this.#options.gatherMax) this.encode();
    const { linesMax, bytesMax } = this.#options;
    const bytes = this.#bytesMax + bytesAtMost(event, this.#operation);
    if (this.length >= linesMax || this.#lines.bytes + bytes > bytesMax)
      return this.push(day, () => auditLine(event));
    this.#day = day;
    this.#bytesMax = bytes;
    this.#operation = event.operation;
    this.#events.push(event);
    return true;
  }

  /** Takes a line after all events; false where it does not fit. Throws: what `encode` throws. */
  push(day: number, encode: () => AuditLine): boolean {
    this.encode();
    return this.#lines.push(day, encode());
  }

  /** Turns into lines what gathered; an event that cannot be one takes no other with it. */
  encode(): void {
    const events = this.#events;
    const day = this.#day;
    if (events.length === 0) return;
    [this.#events, this.#bytesMax, this.#operation] = [[], 0, null];
    for (const event of events) {
      try {
        if (!this.#lines.push(day, auditLine(event))) throw new Error('the audit queue is full');
      } catch (cause) {
        this.#options.onLost(cause);
      }
    }
  }
}

/** An event without fetches and counts: ten texts of its bounds, each unit escaped, and what stands between them. */
const EVENT_BYTES = 16_384;
/** A name, each unit escaped, and what stands around it. */
const FETCH_BYTES = 2_048;
/** A number and a comma. */
const NUMBER_BYTES = 25;

/**
 * What the line of an event and its tables take at most, given the operation whose table is counted already; infinite where it holds
 * what few events do, which may be long or change later.
 */
export function bytesAtMost(event: AuditEvent, counted: AuditEvent['operation']): number {
  const { decision, fetches, counts, operation } = event;
  if (decision.reasons.length > 0 || (event.arguments ?? event.times ?? event.changes) !== undefined)
    return Number.POSITIVE_INFINITY;
  for (const fetch of fetches) if (tellsMore(fetch)) return Number.POSITIVE_INFINITY;
  const numbers =
    counts === null ? 0 : counts.resolved.length + counts.sizes.length + counts.exceptions.length;
  const tableBytes = operation === null || operation === counted ? 0 : operationTable(operation).bytes;
  return EVENT_BYTES + FETCH_BYTES * fetches.length + NUMBER_BYTES * numbers + tableBytes;
}
