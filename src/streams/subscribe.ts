import type { AuditSink } from '../audit/event.ts';
import { type AuditParts, auditEvent } from '../audit/recorder.ts';
import { type AuthorizationOptions, authorize } from '../authorization/authorize.ts';
import type { PolicyDecider } from '../authorization/rules/rule.ts';
import type { Clock } from '../clock.ts';
import type { EntitlementSource } from '../control/entitlements.ts';
import type { SwitchSource } from '../control/kill-switches.ts';
import type { PlanLimit } from '../control/plan-limit.ts';
import type { RestraintSource } from '../control/restraints.ts';
import type { Switches } from '../control/switches.ts';
import { GatewayError } from '../errors.ts';
import type { ExecutionResult } from '../execution/executor.ts';
import {
  type Executed,
  type RespondOptions,
  respond,
  respondDenied,
  respondRefused,
} from '../execution/respond.ts';
import type { Graph } from '../graph.ts';
import type { Identifier } from '../identity/identify.ts';
import type { Principal } from '../identity/principal.ts';
import { refusal } from '../identity/refusal.ts';
import type { GatewayResponse, GatewayStream, GraphQLRequest } from '../listener/request.ts';
import type { RateLimiter, Reservation } from '../metering/rate-limiter.ts';
import type { CostMeter } from '../operation/cost/cost-meter.ts';
import type { OperationNotes } from '../operation-notes.ts';
import { reserveEvent } from '../rate-limiting.ts';
import { shapedReports } from '../report-shaped.ts';
import type { Lease } from '../supergraph/generations.ts';
import type { Log } from '../telemetry/log-sink.ts';
import { type StreamEnd, unlessEnded, watchEnd } from './stream-end.ts';
import type { StreamReviews } from './stream-reviews.ts';
import type { SubscriptionCounts } from './subscription-counts.ts';

/** Bounds of one subscription, and how many of them a caller may have. */
export interface SubscriptionOptions {
  readonly maxPerPrincipal: number;
  readonly idleTimeoutMs: number;
  readonly eventTimeoutMs: number;
  readonly eventBytesMax: number;
  readonly maxLifetimeMs: number;
}

export interface SubscriptionParts {
  readonly identifier: Pick<Identifier, 'identify'>;
  readonly policies: PolicyDecider;
  readonly entitlements: EntitlementSource | null;
  readonly switches: SwitchSource | null;
  readonly restraints: RestraintSource | null;
  readonly audit: AuditSink;
  readonly clock: Clock;
  readonly counts: SubscriptionCounts;
  /** Told when what decides about callers has changed. */
  readonly reviews: Pick<StreamReviews, 'add'>;
  /** Null where nothing is limited. */
  readonly limiter: RateLimiter | null;
  readonly log: Log;
  readonly options: {
    readonly authorization: AuthorizationOptions;
    readonly respond: RespondOptions;
    readonly subscriptions: SubscriptionOptions;
  };
  /** Logs a fault that is not the client's, and says what to tell of it. */
  refusalOf(fault: unknown): GatewayError;
}

/** A subscription as `handle` admitted it. */
export interface Admitted extends Omit<Executed, 'result' | 'meter'>, OperationNotes {
  readonly meter: CostMeter | null;
  readonly switches: Switches | null;
  readonly request: GraphQLRequest;
  /** Held until the stream ends. */
  readonly graph: Lease<Graph>;
  /** Null where nothing is limited; its places are held until the stream ends. */
  readonly reservation: Reservation | null;
  readonly plans: readonly PlanLimit[];
}

/** The audit record that a stream leaves when it ends, as far as it is known. */
export type Closing = { -readonly [Key in keyof AuditParts]: AuditParts[Key] };

/** What ends a stream whose caller may have no more of it, with the answer that says so. */
export class StreamDenied {
  readonly answer: GatewayResponse;

  constructor(answer: GatewayResponse) {
    this.answer = answer;
  }
}

/**
 * Streams an admitted subscription: each event is authorized anew, and what ends the stream is its last answer.
 * Invariant: takes over the lease, and leaves one audit event at its end, besides the one that opened it.
 * Throws: SUBSCRIPTION_LIMIT_EXCEEDED.
 */
export function subscribe(admitted: Admitted, parts: SubscriptionParts): GatewayStream {
  const giveBack = parts.counts.take(callerKey(admitted), parts.options.subscriptions.maxPerPrincipal);
  return { kind: 'stream', events: streamEvents(admitted, parts, giveBack) };
}

async function* streamEvents(
  admitted: Admitted,
  parts: SubscriptionParts,
  giveBack: () => void,
): AsyncGenerator<GatewayResponse, void, undefined> {
  const { request, graph, meter } = admitted;
  const { audit, clock, options } = parts;
  const startedUs = clock.nowUs();
  const closing = openClosing(admitted);
  const reports = shapedReports(closing, parts.log);
  const end = endOf(admitted, parts);
  const upstream = openUpstream(admitted, end, parts);
  const total = meter === null ? null : summed(meter);
  const permitAnew = (): Promise<void> => requirePermitAnew(admitted, parts, closing);
  // A change ends the stream as an event would, also where none comes.
  const giveUp = parts.reviews.add(() => void permitAnew().catch(end.end));
  let completed = false;
  try {
    for (;;) {
      const step = await unlessEnded(upstream.next(), end.signal);
      if (step.done === true) break;
      closing.fetches = step.value.fetches;
      await unlessEnded(permitAnew(), end.signal);
      const taken =
        parts.limiter === null ? null : await unlessEnded(reserveNext(admitted, parts.limiter), end.signal);
      const executed = { ...admitted, ...reports, meter: total, result: step.value };
      const response = respond(request, executed, graph.value.view, options.respond);
      if (total !== null) taken?.settle(total.last());
      closing.events = (closing.events ?? 0) + 1;
      closing.errors += response.body.errors?.length ?? 0;
      yield response;
    }
    completed = true;
  } catch (fault) {
    completed = true;
    if (fault instanceof StreamDenied) {
      yield fault.answer;
      return;
    }
    const error = parts.refusalOf(fault);
    Object.assign(closing, {
      code: error.code,
      status: error.status,
      decision: error.decision ?? closing.decision,
    });
    closing.errors += 1;
    yield respondRefused(request, error);
  } finally {
    end.stop();
    giveUp();
    // What fails while it is left is left all the same; the log has it.
    upstream.return?.().catch(parts.refusalOf);
    giveBack();
    admitted.reservation?.release();
    graph.release();
    if (!completed) closing.code = 'REQUEST_ABORTED';
    closing.durationUs = clock.nowUs() - startedUs;
    audit.record(auditEvent(closing));
  }
}

/**
 * Whether the caller may still have what it asked for: a credential ends, rules look at the time, policies change.
 * The plan was made for one mask, so another mask ends the stream too, as do other scopes where they mask values.
 * Throws: UNAUTHENTICATED, IDENTITY_UNAVAILABLE, AUDIT_UNAVAILABLE, SWITCHED_OFF, SUBSCRIPTION_ENDED; a `StreamDenied`.
 */
export async function requirePermitAnew(
  admitted: Admitted,
  parts: SubscriptionParts,
  closing: Closing,
): Promise<void> {
  const { request, operation, variables, decision, graph } = admitted;
  const { authorization, respond: telling } = parts.options;
  if (!parts.audit.healthy()) throw new GatewayError('AUDIT_UNAVAILABLE');
  const principal = await parts.identifier.identify(request);
  const { supergraph } = graph.value;
  const grant = parts.entitlements?.grantOf(principal, supergraph) ?? null;
  const switches = parts.switches?.of(principal, supergraph) ?? null;
  const source = admitted.variant.plan?.subscription?.subgraph;
  if (source !== undefined && switches?.isSubgraphOff(source) === true)
    throw new GatewayError('SWITCHED_OFF');
  const restraint = parts.restraints?.of(principal) ?? null;
  const now = await authorize(
    { operation, principal, variables, grant, switches, restraint, nowMs: parts.clock.now() },
    authorization,
    parts.policies,
  );
  closing.decision = now;
  if (now.effect === 'deny' || now.effect === 'hold') {
    closing.code = now.reasons[0]?.code ?? 'FORBIDDEN';
    const response = respondDenied(request, now, principal.kind === 'anonymous', telling);
    closing.status = response.status;
    throw new StreamDenied(response);
  }
  if (!('mask' in decision) || now.mask !== decision.mask || seesOtherwise(admitted, principal))
    throw new GatewayError('SUBSCRIPTION_ENDED');
}

/** Values are masked by the scopes that the stream was opened with: with others it would show what is not for the caller now. */
function seesOtherwise({ variant, principal: { scopes } }: Admitted, now: Principal): boolean {
  if (variant.audited.sensitive.length === 0 || now.scopes === scopes) return false;
  return scopes.symmetricDifference(now.scopes).size > 0;
}

/** What an admitted operation runs with. */
export function inputOf({
  request,
  principal,
  variant,
  variables,
  switches,
  times,
  changes,
}: Omit<Admitted, 'graph' | 'reservation' | 'plans'>) {
  const { id: requestId, headers, signal } = request;
  return { variant, variables, principal, switches, times, changes, requestId, headers, signal };
}

function openUpstream(
  { graph, ...admitted }: Admitted,
  end: StreamEnd,
  { switches, options }: SubscriptionParts,
): AsyncIterator<ExecutionResult> {
  const { eventTimeoutMs, eventBytesMax, idleTimeoutMs } = options.subscriptions;
  // As it is when an event comes, not as it was when the stream began.
  const isSubgraphOff = (name: string): boolean =>
    switches?.of(admitted.principal, graph.value.supergraph)?.isSubgraphOff(name) === true;
  const events = graph.value.executor.subscribe({
    ...inputOf(admitted),
    switches: { isSubgraphOff },
    signal: end.signal,
    eventTimeoutMs,
    bounds: { eventBytesMax, idleTimeoutMs },
  });
  return events[Symbol.asyncIterator]();
}

function endOf({ request, principal, graph }: Admitted, parts: SubscriptionParts): StreamEnd {
  const { maxLifetimeMs } = parts.options.subscriptions;
  const expiryMs =
    principal.expiresAt === null ? Number.POSITIVE_INFINITY : principal.expiresAt * 1000 - parts.clock.now();
  const limit =
    expiryMs < maxLifetimeMs
      ? { afterMs: Math.max(0, expiryMs), error: () => refusal('token_expired') }
      : { afterMs: maxLifetimeMs, error: () => new GatewayError('SUBSCRIPTION_ENDED') };
  return watchEnd({ gone: request.signal, retired: graph.retired, limit });
}

function openClosing({ request, principal, operation, variant, decision, meter, times }: Admitted): Closing {
  return {
    request,
    principal,
    operation,
    variant,
    decision,
    cost: meter?.report ?? null,
    fetches: [],
    counts: null,
    // Those that it was opened with stand in the record of that.
    arguments: null,
    times,
    changes: null,
    status: 200,
    code: null,
    errors: 0,
    foreignObjects: 0,
    events: 0,
    durationUs: 0,
  };
}

/** Points for the next event, where events are charged. Throws: RATE_LIMITED, QUOTA_EXHAUSTED. */
async function reserveNext(admitted: Admitted, limiter: RateLimiter): Promise<Reservation> {
  return reserveEvent(limiter, { ...admitted, cost: admitted.meter?.report ?? null });
}

/** Adds the costs of all events up, so that the closing record tells that of the whole stream; `last` is that of one. */
function summed(meter: CostMeter): Pick<CostMeter, 'settle'> & { last(): number } {
  let cost = 0;
  let last = 0;
  return {
    settle(returned) {
      cost += returned;
      meter.settle(returned);
      last = meter.report.actual ?? 0;
      return meter.settle(cost);
    },
    last: () => last,
  };
}

/** Who counts as one caller; without a credential only the address tells callers apart. */
function callerKey({ request, principal }: Admitted): string {
  const { kind, issuer, tenant, subject, application } = principal;
  return JSON.stringify(
    kind === 'anonymous' ? [kind, request.remoteAddress] : [kind, issuer, tenant, subject, application],
  );
}
