import type { Decision, Reason } from '../authorization/decision.ts';
import type { ErrorCode } from '../errors.ts';
import type { Principal } from '../identity/principal.ts';
import type { GraphQLRequest } from '../listener/request.ts';
import type {
  AuditedFields,
  CompiledOperation,
  CostReport,
  Measures,
  OperationVariant,
} from '../operation/operation.ts';
import { bounded, count, ELLIPSIS, isoTime, name, nameOrNull, overflow, text } from './bounded.ts';
import {
  type ArgumentOutcome,
  type AuditEvent,
  type AuditIntent,
  type ChangeRecord,
  EXCEPTION_STRIDE,
  type FetchRecord,
  type FieldCounts,
  type GuardrailFinding,
  type ModelAttempt,
} from './event.ts';
import { EVENT_LIMITS } from './event-limits.ts';

/** Of a request and its operation, what the audit may see: neither variables nor headers nor text. */
export type AuditedRequest = Pick<GraphQLRequest, 'id' | 'receivedAtMs' | 'remoteAddress' | 'method'>;
export type AuditedOperation = Pick<
  CompiledOperation,
  'hash' | 'supergraphId' | 'name' | 'type' | 'measures' | 'warnings' | 'coordinates' | 'auditedArguments'
>;

export type AuditedVariant = Pick<OperationVariant, 'audited'>;

/** What the pipeline knows when a request ends; null where it did not get that far. */
export interface AuditParts {
  readonly request: AuditedRequest;
  readonly principal: Principal | null;
  readonly operation: AuditedOperation | null;
  /** What of the operation was permitted to run; null where none was. */
  readonly variant: AuditedVariant | null;
  readonly decision: Decision | null;
  readonly cost: CostReport | null;
  readonly fetches: readonly FetchRecord[];
  readonly counts: FieldCounts | null;
  /** Of the operation's arguments; null where none is recorded, or it did not get that far. */
  readonly arguments: readonly ArgumentOutcome[] | null;
  /** Tells the times of the subgraphs' resolvers; null where none was asked. */
  readonly times: { told(): readonly number[] } | null;
  /** Tells what was changed in the control plane; null where nothing can have been. */
  readonly changes: { told(): readonly ChangeRecord[] } | null;
  readonly status: number;
  /** Code of the refusal; null where the operation ran. */
  readonly code: ErrorCode | null;
  readonly errors: number;
  /** Objects of another tenant that were withheld. */
  readonly foreignObjects: number;
  /** Events delivered by a subscription that ended; null in any other record. */
  readonly events: number | null;
  readonly durationUs: number;
}

/** An operation's part is the same for every caller who may run the same of it: written once, and referred to. */
const operationParts = new WeakMap<AuditedOperation | AuditedVariant, AuditEvent['operation']>();
/** As is that of a principal, who makes many requests. */
const principalParts = new WeakMap<Principal, NonNullable<AuditEvent['principal']>>();
const PERMITTED: AuditEvent['decision'] = Object.freeze({
  effect: 'permit',
  reasons: [],
  reasonsTruncated: 0,
});
const UNDECIDED: AuditEvent['decision'] = Object.freeze({ effect: 'none', reasons: [], reasonsTruncated: 0 });
const NOTHING_RUNS: AuditedFields = Object.freeze({ refused: [], unreached: [], sensitive: [], plan: [] });

/** The one audit event of a request, every text and list cut to its bound. */
export function auditEvent(parts: AuditParts): AuditEvent {
  const { request, principal, operation, variant, decision, fetches } = parts;
  const event: AuditEvent = {
    version: 1,
    severity: parts.foreignObjects > 0 ? 'critical' : 'normal',
    time: isoTime(request.receivedAtMs),
    requestId: text(request.id, EVENT_LIMITS.tokenChars),
    remoteAddress: text(request.remoteAddress, EVENT_LIMITS.tokenChars),
    method: text(request.method, EVENT_LIMITS.tokenChars),
    principal: principal === null ? null : principalPart(principal),
    supergraph: operation === null ? null : name(operation.supergraphId),
    operation: operation === null ? null : operationPart(operation, variant),
    decision: decisionPart(decision),
    cost: parts.cost === null ? null : costPart(parts.cost),
    fetches: bounded(fetches, EVENT_LIMITS.fetches).map(fetchPart),
    fetchesTruncated: overflow(fetches, EVENT_LIMITS.fetches),
    counts: parts.counts === null ? null : countsPart(parts.counts, variant?.audited ?? NOTHING_RUNS),
    status: count(parts.status),
    code: parts.code,
    errors: count(parts.errors),
    foreignObjects: count(parts.foreignObjects),
    events: parts.events === null ? null : count(parts.events),
    durationUs: count(parts.durationUs),
  };
  return (parts.arguments ?? parts.times ?? parts.changes) === null
    ? event
    : { ...event, ...rarePart(parts) };
}

/** What few events have; the log of changes has bounded them. */
function rarePart({ arguments: given, times, changes }: AuditParts): Partial<AuditEvent> {
  const changed = changes?.told() ?? [];
  return {
    ...(given === null ? {} : { arguments: given }),
    ...(times === null ? {} : { times: times.told().map(count) }),
    ...(changed.length === 0 ? {} : { changes: changed }),
  };
}

/** What is written of a mutation before it runs; its texts are cut as those of its event are. */
export function auditIntent(
  { id, receivedAtMs }: Pick<AuditedRequest, 'id' | 'receivedAtMs'>,
  principal: Principal,
  operation: Pick<AuditedOperation, 'hash' | 'name'>,
): AuditIntent {
  return {
    intent: 1,
    time: new Date(receivedAtMs).toISOString(),
    requestId: text(id, EVENT_LIMITS.tokenChars),
    principal: principalPart(principal),
    operation: { hash: name(operation.hash), name: nameOrNull(operation.name) },
  };
}

function principalPart(principal: Principal): AuditEvent['principal'] {
  const known = principalParts.get(principal);
  if (known !== undefined) return known;
  const { kind, subject, tenant, application, issuer, credentialId } = principal;
  const part = Object.freeze({
    kind,
    subject: name(subject),
    tenant: nameOrNull(tenant),
    application: nameOrNull(application),
    issuer: nameOrNull(issuer),
    credentialId: nameOrNull(credentialId),
  });
  principalParts.set(principal, part);
  return part;
}

function decisionPart(decision: Decision | null): AuditEvent['decision'] {
  if (decision === null) return UNDECIDED;
  const { effect, reasons } = decision;
  if (effect === 'permit' && reasons.length === 0) return PERMITTED;
  return {
    effect,
    reasons: bounded(reasons, EVENT_LIMITS.reasons).map(reasonPart),
    reasonsTruncated: overflow(reasons, EVENT_LIMITS.reasons),
  };
}

function operationPart(operation: AuditedOperation, variant: AuditedVariant | null): AuditEvent['operation'] {
  const known = operationParts.get(variant ?? operation);
  if (known !== undefined) return known;
  const part = Object.freeze({
    hash: name(operation.hash),
    name: nameOrNull(operation.name),
    type: operation.type,
    measures: measuresPart(operation.measures),
    exceeded: operation.warnings,
    coordinates: operation.coordinates.slice(0, EVENT_LIMITS.coordinates).map(name),
    coordinatesTruncated: overflow(operation.coordinates, EVENT_LIMITS.coordinates),
    audited: auditedPart(variant?.audited ?? NOTHING_RUNS),
    ...argumentsPart(operation.auditedArguments),
  });
  operationParts.set(variant ?? operation, part);
  return part;
}

function argumentsPart({
  listed,
  truncated,
}: AuditedOperation['auditedArguments']): Pick<NonNullable<AuditEvent['operation']>, 'arguments'> {
  if (listed.length === 0) return {};
  return {
    arguments: listed.map(({ slot, name: argument, isId }) => ({ slot, name: name(argument), isId })),
    ...(truncated === 0 ? {} : { argumentsTruncated: truncated }),
  };
}

function auditedPart({ refused, unreached, unrecorded, sensitive, plan }: AuditedFields): AuditedFields {
  const kept = (slots: readonly number[]) => slots.filter((slot) => slot < EVENT_LIMITS.coordinates);
  return {
    refused: refused
      .filter(({ slot }) => slot < EVENT_LIMITS.coordinates)
      .map(({ slot, because }) => ({ slot, because: name(because) })),
    unreached: kept(unreached),
    ...(unrecorded === undefined ? {} : { unrecorded: kept(unrecorded) }),
    sensitive: sensitive.filter(({ slot }) => slot < EVENT_LIMITS.coordinates),
    plan: plan.slice(0, EVENT_LIMITS.fetches).map(({ subgraph, coordinates }) => ({
      subgraph: name(subgraph),
      coordinates: kept(coordinates),
    })),
  };
}

function countsPart(all: FieldCounts, { unrecorded }: AuditedFields): FieldCounts {
  const { coordinates: max } = EVENT_LIMITS;
  const counts = unrecorded === undefined ? all : withoutSlots(all, new Set(unrecorded));
  if (counts.resolved.length <= max) return counts;
  const beyond = counts.exceptions.findIndex((slot, at) => at % EXCEPTION_STRIDE === 0 && slot >= max);
  return {
    resolved: counts.resolved.slice(0, max),
    sizes: counts.sizes.slice(0, max),
    exceptions: beyond < 0 ? counts.exceptions : counts.exceptions.slice(0, beyond),
    sensitive: counts.sensitive,
  };
}

/** Of what the schema wants no record not even the counts are written; its sensitive values count all the same. */
function withoutSlots(counts: FieldCounts, slots: ReadonlySet<number>): FieldCounts {
  const isKept = (slot: number): boolean => !slots.has(slot);
  return {
    resolved: counts.resolved.map((count, slot) => (isKept(slot) ? count : 0)),
    sizes: counts.sizes.map((size, slot) => (isKept(slot) ? size : 0)),
    exceptions: counts.exceptions.filter((_, at) =>
      isKept(counts.exceptions[at - (at % EXCEPTION_STRIDE)] ?? 0),
    ),
    sensitive: counts.sensitive,
  };
}

function measuresPart(measures: Measures): Measures {
  return {
    tokens: count(measures.tokens),
    directives: count(measures.directives),
    depth: count(measures.depth),
    height: count(measures.height),
    aliases: count(measures.aliases),
    rootFields: count(measures.rootFields),
    selections: count(measures.selections),
  };
}

function costPart({ estimated, actual, max }: CostReport): CostReport {
  return { estimated: count(estimated), actual: actual === null ? null : count(actual), max: count(max) };
}

function reasonPart({ rule, code, coordinate, path }: Reason): Reason {
  return {
    rule: name(rule),
    code,
    coordinate: nameOrNull(coordinate),
    path: path === null ? null : pathPart(path),
  };
}

function pathPart(path: readonly (string | number)[]): readonly (string | number)[] {
  const { pathSteps, pathKeyChars } = EVENT_LIMITS;
  const kept = path.length > pathSteps ? [...path.slice(0, pathSteps - 1), ELLIPSIS] : path;
  return kept.map((step) => (typeof step === 'number' ? count(step) : text(step, pathKeyChars)));
}

function fetchPart(fetch: FetchRecord): FetchRecord {
  const { subgraph, durationUs, status, errors, planned, trace, models, modelsTruncated, findings } = fetch;
  const part = {
    subgraph: name(subgraph),
    durationUs: count(durationUs),
    status: count(status),
    errors: count(errors),
    planned,
  };
  return (trace ?? models ?? modelsTruncated ?? findings) === undefined
    ? part
    : { ...part, ...toldPart(fetch) };
}

/** What few subgraphs tell of a fetch. */
function toldPart({ trace, models = [], modelsTruncated = 0, findings = [] }: FetchRecord) {
  const left = modelsTruncated + overflow(models, EVENT_LIMITS.models);
  return {
    ...(trace === undefined ? {} : { trace }),
    ...(models.length === 0 ? {} : { models: bounded(models, EVENT_LIMITS.models).map(modelPart) }),
    ...(left === 0 ? {} : { modelsTruncated: count(left) }),
    ...(findings.length === 0 ? {} : { findings: bounded(findings, EVENT_LIMITS.findings).map(findingPart) }),
  };
}

function findingPart({
  guardrail,
  kind,
  direction,
  action,
  count: times,
}: GuardrailFinding): GuardrailFinding {
  return { guardrail: name(guardrail), kind: name(kind), direction, action, count: count(times) };
}

function modelPart({ model, provider, outcome, status, durationMs }: ModelAttempt): ModelAttempt {
  return {
    ...{ model: name(model), provider: name(provider), outcome },
    ...{ status: status === null ? null : count(status), durationMs: count(durationMs) },
  };
}
