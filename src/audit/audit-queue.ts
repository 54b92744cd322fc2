import { type AuditLine, lineEnd, type OperationTable, tableLine } from './audit-line.ts';
import { ReusedBytes } from './reused-bytes.ts';
import type { WrittenTables } from './written-tables.ts';

/** What may wait for the disk at most. */
export interface AuditQueueBounds {
  readonly linesMax: number;
  readonly bytesMax: number;
}

interface Entry {
  readonly day: number;
  readonly line: AuditLine;
  /** Of its text, as it waits. */
  readonly lineBytes: number;
  /** Bytes in the last batch that held it, those of a table before it included. */
  batched: number;
}

/** A bounded first-in-first-out queue of encoded lines; a line leaves it only once it is known to be written. */
export class AuditQueue {
  readonly #bounds: AuditQueueBounds;
  readonly #entries: Entry[] = [];
  /** Tables that lines which wait refer to, and how many lines: each counts once. */
  readonly #tables = new Map<OperationTable, number>();
  readonly #batch = new ReusedBytes();
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

  /** Day of the oldest line; null where none waits. Units: days since the epoch, UTC. */
  get day(): number | null {
    return this.#entries[0]?.day ?? null;
  }

  /** False where the line does not fit and so was not taken. */
  push(day: number, line: AuditLine): boolean {
    const bytes = Buffer.byteLength(line.text);
    const { table } = line;
    const uses = table === null ? 0 : (this.#tables.get(table) ?? 0);
    const added = bytes + (table !== null && uses === 0 ? table.bytes : 0);
    if (this.#entries.length >= this.#bounds.linesMax || this.#bytes + added > this.#bounds.bytesMax)
      return false;
    this.#entries.push({ day, line, lineBytes: bytes, batched: 0 });
    if (table !== null) this.#tables.set(table, uses + 1);
    this.#bytes += added;
    this.#taken += 1;
    return true;
  }

  /**
   * The oldest lines of one day, at least one and otherwise up to `bytesMax`, each with its table before it where the file has
   * none yet. They hold until the next batch.
   */
  batch(bytesMax: number, tables: WrittenTables): Uint8Array {
    const { day } = this;
    let bytes = 0;
    for (const entry of this.#entries) {
      if (entry.day !== day) break;
      const { table } = entry.line;
      const known = table === null ? 0 : tables.numberOf(table);
      const number = known ?? tables.next;
      const head = table === null || known !== null ? '' : tableLine(table, number);
      const end = lineEnd(entry.line, number);
      const size = Buffer.byteLength(head) + entry.lineBytes + end.length;
      if (bytes > 0 && bytes + size > bytesMax) break;
      if (table !== null && known === null) tables.add(table);
      entry.batched = size;
      const batch = this.#batch.upTo(bytes + size);
      if (head !== '') bytes += batch.write(head, bytes);
      bytes += batch.write(entry.line.text, bytes);
      bytes += batch.write(end, bytes, 'latin1');
    }
    return this.#batch.upTo(bytes).subarray(0, bytes);
  }

  /** Forgets the oldest lines that lie wholly within the bytes written of the last batch, and says how many. */
  written(bytes: number): number {
    let count = 0;
    let left = bytes;
    for (const entry of this.#entries) {
      if (entry.batched === 0 || entry.batched > left) break;
      left -= entry.batched;
      this.#bytes -= entry.lineBytes + this.#leave(entry.line.table);
      count += 1;
    }
    this.#entries.splice(0, count);
    this.#written += count;
    return count;
  }

  /** Takes away one use of a table; gives the bytes that this frees. */
  #leave(table: OperationTable | null): number {
    if (table === null) return 0;
    const uses = this.#tables.get(table) ?? 1;
    if (uses > 1) this.#tables.set(table, uses - 1);
    else this.#tables.delete(table);
    return uses > 1 ? 0 : table.bytes;
  }
}
