import { GatewayError } from '../errors.ts';
import type { GraphQLRequest } from '../listener/request.ts';
import { exceededByBatch } from './limits.ts';
import type { CompiledOperation, OperationLimits } from './operation.ts';

/** A message on a WebSocket is as deliberate as a POST: its handshake was held to the permitted origins. */
const MUTATING: ReadonlySet<string> = new Set(['POST', 'WEBSOCKET']);

/**
 * Holds an operation to the transport it came by: mutations by none that forgeries reach, streams where they fit, a batch within the limits as a whole.
 * Throws: METHOD_NOT_ALLOWED, SUBSCRIPTION_NOT_SUPPORTED, the limits' codes.
 */
export function admit(operation: CompiledOperation, request: GraphQLRequest, limits: OperationLimits): void {
  if (operation.type === 'subscription' && !request.streams)
    throw new GatewayError('SUBSCRIPTION_NOT_SUPPORTED');
  if (operation.type === 'mutation' && !MUTATING.has(request.method)) {
    throw new GatewayError('METHOD_NOT_ALLOWED', { headers: { allow: 'POST' } });
  }
  if (request.batch === null) return;
  const [code] = exceededByBatch(operation.measures, limits, request.batch.used);
  if (code !== undefined && !limits.warnOnly) throw new GatewayError(code);
}
