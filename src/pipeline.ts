import type { AuditSink } from './audit/event.ts';
import { type AuditParts, auditEvent } from './audit/recorder.ts';
import { type AuthorizationOptions, authorize } from './authorization/authorize.ts';
import type { PolicyDecider } from './authorization/rules/rule.ts';
import { type Caller, compileFor, introspectionFor } from './caller-views.ts';
import type { Clock } from './clock.ts';
import type { EntitlementSource } from './control/entitlements.ts';
import type { SwitchSource } from './control/kill-switches.ts';
import { NO_PLANS } from './control/plan-limit.ts';
import type { RestraintSource } from './control/restraints.ts';
import { type ArgumentDigests, digestArguments } from './digest-arguments.ts';
import { GatewayError } from './errors.ts';
import {
  type Executed,
  type RespondOptions,
  respond,
  respondDenied,
  respondRefused,
} from './execution/respond.ts';
import type { Graph } from './graph.ts';
import type { Identifier } from './identity/identify.ts';
import type { Principal } from './identity/principal.ts';
import type {
  GatewayAnswer,
  GatewayResponse,
  GatewayStream,
  GraphQLParams,
  GraphQLRequest,
} from './listener/request.ts';
import type { RateLimiter, Reservation } from './metering/rate-limiter.ts';
import { admit } from './operation/admit.ts';
import { type CostLimits, meterCost } from './operation/cost/cost-meter.ts';
import { fillFromPrincipal } from './operation/fill-from-principal.ts';
import type { OperationLimits } from './operation/operation.ts';
import { coerceVariables } from './operation/variables.ts';
import { type Noted, notesOf, type OperationNotes } from './operation-notes.ts';
import { costLimits, noteRefusal, reservePoints, settledAnswer } from './rate-limiting.ts';
import { type ShapedReports, shapedReports } from './report-shaped.ts';
import { type AuditDemands, requireAudit } from './require-audit.ts';
import { type Deferral, type Deferring, type DeferringParts, defer, deferralIn } from './streams/defer.ts';
import type { StreamReviews } from './streams/stream-reviews.ts';
import { type Admitted, inputOf, type SubscriptionOptions, subscribe } from './streams/subscribe.ts';
import type { SubscriptionCounts } from './streams/subscription-counts.ts';
import type { Lease } from './supergraph/generations.ts';
import type { Supergraph } from './supergraph/supergraph.ts';
import { describeError, type Log } from './telemetry/log-sink.ts';

export interface PipelineParts {
  readonly identifier: Pick<Identifier, 'identify'>;
  readonly graphs: { lease(): Lease<Graph> | null };
  readonly policies: PolicyDecider;
  /** Null where subscriptions are not asked for. */
  readonly entitlements: EntitlementSource | null;
  /** Null where nothing can be switched off. */
  readonly switches: SwitchSource | null;
  /** Null where nobody is restrained. */
  readonly restraints: RestraintSource | null;
  /** Null where nothing is limited. */
  readonly limiter: RateLimiter | null;
  readonly audit: AuditSink;
  readonly log: Log;
  readonly clock: Clock;
  readonly counts: SubscriptionCounts;
  readonly reviews: Pick<StreamReviews, 'add'>;
  readonly options: PipelineOptions;
  /** The stages that are functions, where their times are told. */
  readonly stages?: Stages;
}

/** Stages that are functions. */
export interface Stages {
  readonly authorize: typeof authorize;
  readonly respond: typeof respond;
}

export const STAGES: Stages = { authorize, respond };

export interface PipelineOptions {
  readonly authorization: AuthorizationOptions;
  readonly respond: RespondOptions;
  readonly limits: OperationLimits;
  readonly cost: CostLimits;
  readonly audit: AuditDemands;
  /** Key of the digests that the audit has of argument values. */
  readonly argumentDigests: ArgumentDigests;
  /** Whether the next operation is among those whose subgraphs tell the times of their resolvers. */
  readonly samplesTimes: () => boolean;
  /** Longest time execution of one operation may take. */
  readonly timeoutMs: number;
  readonly subscriptions: SubscriptionOptions;
}

/**
 * The request path: identify, compile, authorize, execute or subscribe, shape, audit. A stage that decides at once is not waited
 * for: each wait costs as much as a stage.
 * Invariant: never rejects, and every exit leaves exactly one audit event; a stream leaves one more when it ends.
 */
export async function handle(request: GraphQLRequest, parts: PipelineParts): Promise<GatewayAnswer> {
  const { identifier, policies, limiter, audit, clock, options, stages = STAGES } = parts;
  const record = openRecord(request);
  const startedUs = clock.nowUs();
  const graph = parts.graphs.lease();
  let response: GatewayResponse;
  let stream: GatewayStream | null = null;
  let reservation: Reservation | null = null;
  try {
    if (limiter !== null) await limiter.requireFewFailures(request);
    const identified = identifier.identify(request);
    record.principal = identified instanceof Promise ? await identified : identified;
    const params = paramsOf(request);
    if (graph === null) throw new GatewayError('SUPERGRAPH_UNAVAILABLE');
    const { executor, supergraph, view } = graph.value;

    const caller = callerOf(record.principal, supergraph, parts);
    const compiled = compileFor(graph.value, params, caller);
    const { operation, given } = compiled instanceof Promise ? await compiled : compiled;
    record.operation = operation;
    admit(operation, request, options.limits);
    const variables = coerceVariables(operation, given, supergraph);
    record.arguments = digestArguments({ operation, variables }, record.principal, options.argumentDigests);

    const judged = stages.authorize({ ...caller, operation, variables }, options.authorization, policies);
    const decision = judged instanceof Promise ? await judged : judged;
    record.decision = decision;
    if (decision.effect === 'deny' || decision.effect === 'hold') {
      record.code = decision.reasons[0]?.code ?? 'FORBIDDEN';
      response = respondDenied(request, decision, record.principal.kind === 'anonymous', options.respond);
    } else {
      const planned = operation.planFor(decision.mask);
      const variant = planned instanceof Promise ? await planned : planned;
      const deferral = deferralIn(variant, variables, request);
      const notes = noteVariant(record, { operation, variant, isSampled: options.samplesTimes }, parts.log);
      const plans = caller.plansFor(operation);
      const meter = meterCost(variant.cost, variables, costLimits(options.cost, plans));
      record.cost = meter?.report ?? null;
      meter?.enforce(request.batch?.used);
      const asked = { request, principal: record.principal, operation, variant, plans };
      reservation = limiter && (await reservePoints(limiter, { ...asked, cost: record.cost }));
      const intended = requireAudit(asked, audit, options.audit);
      if (intended !== null) await intended;
      const filled = fillFromPrincipal(variant.principalInputs, variables, record.principal);
      const admitted = admittedOf(asked, { caller, decision, meter, notes, variables: filled });
      const introspect = introspectionFor(graph.value, admitted, caller);
      if (deferral !== null || (operation.type === 'subscription' && variant.text !== null)) {
        const held = { graph, reservation, deferral, record, startedUs };
        stream = openStream({ ...admitted, ...held, introspect }, streamParts(request, parts));
        response = OPENED;
      } else {
        const deadlineMs = clock.now() + options.timeoutMs;
        const result = await executor.execute({ ...inputOf(admitted), introspect, deadlineMs });
        record.fetches = result.fetches;
        // Nobody reads the answer, and what was cut off must not be audited as a success.
        if (request.signal.aborted) throw new GatewayError('REQUEST_ABORTED');
        const answer = stages.respond(request, { ...admitted, result }, view, options.respond);
        response = settledAnswer(answer, reservation, record.cost);
      }
    }
  } catch (error) {
    const refusal = asGatewayError(error, request, parts.log);
    record.code = refusal.code;
    record.decision ??= refusal.decision ?? null;
    await noteRefusal(limiter, refusal, request);
    response = respondRefused(request, refusal);
  } finally {
    if (stream === null) for (const held of [reservation, graph]) held?.release();
  }
  if (stream?.kind !== 'deferred') recordEnd(record, response, { audit, tookUs: clock.nowUs() - startedUs });
  return stream ?? response;
}

/** Leaves the event of a request whose answer is known. One that is answered in parts has it left by the last of them. */
function recordEnd(
  record: OpenRecord,
  { status, body }: GatewayResponse,
  { audit, tookUs }: { readonly audit: AuditSink; readonly tookUs: number },
): void {
  record.status = status;
  record.errors = body.errors?.length ?? 0;
  record.durationUs = tookUs;
  audit.record(auditEvent(record));
}

function openStream(
  { deferral, ...held }: Omit<Deferring, 'deferral'> & { readonly deferral: Deferral | null },
  parts: DeferringParts,
): GatewayStream {
  return deferral === null ? subscribe(held, parts) : defer({ ...held, deferral }, parts);
}

/** Who asks, and all that what they may have is judged by. */
function callerOf(principal: Principal, supergraph: Supergraph, parts: PipelineParts): Caller {
  const { policies, entitlements, clock, options } = parts;
  const grant = entitlements?.grantOf(principal, supergraph) ?? null;
  const switches = parts.switches?.of(principal, supergraph) ?? null;
  const plansFor: Caller['plansFor'] = (operation) =>
    entitlements?.plansFor(principal, supergraph, operation) ?? NO_PLANS;
  const restraint = parts.restraints?.of(principal) ?? null;
  const { authorization } = options;
  const nowMs = clock.now();
  return { principal, policies, grant, switches, restraint, plansFor, nowMs, options: authorization };
}

/** What the audit says of a stream that has begun. */
const OPENED: GatewayResponse = { status: 200, headers: {}, body: {} };

function streamParts(request: GraphQLRequest, parts: PipelineParts): DeferringParts {
  return { ...parts, refusalOf: (fault) => asGatewayError(fault, request, parts.log) };
}

/** What is known of a request so far, for its audit event. */
type OpenRecord = { -readonly [Key in keyof AuditParts]: AuditParts[Key] };

function openRecord(request: GraphQLRequest): OpenRecord {
  return {
    request,
    principal: null,
    operation: null,
    variant: null,
    decision: null,
    cost: null,
    fetches: [],
    counts: null,
    arguments: null,
    times: null,
    changes: null,
    foreignObjects: 0,
    status: 0,
    code: null,
    errors: 0,
    events: null,
    durationUs: 0,
  };
}

/** Notes what of an operation runs, and takes what its execution tells of itself besides the answer. */
function noteVariant(record: OpenRecord, noted: Noted & Pick<Executed, 'variant'>, log: Log): Notes {
  const { times, changes } = notesOf(noted);
  const { reportForeign, reportCounts } = shapedReports(record, log);
  record.variant = noted.variant;
  record.times = times;
  record.changes = changes;
  return { times, changes, reportForeign, reportCounts };
}

/** An operation with all that it runs with. Written out: each spread that is not the first of a literal costs as much as a stage. */
function admittedOf(
  { request, principal, operation, variant, plans }: Asked,
  { caller: { switches }, decision, meter, notes, variables }: Admission,
): Asked & Omit<Admission, 'notes' | 'caller'> & Pick<Caller, 'switches'> & Notes {
  const { times, changes, reportForeign, reportCounts } = notes;
  return {
    request,
    principal,
    operation,
    variant,
    plans,
    switches,
    decision,
    meter,
    times,
    changes,
    reportForeign,
    reportCounts,
    variables,
  };
}

type Notes = OperationNotes & ShapedReports;

type Asked = Pick<Admitted, 'request' | 'principal' | 'operation' | 'variant' | 'plans'>;

interface Admission extends Pick<Admitted, 'decision' | 'meter' | 'variables'> {
  readonly caller: Pick<Caller, 'switches'>;
  readonly notes: Notes;
}

/** What the edge parsed, or its refusal. */
function paramsOf({ params }: GraphQLRequest): GraphQLParams & { readonly query: string } {
  if (params instanceof GatewayError) throw params;
  const { query } = params;
  if (query === null) throw new GatewayError('BAD_REQUEST');
  return { ...params, query };
}

/** Faults of the gateway itself are logged by name and answered without a word about them. */
function asGatewayError(error: unknown, request: GraphQLRequest, log: Log): GatewayError {
  if (error instanceof GatewayError) {
    // Who stops the gateway knows why streams and requests end.
    if (error.status >= 500 && error.code !== 'SHUTTING_DOWN') {
      const cause = error.cause === undefined ? {} : describeError(error.cause);
      log.error('request failed', { requestId: request.id, code: error.code, ...cause });
    }
    return error;
  }
  log.error('unexpected fault', { requestId: request.id, ...describeError(error) });
  return new GatewayError('INTERNAL_SERVER_ERROR', { cause: error });
}
