import { GatewayError } from '../../errors.ts';

/** Bounds of one stream from a subgraph. */
export interface StreamBounds {
  readonly eventBytesMax: number;
  /** Longest silence, signs of life included. */
  readonly idleTimeoutMs: number;
}

/** What a subgraph sent as one event: a GraphQL result. */
export type EventBody = Readonly<Record<string, unknown>>;

/** Throws: DOWNSTREAM_SERVICE_ERROR where it is none. */
export function eventBody(value: unknown): EventBody {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw broken('no GraphQL result');
  return value as EventBody;
}

/** What is told of a stream that is not what was agreed. */
export function broken(reason: string): GatewayError {
  return new GatewayError('DOWNSTREAM_SERVICE_ERROR', { cause: new Error(reason) });
}

/** What ended a stream: the reason of `signal`, a bound in time, or the subgraph. */
export function asStreamFault(fault: unknown, signal: AbortSignal, isLate: boolean): unknown {
  if (signal.aborted) return signal.reason;
  if (isLate) return new GatewayError('SUBGRAPH_TIMEOUT', { cause: fault });
  return fault instanceof GatewayError
    ? fault
    : new GatewayError('DOWNSTREAM_SERVICE_ERROR', { cause: fault });
}
