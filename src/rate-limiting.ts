import type { GatewayError } from './errors.ts';
import type { Principal } from './identity/principal.ts';
import type { GatewayResponse, GraphQLRequest } from './listener/request.ts';
import type { RateLimiter, Reservation } from './metering/rate-limiter.ts';
import type { CompiledOperation, CostReport, OperationVariant } from './operation/operation.ts';

interface Limited {
  readonly request: GraphQLRequest;
  readonly principal: Principal;
  readonly operation: CompiledOperation;
  readonly variant: OperationVariant;
  /** Null where costs are not counted: an operation is then one point. */
  readonly cost: CostReport | null;
}

/** Takes the points of an operation. Throws: RATE_LIMITED. */
export function reservePoints(limiter: RateLimiter, call: Limited): Promise<Reservation> {
  const { request, principal, operation, variant, cost } = call;
  return limiter.reserve({
    ...{ principal, variant, remoteAddress: request.remoteAddress },
    ...{ operationName: operation.name, kind: operation.type, points: cost?.estimated ?? 1 },
  });
}

/** Settles what an answered operation took, and tells where its caller stands. */
export function settledAnswer(
  response: GatewayResponse,
  reservation: Reservation | null,
  cost: CostReport | null,
): GatewayResponse {
  if (reservation === null) return response;
  if (cost?.actual != null) reservation.settle(cost.actual);
  return { ...response, headers: { ...response.headers, ...reservation.headers } };
}

/** Counts a failed authentication against its address. */
export async function noteRefusal(
  limiter: RateLimiter | null,
  refusal: GatewayError,
  { remoteAddress }: GraphQLRequest,
): Promise<void> {
  if (limiter !== null && refusal.code === 'UNAUTHENTICATED' && refusal.cause !== 'credential_missing')
    await limiter.noteFailure(remoteAddress);
}
