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

const NORMAL = '{"version":1,"severity":"normal","time":"';
/** How almost every request ends. */
const ENDED_WELL = ',"status":200,"code":null,"errors":0,"foreignObjects":0,"events":null,"durationUs":';

/**
 * An event but for its operation, as an object that is not closed. Member by member it costs a quarter of one call for the whole, and
 * what many events have in common is joined once.
 * Invariant: what may hold a text of somebody else goes through `quoted` or `safeJson`; all else is a number or a word of ours.
 */
function eventText(event: AuditEvent): string {
  const { severity, time, requestId, cost, fetches, counts } = event;
  let text = severity === 'normal' ? NORMAL : `{"version":1,"severity":"${severity}","time":"`;
  text += `${time}","requestId":${quoted(requestId)}${callText(event)}`;
  text += `,"cost":${cost === null ? 'null' : costText(cost)},"fetches":[${fetchesText(fetches)}]`;
  text += `,"fetchesTruncated":${event.fetchesTruncated}`;
  text += `,"counts":${counts === null ? 'null' : countsText(counts, event.operation)}`;
  if ((event.arguments ?? event.times ?? event.changes) !== undefined)
    text += optionalText(event, OPTIONAL_OF_EVENT);
  return `${text}${endText(event)}${event.durationUs}`;
}

function endText({ status, code, errors, foreignObjects, events }: AuditEvent): string {
  return status === 200 && code === null && errors === 0 && foreignObjects === 0 && events === null
    ? ENDED_WELL
    : `,"status":${status},"code":${code === null ? 'null' : `"${code}"`},"errors":${errors},"foreignObjects":${foreignObjects},"events":${events},"durationUs":`;
}

/** Members of an event that say who asked, how, and whether it was permitted. */
type Call = Pick<AuditEvent, 'remoteAddress' | 'method' | 'principal' | 'supergraph' | 'decision'>;

/** Of the last call of each caller: its next ones mostly come the same way. */
const lastCalls = new WeakMap<object, Call & { readonly text: string }>();

function callText({ remoteAddress, method, principal, supergraph, decision }: Call): string {
  const last = principal === null ? undefined : lastCalls.get(principal);
  if (
    last?.decision === decision &&
    last.remoteAddress === remoteAddress &&
    last.supergraph === supergraph &&
    last.method === method
  )
    return last.text;
  // Joined to one text, or each line would join it again.
  const text = [
    `,"remoteAddress":${quoted(remoteAddress)},"method":${quoted(method)},"principal":${sharedText(principal)}`,
    `,"supergraph":${supergraph === null ? 'null' : quoted(supergraph)},"decision":${sharedText(decision)}`,
  ].join('');
  // What may still change is no measure for others.
  if (principal !== null && Object.isFrozen(principal) && Object.isFrozen(decision))
    lastCalls.set(principal, { remoteAddress, method, principal, supergraph, decision, text });
  return text;
}

function costText({ estimated, actual, max }: CostReport): string {
  return `{"estimated":${estimated},"actual":${actual},"max":${max}}`;
}

function fetchesText(fetches: readonly FetchRecord[]): string {
  const [first] = fetches;
  if (first === undefined) return '';
  return fetches.length === 1 ? fetchText(first) : fetches.map(fetchText).join();
}

const FETCHED_WELL = ',"status":200,"errors":0,"planned":';

function fetchText(fetch: FetchRecord): string {
  const { subgraph, durationUs, status, errors, planned, trace, models, modelsTruncated, findings } = fetch;
  const end =
    status === 200 && errors === 0 ? FETCHED_WELL : `,"status":${status},"errors":${errors},"planned":`;
  const text = `${fetchHead(subgraph)}${durationUs}${end}${planned}`;
  const tellsMore = (trace ?? models ?? modelsTruncated ?? findings) !== undefined;
  return tellsMore ? `${text}${optionalText(fetch, OPTIONAL_OF_FETCH)}}` : `${text}}`;
}

/** What fetches of one subgraph begin with. */
const fetchHeads = new Map<string, string>();
/** More than graphs have subgraphs; after so many each is printed again. */
const HEADS_MAX = 1000;

function fetchHead(subgraph: string): string {
  const known = fetchHeads.get(subgraph);
  if (known !== undefined) return known;
  const text = ['{"subgraph":', quoted(subgraph), ',"durationUs":'].join('');
  if (fetchHeads.size >= HEADS_MAX) fetchHeads.clear();
  fetchHeads.set(subgraph, text);
  return text;
}

/** Of the last answer of each operation: the next one is often alike, and to compare costs a tenth of printing. */
const lastCounts = new WeakMap<object, { readonly counts: FieldCounts; readonly text: string }>();

function countsText(counts: FieldCounts, operation: AuditEvent['operation']): string {
  const last = operation === null ? undefined : lastCounts.get(operation);
  if (last !== undefined && isAlike(last.counts, counts)) return last.text;
  const { resolved, sizes, exceptions, sensitive } = counts;
  const text = [
    `{"resolved":${JSON.stringify(resolved)},"sizes":${JSON.stringify(sizes)}`,
    `,"exceptions":${JSON.stringify(exceptions)},"sensitive":${sharedText(sensitive)}}`,
  ].join('');
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
  if (one.length !== other.length) return false;
  for (let at = 0; at < one.length; at += 1) if (one[at] !== other[at]) return false;
  return true;
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
