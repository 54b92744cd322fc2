import { APICallError } from 'ai';

/** Whether a provider ran for a call that failed: provably not, perhaps up to its input, or perhaps to its end. */
export type ProviderRun = 'never' | 'input' | 'unknown';

/** What says that nothing was sent, or no connection was made at all. */
const NOT_CONNECTED: ReadonlySet<unknown> = new Set([
  'NOT_SENT',
  'ENDPOINT_REFUSED',
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
  'CONNECT_TIMEOUT',
  'CERT_HAS_EXPIRED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'ERR_TLS_CERT_ALTNAME_INVALID',
]);

const CAUSES_MAX = 8;
const REQUEST_TIMEOUT = 408;
const CLIENT_CLOSED = 499;

/**
 * Judges by what a call threw. A provider that refuses a request with a status of the client's fault has not run the model; one that
 * answers with a fault of its own may have read the input; of one that does not answer nothing is known.
 */
export function judgeProviderRun(thrown: unknown): ProviderRun {
  const status = APICallError.isInstance(thrown) ? thrown.statusCode : undefined;
  if (status === undefined) return isNotConnected(thrown) ? 'never' : 'unknown';
  if (status === REQUEST_TIMEOUT || status === CLIENT_CLOSED) return 'unknown';
  if (status >= 400 && status < 500) return 'never';
  return status >= 500 ? 'input' : 'unknown';
}

function isNotConnected(thrown: unknown): boolean {
  let fault = thrown;
  for (let depth = 0; depth < CAUSES_MAX && fault instanceof Error; depth += 1) {
    if (NOT_CONNECTED.has((fault as { code?: unknown }).code)) return true;
    // Several addresses were tried: it is not connected where none of them is.
    if (fault instanceof AggregateError && fault.errors.length > 0) return fault.errors.every(isNotConnected);
    fault = fault.cause;
  }
  return false;
}
