import { type AuditParts, auditEvent } from '../audit/recorder.ts';
import { GatewayError } from '../errors.ts';
import type { ExecutionInput } from '../execution/executor.ts';
import { respondRefused } from '../execution/respond.ts';
import { PartAnswers } from '../execution/respond-parts.ts';
import { refusal } from '../identity/refusal.ts';
import type {
  GatewayResponse,
  GatewayStream,
  GraphQLRequest,
  GraphQLResponseBody,
} from '../listener/request.ts';
import type { CostMeter } from '../operation/cost/cost-meter.ts';
import { type DeferredParts, deferredNow } from '../operation/deferred-part.ts';
import type { OperationVariant } from '../operation/operation.ts';
import { shapedReports } from '../report-shaped.ts';
import { type StreamEnd, unlessEnded, watchEnd } from './stream-end.ts';
import {
  type Admitted,
  type Closing,
  inputOf,
  requirePermitAnew,
  StreamDenied,
  type SubscriptionParts,
} from './subscribe.ts';

export interface DeferringParts extends SubscriptionParts {
  readonly options: SubscriptionParts['options'] & { readonly timeoutMs: number };
}

/** An operation as `handle` admitted it, which is answered in parts. */
export interface Deferring extends Admitted {
  readonly deferral: Deferral;
  readonly introspect: ExecutionInput['introspect'];
  /** What is known for its audit event. */
  readonly record: Omit<AuditParts, 'status' | 'errors' | 'durationUs'>;
  readonly startedUs: number;
}

/** What of an operation is deferred with its variables. */
export interface Deferral {
  readonly deferred: DeferredParts;
  readonly isLater: readonly boolean[];
}

/** What is deferred; null where the answer comes whole. Throws: DEFER_BAD_HEADER where the client does not take parts. */
export function deferralIn(
  { deferred }: Pick<OperationVariant, 'deferred'>,
  variables: Readonly<Record<string, unknown>>,
  request: Pick<GraphQLRequest, 'defers'>,
): Deferral | null {
  if (deferred === undefined) return null;
  const isLater = deferredNow(deferred, variables);
  if (isLater === null) return null;
  if (request.defers !== true) throw new GatewayError('DEFER_BAD_HEADER');
  return { deferred, isLater };
}

/**
 * Answers an admitted operation in parts, each authorized anew.
 * Invariant: takes over the lease and the reservation, and leaves one audit event, of all parts, when it ends.
 */
export function defer(deferring: Deferring, parts: DeferringParts): GatewayStream {
  return { kind: 'deferred', events: answersOf(deferring, parts) };
}

async function* answersOf(
  deferring: Deferring,
  parts: DeferringParts,
): AsyncGenerator<GatewayResponse, void, undefined> {
  const { request, graph, reservation } = deferring;
  const closing: Closing = { ...deferring.record, status: 200, errors: 0, durationUs: 0 };
  const end = endOf(deferring, parts);
  const permitAnew = (): Promise<void> => requirePermitAnew(deferring, parts, closing);
  const giveUp = parts.reviews.add(() => void permitAnew().catch(end.end));
  let isOver = false;
  try {
    for await (const response of partsOf(deferring, parts, { closing, end, permitAnew })) {
      closing.errors += errorsIn(response.body);
      if (response.body.hasNext !== true) {
        isOver = true;
        if (closing.cost?.actual != null) reservation?.settle(closing.cost.actual);
      }
      yield response;
    }
  } catch (fault) {
    isOver = true;
    if (fault instanceof StreamDenied) {
      yield fault.answer;
      return;
    }
    const error = parts.refusalOf(fault);
    const { code, status } = error;
    Object.assign(closing, { code, status, decision: error.decision ?? closing.decision });
    closing.errors += 1;
    yield respondRefused(request, error);
  } finally {
    end.stop();
    giveUp();
    reservation?.release();
    graph.release();
    if (!isOver) closing.code = 'REQUEST_ABORTED';
    closing.durationUs = parts.clock.nowUs() - deferring.startedUs;
    parts.audit.record(auditEvent(closing));
  }
}

interface Running {
  readonly closing: Closing;
  readonly end: StreamEnd;
  readonly permitAnew: () => Promise<void>;
}

/** The answers to an operation that runs. Parts that add nothing are passed over, save that the last says that it is. */
async function* partsOf(
  deferring: Deferring,
  { clock, options, log, switches }: DeferringParts,
  { closing, end, permitAnew }: Running,
): AsyncGenerator<GatewayResponse, void, undefined> {
  const { request, graph, deferral, introspect, meter } = deferring;
  const { executor, supergraph, view } = graph.value;
  const isSubgraphOff = (name: string): boolean =>
    switches?.of(deferring.principal, supergraph)?.isSubgraphOff(name) === true;
  const result = await executor.execute({
    ...inputOf(deferring),
    ...{ introspect, later: deferral.isLater, switches: { isSubgraphOff }, signal: end.signal },
    deadlineMs: clock.now() + options.timeoutMs,
  });
  closing.fetches = result.fetches;
  end.signal.throwIfAborted();
  const total = meter === null ? null : summed(meter);
  const executed = { ...deferring, ...shapedReports(closing, log), meter: total, result };
  const answers = new PartAnswers({
    ...{ request, executed, ...deferral, graph: view, options: options.respond },
  });
  const primary = answers.primary();
  yield { ...primary, body: { ...primary.body, hasNext: result.later !== undefined } };
  const later = result.later?.[Symbol.asyncIterator]();
  for (;;) {
    const step = await unlessEnded(later?.next() ?? NOTHING, end.signal);
    if (step.done === true) return;
    await unlessEnded(permitAnew(), end.signal);
    const incremental = answers.part(step.value);
    const { hasNext } = step.value;
    if (incremental.length > 0) yield { ...PART, body: { incremental, hasNext } };
    else if (!hasNext) yield { ...PART, body: { hasNext } };
  }
}

const PART = { status: 200, headers: {} } as const;

const NOTHING = Promise.resolve({ done: true, value: undefined } as const);

/** The credential and the time for the whole end it; the client has as long again as for one event to take the last part. */
function endOf({ request, principal }: Deferring, { clock, options }: DeferringParts): StreamEnd {
  const longestMs = options.timeoutMs + options.subscriptions.eventTimeoutMs;
  const expiryMs =
    principal.expiresAt === null ? Number.POSITIVE_INFINITY : principal.expiresAt * 1000 - clock.now();
  const limit =
    expiryMs < longestMs
      ? { afterMs: Math.max(0, expiryMs), error: () => refusal('token_expired') }
      : { afterMs: longestMs, error: () => new GatewayError('SUBGRAPH_TIMEOUT') };
  // A supergraph that is replaced serves until what runs on it has ended, as for any answer.
  return watchEnd({ gone: request.signal, retired: new AbortController().signal, limit });
}

/** Adds the costs of all parts up. */
function summed(meter: CostMeter): Pick<CostMeter, 'settle'> {
  let cost = 0;
  return {
    settle(returned) {
      cost += returned;
      return meter.settle(cost);
    },
  };
}

function errorsIn({ errors = [], incremental = [] }: GraphQLResponseBody): number {
  return incremental.reduce((sum, part) => sum + (part.errors?.length ?? 0), errors.length);
}
