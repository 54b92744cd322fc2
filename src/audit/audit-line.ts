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
export function auditLine(event: AuditEvent): AuditLine {
  const { operation } = event;
  const head = escapeUnsafe(eventText(event));
  return operation === null
    ? { text: `${head},"operation":null}\n`, table: null }
    : { text: `${head},"operation":`, table: tableOf(operation) };
}

type Optional<T> = { [Name in keyof T]-?: undefined extends T[Name] ? Name : never }[keyof T];

/** Members that few events have. The type holds this to all of them. */
const RARE_MEMBERS: Readonly<Record<Optional<AuditEvent>, true>> = {
  arguments: true,
  times: true,
  changes: true,
};
const RARE = Object.keys(RARE_MEMBERS) as (keyof typeof RARE_MEMBERS)[];

/** An event but for its operation, as an object that is not closed. Member by member it costs a third of one call for the whole. */
function eventText(event: AuditEvent): string {
  const { severity, time, requestId, remoteAddress, method, supergraph, code, cost, counts, events } = event;
  let text = `{"version":1,"severity":"${severity}","time":"${time}","requestId":${JSON.stringify(requestId)}`;
  text += `,"remoteAddress":${JSON.stringify(remoteAddress)},"method":${JSON.stringify(method)}`;
  text += `,"principal":${sharedText(event.principal)},"supergraph":${JSON.stringify(supergraph)}`;
  text += `,"decision":${sharedText(event.decision)},"cost":${cost === null ? 'null' : JSON.stringify(cost)}`;
  text += `,"fetches":${JSON.stringify(event.fetches)},"fetchesTruncated":${event.fetchesTruncated}`;
  text += `,"counts":${counts === null ? 'null' : JSON.stringify(counts)}`;
  for (const member of RARE) {
    const value = event[member];
    if (value !== undefined) text += `,"${member}":${JSON.stringify(value)}`;
  }
  text += `,"status":${event.status},"code":${code === null ? 'null' : `"${code}"`},"errors":${event.errors}`;
  return `${text},"foreignObjects":${event.foreignObjects},"events":${events},"durationUs":${event.durationUs}`;
}

/** JSON of what many events have in common, which is frozen; anything else is printed each time. */
const sharedTexts = new WeakMap<object, string>();

function sharedText(part: object | null): string {
  if (part === null) return 'null';
  const known = sharedTexts.get(part);
  if (known !== undefined) return known;
  const text = JSON.stringify(part);
  if (Object.isFrozen(part)) sharedTexts.set(part, text);
  return text;
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
