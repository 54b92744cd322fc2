import { type AuditLine, type AuditTable, tableLine } from './audit-line.ts';
import { CountingText } from './digits.ts';
import { ReusedBytes } from './reused-bytes.ts';

/** What may wait for the disk at most. */
export interface AuditQueueBounds {
  readonly linesMax: number;
  readonly bytesMax: number;
}

/** A table as lines of this queue refer to it. */
interface NumberedTable {
  readonly table: AuditTable;
  readonly number: number;
  /** Of the last line that refers to it as its call: the other table, and the members between its own and its number. */
  partner: NumberedTable | null;
  references: string;
  /** Lines that wait and refer to it: it counts once for all of them. */
  waiting: number;
  /** The file that it was last written to; null before any. */
  file: object | null;
}

interface Entry {
  readonly day: number;
  /** Of a line that is still text its units, which are as many in almost every one. */
  bytes: number;
  readonly call: NumberedTable | null;
  readonly operation: NumberedTable | null;
}

/** A bounded first-in-first-out queue of encoded lines; a line leaves it only once it is known to be written. */
export class AuditQueue {
  readonly #bounds: AuditQueueBounds;
  /** Number of the line that was taken first. */
  readonly #firstSeq: number;
  readonly #entries: Entry[] = [];
  readonly #tables = new WeakMap<AuditTable, NumberedTable>();
  readonly #lines = new ReusedBytes();
  readonly #seqs = new CountingText();
  /** The newest lines, which are not among the bytes yet, and how many they are. */
  #text = '';
  #textLines = 0;
  /** Where the oldest line begins, and where the last one ends. */
  #begin = 0;
  #end = 0;
  /** Of tables that lines refer to which wait. */
  #tableBytes = 0;
  #nextTable = 0;
  /** Of tables in the last batch. */
  #headBytes = 0;
  #taken = 0;
  #written = 0;

  /** `firstSeq` is the number of the first line, by all that the log holds. */
  constructor(bounds: AuditQueueBounds, firstSeq = 0) {
    this.#bounds = bounds;
    this.#firstSeq = firstSeq;
  }

  get length(): number {
    return this.#entries.length;
  }

  /** What waits takes, the tables that its lines refer to included. */
  get bytes(): number {
    this.#print();
    return this.#end - this.#begin + this.#tableBytes;
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
    const { linesMax, bytesMax } = this.#bounds;
    if (this.#entries.length >= linesMax) return false;
    const call = this.#numbered(line.call);
    const operation = this.#numbered(line.operation);
    const seq = this.#seqs.of(this.#firstSeq + this.#taken);
    const text = `${line.text}${seqMember(call, operation)}${seq}}\n`;
    const tableBytes = this.#tableBytes + sizeUnlessWaiting(call) + sizeUnlessWaiting(operation);
    const besides = bytesMax - tableBytes - (this.#end - this.#begin);
    if (BYTES_PER_UNIT_MAX * (this.#text.length + text.length) > besides) {
      if (this.bytes - this.#tableBytes + tableBytes + Buffer.byteLength(text) > bytesMax) return false;
    }
    this.#entries.push({ day, bytes: text.length, call, operation });
    this.#text += text;
    this.#textLines += 1;
    this.#tableBytes = tableBytes;
    if (call !== null) call.waiting += 1;
    if (operation !== null) operation.waiting += 1;
    this.#taken += 1;
    if (this.#text.length >= PRINTED_UNITS) this.#print();
    return true;
  }

  /**
   * The oldest lines of one day, at least one and otherwise up to `bytesMax`, after those of their tables that the file has not got
   * yet; what becomes of them is told by `written` before the next batch.
   */
  batch(bytesMax: number, file: object): Uint8Array {
    this.#print();
    const { day } = this;
    let heads = '';
    let bytes = 0;
    for (const entry of this.#entries) {
      if (entry.day !== day || (bytes > 0 && bytes + heads.length + entry.bytes > bytesMax)) break;
      heads += headOf(entry.call, file) + headOf(entry.operation, file);
      bytes += entry.bytes;
    }
    const lines = this.#lines.upTo(this.#end).subarray(this.#begin, this.#begin + bytes);
    if (heads === '') {
      this.#headBytes = 0;
      return lines;
    }
    const head = Buffer.from(heads);
    this.#headBytes = head.length;
    return Buffer.concat([head, lines]);
  }

  /** Forgets the oldest lines that lie wholly within the bytes written of the last batch, and says how many. */
  written(bytes: number): number {
    let count = 0;
    let left = bytes - this.#headBytes;
    for (const entry of this.#entries) {
      if (entry.bytes > left) break;
      left -= entry.bytes;
      this.#begin += entry.bytes;
      this.#tableBytes -= leave(entry.call) + leave(entry.operation);
      count += 1;
    }
    this.#entries.splice(0, count);
    this.#written += count;
    if (this.#begin > 0) {
      this.#lines.upTo(this.#end).copyWithin(0, this.#begin, this.#end);
      [this.#begin, this.#end] = [0, this.#end - this.#begin];
    }
    return count;
  }

  /** Makes bytes of what is text: of many lines at once, since the call costs more than a line. */
  #print(): void {
    const text = this.#text;
    if (text === '') return;
    const begin = this.#end;
    this.#end += Buffer.byteLength(text);
    const lines = this.#lines.upTo(this.#end);
    lines.write(text, begin);
    if (this.#end - begin > text.length) this.#measure(lines.subarray(begin, this.#end));
    [this.#text, this.#textLines] = ['', 0];
  }

  /** Counts the bytes of lines that have more than units. */
  #measure(lines: Buffer): void {
    let begin = 0;
    for (const entry of this.#entries.slice(-this.#textLines)) {
      entry.bytes = lines.indexOf(LINE_FEED, begin) + 1 - begin;
      begin += entry.bytes;
    }
  }

  #numbered(table: AuditTable | null): NumberedTable | null {
    if (table === null) return null;
    const known = this.#tables.get(table);
    if (known !== undefined) return known;
    const numbered: NumberedTable = {
      ...{ table, number: this.#nextTable, partner: null, references: '' },
      ...{ waiting: 0, file: null },
    };
    this.#nextTable += 1;
    this.#tables.set(table, numbered);
    return numbered;
  }
}

/** Of UTF-8 for one unit of UTF-16. */
const BYTES_PER_UNIT_MAX = 3;
/** Text that gathers: some hundred lines, and no more than the collector moves at once. */
const PRINTED_UNITS = 65_536;
const LINE_FEED = 0x0a;

/** The members that refer to tables, and the name of that of the number. Calls mostly come with one operation many times. */
function seqMember(call: NumberedTable | null, operation: NumberedTable | null): string {
  if (call !== null && operation !== null && call.partner === operation) return call.references;
  const callMember = call === null ? '' : `,"call":${call.number}`;
  const operationMember = operation === null ? '' : `,"operation":${operation.number}`;
  // Joined of a list, so that it is one piece.
  const text = [callMember, operationMember, ',"seq":'].join('');
  if (call !== null) [call.partner, call.references] = [operation, text];
  return text;
}

function sizeUnlessWaiting(numbered: NumberedTable | null): number {
  return numbered === null || numbered.waiting > 0 ? 0 : numbered.table.bytes;
}

/** Takes away one use of a table; gives the bytes that this frees. */
function leave(numbered: NumberedTable | null): number {
  if (numbered === null) return 0;
  numbered.waiting -= 1;
  return sizeUnlessWaiting(numbered);
}

/** The line of a table; empty where the file has it. A file that did not take it is not written to again. */
function headOf(numbered: NumberedTable | null, file: object): string {
  if (numbered === null || numbered.file === file) return '';
  numbered.file = file;
  return tableLine(numbered.table, numbered.number);
}
