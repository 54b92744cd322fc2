import { APICallError } from 'ai';
import { SpendCapReachedError } from '../budget/spend-cap.ts';
import { NotSentError } from './sent-mark.ts';

/** What became of one attempt at one model with one key, in the terms of the schema. */
export type AttemptOutcome =
  | 'ANSWERED'
  | 'RATE_LIMITED'
  | 'OVERLOADED'
  | 'PROVIDER_ERROR'
  | 'TIMEOUT'
  | 'UNREACHABLE'
  | 'MALFORMED'
  | 'CREDENTIAL_REFUSED'
  /** The key has spent what it may; nothing was sent. */
  | 'SPEND_CAPPED'
  | 'REQUEST_REFUSED'
  | 'FILTERED'
  | 'ABANDONED';

/** Why an attempt came to nothing. Invariant: nothing of the prompt, the key or the provider's words. */
export interface AttemptFault {
  readonly outcome: Exclude<AttemptOutcome, 'ANSWERED'>;
  /** The provider's HTTP status, where it answered at all. */
  readonly status: number | null;
  /** How long the provider wants to be left alone, where it says so. */
  readonly retryAfterMs: number | null;
  readonly errorName: string;
}

const RETRY_AFTER_MS_MAX = 3_600_000;

/** Statuses that say something else than their class does. */
const BY_STATUS: ReadonlyMap<number, AttemptFault['outcome']> = new Map([
  [401, 'CREDENTIAL_REFUSED'],
  [402, 'CREDENTIAL_REFUSED'],
  [403, 'CREDENTIAL_REFUSED'],
  [408, 'TIMEOUT'],
  [429, 'RATE_LIMITED'],
  [503, 'OVERLOADED'],
  [504, 'TIMEOUT'],
  [529, 'OVERLOADED'],
]);

/** Names of what the library throws where an answer is not the wire format. */
const MALFORMED: ReadonlySet<string> = new Set([
  'AI_JSONParseError',
  'AI_TypeValidationError',
  'AI_EmptyResponseBodyError',
  'AI_InvalidResponseDataError',
  'AI_NoContentGeneratedError',
  'AI_NoOutputGeneratedError',
  'ResponseTooLargeError',
]);

/** Judges what an attempt threw. Units: `nowMs` is milliseconds since the epoch. */
export function judgeAttempt(
  thrown: unknown,
  ended: { readonly timedOut: boolean; readonly left: boolean; readonly nowMs: number },
): AttemptFault {
  const answered = APICallError.isInstance(thrown) ? thrown : undefined;
  const status = answered?.statusCode ?? null;
  const errorName = thrown instanceof Error ? thrown.name : typeof thrown;
  const fault = (outcome: AttemptFault['outcome'], retryAfterMs: number | null = null): AttemptFault => ({
    ...{ outcome, status, retryAfterMs, errorName },
  });
  if (ended.left) return fault('ABANDONED');
  if (ended.timedOut) return fault('TIMEOUT');
  if (thrown instanceof SpendCapReachedError) return fault('SPEND_CAPPED', thrown.retryAfterMs);
  if (status === null) return fault(outcomeWithoutStatus(thrown));
  if (status >= 200 && status < 300) return fault('MALFORMED');
  const retryAfterMs = readRetryAfter(answered?.responseHeaders, ended.nowMs);
  const known = BY_STATUS.get(status);
  if (known === 'CREDENTIAL_REFUSED') return fault(known);
  if (known !== undefined) return fault(known, retryAfterMs);
  if (status < 500) return fault(isFiltered(answered) ? 'FILTERED' : 'REQUEST_REFUSED');
  return fault('PROVIDER_ERROR', retryAfterMs);
}

/** Of an answer that began well, the library tells a provider's error in many forms; of none at all, as its own. */
function outcomeWithoutStatus(thrown: unknown): AttemptFault['outcome'] {
  if (!(thrown instanceof Error)) return 'PROVIDER_ERROR';
  if (thrown instanceof NotSentError) return 'REQUEST_REFUSED';
  if (MALFORMED.has(thrown.name) || MALFORMED.has(nameOfCause(thrown))) return 'MALFORMED';
  return APICallError.isInstance(thrown) || thrown instanceof TypeError ? 'UNREACHABLE' : 'PROVIDER_ERROR';
}

function nameOfCause({ cause }: Error): string {
  return cause instanceof Error ? cause.name : '';
}

/** Azure refuses a prompt that its filter holds back. Source: Azure OpenAI, "Content filtering". */
function isFiltered(error: APICallError | undefined): boolean {
  const data = error?.data as { readonly error?: { readonly code?: unknown } } | null | undefined;
  return data?.error?.code === 'content_filter';
}

/** Source: RFC 9110, section 10.2.3; `retry-after-ms` is OpenAI's. */
function readRetryAfter(headers: Readonly<Record<string, string>> | undefined, nowMs: number): number | null {
  const { 'retry-after-ms': fine = '', 'retry-after': coarse = '' } = headers ?? {};
  const waitMs = /^\d{1,9}(?:\.\d{1,9})?$/u.test(fine)
    ? Number(fine)
    : /^\d{1,9}$/u.test(coarse)
      ? Number(coarse) * 1000
      : Date.parse(coarse) - nowMs;
  return Number.isNaN(waitMs) ? null : Math.min(Math.max(0, Math.ceil(waitMs)), RETRY_AFTER_MS_MAX);
}
