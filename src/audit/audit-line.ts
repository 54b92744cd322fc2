import type { CostReport } from '../operation/operation.ts';
import type { AuditEvent, AuditIntent, FetchRecord, FieldCounts } from './event.ts';
import { optionalMembers, optionalText, quoted, safeJson } from './json-text.ts';

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

/** One event, of which the table comes once for many. */
export function auditLine(event: AuditEvent): AuditLine {
  const { operation } = event;
  const head = eventText(event);
  return operation === null
    ? { text: `${head},"operation":null}\n`, table: null }
    : { text: `${head},"operation":`, table: tableOf(operation) };
}

const OPTIONAL_OF_EVENT = optionalMembers<AuditEvent>({ arguments: true, times: true, changes: true });
const OPTIONAL_OF_FETCH = optionalMembers<FetchRecord>({
  trace: true,
  models: true,
  modelsTruncated: true,
  findings: true,
});

/**
 * An event but for its operation, as an object that is not closed. Member by member it costs a quarter of one call for the whole.
 * Invariant: what may hold a text of somebody else goes through `quoted` or `safeJson`; all else is a number or a word of ours.
 */
function eventText(event: AuditEvent): string {
  const { severity, time, requestId, remoteAddress, method, supergraph, code, cost, counts, events } = event;
  let text = `{"version":1,"severity":"${severity}","time":"${time}","requestId":${quoted(requestId)}`;
  text += `,"remoteAddress":${quoted(remoteAddress)},"method":${quoted(method)}`;
  text += `,"principal":${sharedText(event.principal)},"supergraph":${supergraph === null ? 'null' : quoted(supergraph)}`;
  text += `,"decision":${sharedText(event.decision)},"cost":${cost === null ? 'null' : costText(cost)}`;
  text += `,"fetches":[${event.fetches.map(fetchText).join()}],"fetchesTruncated":${event.fetchesTruncated}`;
  text += `,"counts":${counts === null ? 'null' : countsText(counts, event.operation)}${optionalText(event, OPTIONAL_OF_EVENT)}`;
  text += `,"status":${event.status},"code":${code === null ? 'null' : `"${code}"`},"errors":${event.errors}`;
  return `${text},"foreignObjects":${event.foreignObjects},"events":${events},"durationUs":${event.durationUs}`;
}

function costText({ estimated, actual, max }: CostReport): string {
  return `{"estimated":${estimated},"actual":${actual},"max":${max}}`;
}

function fetchText(fetch: FetchRecord): string {
  const { subgraph, durationUs, status, errors, planned } = fetch;
  const text = `{"subgraph":${quoted(subgraph)},"durationUs":${durationUs},"status":${status},"errors":${errors}`;
  return `${text},"planned":${planned}${optionalText(fetch, OPTIONAL_OF_FETCH)}}`;
}

/** Of the last answer of each operation: the next one is often alike, and to compare costs a tenth of printing. */
const lastCounts = new WeakMap<object, { readonly counts: FieldCounts; readonly text: string }>();

function countsText(counts: FieldCounts, operation: AuditEvent['operation']): string {
  const last = operation === null ? undefined : lastCounts.get(operation);
  if (last !== undefined && isAlike(last.counts, counts)) return last.text;
  const { resolved, sizes, exceptions, sensitive } = counts;
  const lists = `{"resolved":${JSON.stringify(resolved)},"sizes":${JSON.stringify(sizes)}`;
  const text = `${lists},"exceptions":${JSON.stringify(exceptions)},"sensitive":${sharedText(sensitive)}}`;
  // What may still change is no measure for others.
  if (operation !== null && Object.isFrozen(sensitive)) lastCounts.set(operation, { counts, text });
  return text;
}

function isAlike(one: FieldCounts, other: FieldCounts): boolean {
  return (
    one.sensitive === other.sensitive &&
    isSame(one.resolved, other.resolved) &&
    isSame(one.sizes, other.sizes) &&
    isSame(one.exceptions, other.exceptions)
  );
}

function isSame(one: readonly number[], other: readonly number[]): boolean {
  return one.length === other.length && one.every((number, index) => number === other[index]);
}

/** JSON of what many events have in common, which is frozen; anything else is printed each time. */
const sharedTexts = new WeakMap<object, string>();

function sharedText(part: object | null): string {
  if (part === null) return 'null';
  const known = sharedTexts.get(part);
  if (known !== undefined) return known;
  const text = safeJson(part);
  if (Object.isFrozen(part)) sharedTexts.set(part, text);
  return text;
}

/** One intent as one line of NDJSON, its line feed included. */
export function intentLine(intent: AuditIntent): AuditLine {
  return { text: `${safeJson(intent)}\n`, table: null };
}

/** A line as it is written; `number` is that of its table in the segment. */
export function lineText(line: AuditLine, number: number): string {
  return line.text + lineEnd(line, number);
}

/** What is put to a line as it is written: ASCII. */
export function lineEnd({ table }: AuditLine, number: number): string {
  return table === null ? '' : `${number}}\n`;
}

/** The line that gives a table its number, its line feed included. */
export function tableLine({ text }: OperationTable, number: number): string {
  return `{"table":${number},"operation":${text}}\n`;
}

function tableOf(operation: object): OperationTable {
  const known = tables.get(operation);
  if (known !== undefined) return known;
  const text = safeJson(operation);
  const table = { text, bytes: Buffer.byteLength(text) };
  tables.set(operation, table);
  return table;
}
