import type { CostReport } from '../operation/operation.ts';
import { sameItems } from '../same-items.ts';
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

/**
 * One event. What is as for almost every request is left out: `USUAL_EVENT` of the reader says what that is. What many lines have in
 * common is joined beforehand, since a line costs as much as the number of its pieces.
 */
export function auditLine(event: AuditEvent): AuditLine {
  const { severity, time, requestId, cost, fetches, fetchesTruncated, counts } = event;
  const operation = event.operation === null ? null : knownOperation(event.operation);
  const call = callOf(event);
  let text = timeText(time) + quoted(requestId);
  if (typeof call === 'string') text += call;
  if (severity !== 'normal') text += `,"severity":"${severity}"`;
  if (cost !== null) text += `,"cost":${costText(cost)}`;
  text += fetchesText(fetches);
  text += counts === null ? ']' : countsText(counts, operation);
  if (fetchesTruncated > 0) text += `,"fetchesTruncated":${fetchesTruncated}`;
  if ((event.arguments ?? event.times ?? event.changes) !== undefined)
    text += optionalText(event, OPTIONAL_OF_EVENT);
  return {
    text: text + endText(event),
    call: typeof call === 'string' ? null : call,
    operation: operation === null ? null : operation.table,
  };
}

const LAST_TIME = { time: '', text: '' };

/** What lines begin with; many have one time. */
function timeText(time: string): string {
  if (time !== LAST_TIME.time) {
    LAST_TIME.time = time;
    LAST_TIME.text = `{"time":"${time}","requestId":`;
  }
  return LAST_TIME.text;
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

/** The member, after a comma and without its end. */
function fetchesText(fetches: readonly FetchRecord[]): string {
  const [first] = fetches;
  if (first === undefined) return ',"fetches":[';
  let text = fetchText(first, fetchHeads(first.subgraph).first);
  for (let at = 1; at < fetches.length; at += 1) {
    const fetch = fetches[at];
    if (fetch !== undefined) text += fetchText(fetch, fetchHeads(fetch.subgraph).next);
  }
  return text;
}

function fetchText(fetch: FetchRecord, head: string): string {
  const { durationUs, status, errors, planned } = fetch;
  const told = tellsMore(fetch) ? optionalText(fetch, OPTIONAL_OF_FETCH) : '';
  if (status === 200 && errors === 0 && told === '') return head + durationUs + plannedText(planned);
  const odd = status !== 200 || errors !== 0 ? `,"status":${status},"errors":${errors}` : '';
  return `${head}${durationUs},"planned":${planned}${odd}${told}}`;
}

/** What most fetches end with, by which of the plan they were. */
const PLANNED_ENDS = Array.from({ length: 64 }, (_, planned) => `,"planned":${planned}}`);

function plannedText(planned: number | null): string {
  return (planned === null ? undefined : PLANNED_ENDS[planned]) ?? `,"planned":${planned}}`;
}

/** Whether a subgraph told of a fetch what few do. */
export function tellsMore({ trace, models, modelsTruncated, findings }: FetchRecord): boolean {
  return (trace ?? models ?? modelsTruncated ?? findings) !== undefined;
}

/** What fetches of one subgraph begin with: the first of an event, and any other. */
interface FetchHeads {
  readonly first: string;
  readonly next: string;
}

const knownHeads = new Map<string, FetchHeads>();
/** More than graphs have subgraphs; after so many each is printed again. */
const HEADS_MAX = 1000;

function fetchHeads(subgraph: string): FetchHeads {
  const known = knownHeads.get(subgraph);
  if (known !== undefined) return known;
  const head = ['{"subgraph":', quoted(subgraph), ',"durationUs":'].join('');
  const heads = { first: `,"fetches":[${head}`, next: `,${head}` };
  if (knownHeads.size >= HEADS_MAX) knownHeads.clear();
  knownHeads.set(subgraph, heads);
  return heads;
}

/** What is remembered of an operation. */
interface KnownOperation {
  readonly table: AuditTable;
  /** Of its last answer: the next one is often alike, and to compare costs a tenth of printing. */
  counts: FieldCounts | null;
  countsText: string;
}

const knownOperations = new WeakMap<object, KnownOperation>();

function knownOperation(operation: object): KnownOperation {
  const known = knownOperations.get(operation);
  if (known !== undefined) return known;
  const table = tableOf(`"operation":${safeJson(operation)}`);
  const made: KnownOperation = { table, counts: null, countsText: '' };
  knownOperations.set(operation, made);
  return made;
}

/** What the lines of an operation's events refer to. */
export function operationTable(operation: object): AuditTable {
  return knownOperation(operation).table;
}

/** The member, after the end of the fetches and a comma. */
function countsText(counts: FieldCounts, operation: KnownOperation | null): string {
  if (operation !== null && operation.counts !== null && isAlike(operation.counts, counts))
    return operation.countsText;
  const { resolved, sizes, exceptions, sensitive } = counts;
  const more = [
    ...(exceptions.length === 0 ? [] : [`"exceptions":${JSON.stringify(exceptions)}`]),
    ...(Object.keys(sensitive).length === 0 ? [] : [`"sensitive":${sharedText(sensitive)}`]),
  ];
  const members = [
    `"resolved":${JSON.stringify(resolved)}`,
    `"sizes":${JSON.stringify(sizes)}`,
    ...more,
  ].join();
  const text = `],"counts":{${members}}`;
  // What may still change is no measure for others.
  if (operation !== null && Object.isFrozen(sensitive))
    [operation.counts, operation.countsText] = [counts, text];
  return text;
}

function isAlike(one: FieldCounts, other: FieldCounts): boolean {
  if (one === other) return true;
  return (
    one.sensitive === other.sensitive &&
    sameItems(one.resolved, other.resolved) &&
    sameItems(one.sizes, other.sizes) &&
    sameItems(one.exceptions, other.exceptions)
  );
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

function tableOf(text: string): AuditTable {
  return { text, bytes: Buffer.byteLength(text) };
}
