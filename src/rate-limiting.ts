import type { AuditSink } from './audit/event.ts';
import type { PlanLimit } from './control/plan-limit.ts';
import type { GatewayError } from './errors.ts';
import type { Principal } from './identity/principal.ts';
import type { GatewayResponse, GraphQLRequest } from './listener/request.ts';
import { observeBehaviour } from './metering/observe-behaviour.ts';
import type { RateLimiter, Reservation } from './metering/rate-limiter.ts';
import type { LimitedCall } from './metering/rate-limits.ts';
import type { CostLimits } from './operation/cost/cost-meter.ts';
import type { CompiledOperation, CostReport, OperationVariant } from './operation/operation.ts';

interface Limited {
  readonly request: GraphQLRequest;
  readonly principal: Principal;
  readonly operation: CompiledOperation;
  readonly variant: OperationVariant;
  /** Null where costs are not counted: an operation is then one point. */
  readonly cost: CostReport | null;
  readonly plans: readonly PlanLimit[];
}

/** The most that an operation may cost: what the plans it is charged to say, else what the configuration says. */
export function costLimits(limits: CostLimits, plans: readonly PlanLimit[]): CostLimits {
  if (plans.length === 0) return limits;
  const planned = plans.flatMap(({ costPerOperation }) => costPerOperation ?? []);
  return planned.length === 0 ? limits : { ...limits, max: Math.min(...planned) };
}

/** Takes the points of an operation. Throws (or rejects with): RATE_LIMITED, QUOTA_EXHAUSTED. */
export function reservePoints(limiter: RateLimiter, call: Limited): Reservation | Promise<Reservation> {
  return limiter.reserve(limitedCall(call));
}

function limitedCall({ request, principal, operation, variant, cost, plans }: Limited): LimitedCall {
  return {
    principal,
    variant,
    plans,
    remoteAddress: request.remoteAddress,
    operationName: operation.name,
    kind: operation.type,
    points: cost?.estimated ?? 1,
  };
}

/** Takes the points of one event of a stream, where events are charged. Throws (or rejects with): as `reservePoints`. */
export function reserveEvent(limiter: RateLimiter, call: Limited): Reservation | Promise<Reservation> {
  return limiter.reserveEvent(limitedCall(call));
}

/** Settles what an answered operation took, and tells where its caller stands. */
export function settledAnswer(
  response: GatewayResponse,
  reservation: Reservation | null,
  cost: CostReport | null,
): GatewayResponse {
  if (reservation === null) return response;
  if (cost?.actual != null) reservation.settle(cost.actual);
  const headers: Record<string, string> = { ...response.headers };
  // A second spread in a literal costs several times as much.
  for (const name of Object.keys(reservation.headers)) headers[name] = reservation.headers[name] ?? '';
  return { ...response, headers };
}

/** An audit that also tells what tightens limits of each call; the audit itself where nothing does. */
export function watchedAudit(limiter: RateLimiter | null, audit: AuditSink): AuditSink {
  const behaviour = limiter?.behaviour ?? null;
  if (behaviour === null) return audit;
  return {
    record: (event) => {
      audit.record(event);
      observeBehaviour(behaviour, event);
    },
    intend: (intent) => audit.intend(intent),
    healthy: () => audit.healthy(),
    close: () => audit.close(),
  };
}

/** Counts a failed authentication against its address and its credential. */
export async function noteRefusal(
  limiter: RateLimiter | null,
  refusal: GatewayError,
  request: GraphQLRequest,
): Promise<void> {
  if (limiter !== null && refusal.code === 'UNAUTHENTICATED' && refusal.cause !== 'credential_missing')
    await limiter.noteFailure(request);
}
