import type { CostReport } from '../operation/operation.ts';
import type { AuditEvent, AuditIntent, FetchRecord, FieldCounts } from './event.ts';
import { optionalMembers, optionalText, quoted, safeJson } from './json-text.ts';

/** A line that waits for its number: a JSON object that is not closed, and the tables that it will refer to. */
export interface AuditLine {
  readonly text: string;
  /** Null where the line says it itself, or there is none. */
  readonly call: AuditTable | null;
  readonly operation: AuditTable | null;
}

/** What many lines of a segment say alike, written once in it; one frozen object for all of them. */
export interface AuditTable {
  /** A member of an object, as JSON. */
  readonly text: string;
  readonly bytes: number;
}

/** One event. What is as for almost every request is left out: `USUAL_EVENT` of the reader says what that is. */
export function auditLine(event: AuditEvent): AuditLine {
  const { severity, time, requestId, cost, fetches, fetchesTruncated, counts, operation } = event;
  const call = callOf(event);
  let text = `{"time":"${time}","requestId":${quoted(requestId)}`;
  if (typeof call === 'string') text += call;
  if (severity !== 'normal') text += `,"severity":"${severity}"`;
  if (cost !== null) text += `,"cost":${costText(cost)}`;
  text += `,"fetches":[${fetchesText(fetches)}]`;
  if (fetchesTruncated > 0) text += `,"fetchesTruncated":${fetchesTruncated}`;
  if (counts !== null) text += `,"counts":${countsText(counts, operation)}`;
  if ((event.arguments ?? event.times ?? event.changes) !== undefined)
    text += optionalText(event, OPTIONAL_OF_EVENT);
  return {
    text: `${text}${endText(event)}`,
    call: typeof call === 'string' ? null : call,
    operation: operation === null ? null : operationTable(operation),
  };
}

const OPTIONAL_OF_EVENT = optionalMembers<AuditEvent>({ arguments: true, times: true, changes: true });
const OPTIONAL_OF_FETCH = optionalMembers<FetchRecord>({
  trace: true,
  models: true,
  modelsTruncated: true,
  findings: true,
});

function endText({ status, code, errors, foreignObjects, events, durationUs }: AuditEvent): string {
  const end = `,"durationUs":${durationUs}`;
  return status === 200 && code === null && errors === 0 && foreignObjects === 0 && events === null
    ? end
    : `,"status":${status},"code":${code === null ? 'null' : `"${code}"`},"errors":${errors},"foreignObjects":${foreignObjects},"events":${events}${end}`;
}

/** Members of an event that say who asked, how, and whether it was permitted. */
type Call = Pick<AuditEvent, 'remoteAddress' | 'method' | 'principal' | 'supergraph' | 'decision'>;

interface KnownCall extends Call {
  /** Null where it came once only: a table would be longer. */
  table: AuditTable | null;
}

/** The last call of each caller: its next ones mostly come the same way. */
const lastCalls = new WeakMap<object, KnownCall>();

/** The table of a call, or its members where it has none. */
function callOf(event: AuditEvent): AuditTable | string {
  const { remoteAddress, method, principal, supergraph, decision } = event;
  const last = principal === null ? undefined : lastCalls.get(principal);
  if (
    last?.decision === decision &&
    last.remoteAddress === remoteAddress &&
    last.supergraph === supergraph &&
    last.method === method
  ) {
    last.table ??= tableOf(`"call":{${callText(last)}}`);
    return last.table;
  }
  const call = { remoteAddress, method, principal, supergraph, decision, table: null };
  // What may still change is no measure for others.
  if (principal !== null && Object.isFrozen(principal) && Object.isFrozen(decision))
    lastCalls.set(principal, call);
  return `,${callText(call)}`;
}

function callText({ remoteAddress, method, principal, supergraph, decision }: Call): string {
  return [
    `"remoteAddress":${quoted(remoteAddress)},"method":${quoted(method)},"principal":${sharedText(principal)}`,
    `"supergraph":${supergraph === null ? 'null' : quoted(supergraph)},"decision":${sharedText(decision)}`,
  ].join();
}

function costText({ estimated, actual, max }: CostReport): string {
  return `{"estimated":${estimated},"actual":${actual},"max":${max}}`;
}

function fetchesText(fetches: readonly FetchRecord[]): string {
  const [first] = fetches;
  if (first === undefined) return '';
  return fetches.length === 1 ? fetchText(first) : fetches.map(fetchText).join();
}

function fetchText(fetch: FetchRecord): string {
  const { subgraph, durationUs, status, errors, planned } = fetch;
  let text = `${fetchHead(subgraph)}${durationUs},"planned":${planned}`;
  if (status !== 200 || errors !== 0) text += `,"status":${status},"errors":${errors}`;
  return tellsMore(fetch) ? `${text}${optionalText(fetch, OPTIONAL_OF_FETCH)}}` : `${text}}`;
}

/** Whether a subgraph told of a fetch what few do. */
export function tellsMore({ trace, models, modelsTruncated, findings }: FetchRecord): boolean {
  return (trace ?? models ?? modelsTruncated ?? findings) !== undefined;
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
  const more = [
    ...(exceptions.length === 0 ? [] : [`"exceptions":${JSON.stringify(exceptions)}`]),
    ...(Object.keys(sensitive).length === 0 ? [] : [`"sensitive":${sharedText(sensitive)}`]),
  ];
  const text = `{${[`"resolved":${JSON.stringify(resolved)}`, `"sizes":${JSON.stringify(sizes)}`, ...more].join()}}`;
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

/** One intent. */
export function intentLine(intent: AuditIntent): AuditLine {
  return { text: safeJson(intent).slice(0, -1), call: null, operation: null };
}

/** The line that gives a table its number, its line feed included. */
export function tableLine({ text }: AuditTable, number: number): string {
  return `{"table":${number},${text}}\n`;
}

const operationTables = new WeakMap<object, AuditTable>();

/** What the lines of an operation's events refer to. */
export function operationTable(operation: object): AuditTable {
  const known = operationTables.get(operation);
  if (known !== undefined) return known;
  const table = tableOf(`"operation":${safeJson(operation)}`);
  operationTables.set(operation, table);
  return table;
}

function tableOf(text: string): AuditTable {
  return { text, bytes: Buffer.byteLength(text) };
}
