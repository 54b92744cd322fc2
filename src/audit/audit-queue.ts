/** What may wait for the disk at most. */
export interface AuditQueueBounds {
  readonly linesMax: number;
  readonly bytesMax: number;
}

/** Lines of one day, oldest first, ready to be written at once. */
export interface AuditBatch {
  /** Units: days since the epoch, UTC. */
  readonly day: number;
  readonly bytes: Uint8Array;
}

interface Entry {
  readonly day: number;
  readonly line: string;
  readonly bytes: number;
}

/** A bounded first-in-first-out queue of encoded lines; a line leaves it only once it is known to be written. */
export class AuditQueue {
  readonly #bounds: AuditQueueBounds;
  readonly #entries: Entry[] = [];
  #bytes = 0;
  #taken = 0;
  #written = 0;

  constructor(bounds: AuditQueueBounds) {
    this.#bounds = bounds;
  }

  get length(): number {
    return this.#entries.length;
  }

  /** Lines taken so far; the last of them leaves the queue once `gone` has reached it. */
  get taken(): number {
    return this.#taken;
  }

  /** Lines known to be written so far. */
  get gone(): number {
    return this.#written;
  }

  /** False where the line does not fit and so was not taken. */
  push(day: number, line: string): boolean {
    const bytes = Buffer.byteLength(line);
    if (this.#entries.length >= this.#bounds.linesMax || this.#bytes + bytes > this.#bounds.bytesMax)
      return false;
    this.#entries.push({ day, line, bytes });
    this.#bytes += bytes;
    this.#taken += 1;
    return true;
  }

  /** The oldest lines of one day, at least one and otherwise up to `bytesMax`; null where none waits. */
  batch(bytesMax: number): AuditBatch | null {
    const first = this.#entries[0];
    if (first === undefined) return null;
    const lines: string[] = [];
    let bytes = 0;
    for (const entry of this.#entries) {
      if (entry.day !== first.day || (lines.length > 0 && bytes + entry.bytes > bytesMax)) break;
      lines.push(entry.line);
      bytes += entry.bytes;
    }
    return { day: first.day, bytes: Buffer.from(lines.join('')) };
  }

  /** Forgets the oldest lines that lie wholly within the bytes written, and says how many. */
  written(bytes: number): number {
    let count = 0;
    let left = bytes;
    for (const entry of this.#entries) {
      if (entry.bytes > left) break;
      left -= entry.bytes;
      count += 1;
    }
    this.#entries.splice(0, count);
    this.#bytes -= bytes - left;
    this.#written += count;
    return count;
  }
}
