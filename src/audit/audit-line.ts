import type { AuditEvent, AuditIntent } from './event.ts';

/** A line that waits to be written: an event refers to the table of its operation by the number the segment gives it. */
export interface AuditLine {
  /** The whole line, or what comes before the number. */
  readonly text: string;
  /** What the line refers to; null where it stands for itself. */
  readonly table: OperationTable | null;
}

/** An operation as its events refer to it: one frozen object for all of them, encoded once. */
export interface OperationTable {
  /** JSON of the operation. */
  readonly text: string;
  readonly bytes: number;
}

const tables = new WeakMap<object, OperationTable>();

/** What JSON leaves as it is and some readers still take for the end of a line, or a terminal for a command. */
const UNSAFE = /[\u007f-\u009f\u2028\u2029]/g;

/** One event, of which the table comes once for many. */
export function auditLine({ operation, ...rest }: AuditEvent): AuditLine {
  const head = escapeUnsafe(JSON.stringify(rest)).slice(0, -1);
  return operation === null
    ? { text: `${head},"operation":null}\n`, table: null }
    : { text: `${head},"operation":`, table: tableOf(operation) };
}

/** One intent as one line of NDJSON, its line feed included. */
export function intentLine(intent: AuditIntent): AuditLine {
  return { text: `${escapeUnsafe(JSON.stringify(intent))}\n`, table: null };
}

/** A line as it is written; `number` is that of its table in the segment. */
export function lineText({ text, table }: AuditLine, number: number): string {
  return table === null ? text : `${text}${number}}\n`;
}

/** The line that gives a table its number, its line feed included. */
export function tableLine({ text }: OperationTable, number: number): string {
  return `{"table":${number},"operation":${text}}\n`;
}

function tableOf(operation: object): OperationTable {
  const known = tables.get(operation);
  if (known !== undefined) return known;
  const text = escapeUnsafe(JSON.stringify(operation));
  const table = { text, bytes: Buffer.byteLength(text) };
  tables.set(operation, table);
  return table;
}

/** JSON in which no character ends a line or steers a terminal. */
export function escapeUnsafe(json: string): string {
  return json.replace(UNSAFE, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
