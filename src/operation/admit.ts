import { GatewayError } from '../errors.ts';
import type { GraphQLRequest } from '../listener/request.ts';
import { exceededByBatch } from './limits.ts';
import type { CompiledOperation, OperationLimits } from './operation.ts';

/**
 * Holds an operation to the transport it came by: mutations by POST only, a batch within the limits as a whole.
 * Throws: METHOD_NOT_ALLOWED, SUBSCRIPTION_NOT_SUPPORTED, the limits' codes.
 */
export function admit(operation: CompiledOperation, request: GraphQLRequest, limits: OperationLimits): void {
  if (operation.type === 'subscription') throw new GatewayError('SUBSCRIPTION_NOT_SUPPORTED');
  if (operation.type === 'mutation' && request.method !== 'POST') {
    throw new GatewayError('METHOD_NOT_ALLOWED', { headers: { allow: 'POST' } });
  }
  if (request.batch === null) return;
  const [code] = exceededByBatch(operation.measures, limits, request.batch.used);
  if (code !== undefined && !limits.warnOnly) throw new GatewayError(code);
}
