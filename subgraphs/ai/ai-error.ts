import { APICallError } from 'ai';
import { GraphQLError } from 'graphql';

/** Every refusal and failure this subgraph can answer with; nothing else of a provider's error reaches a caller. */
const MESSAGES = {
  AI_PROVIDER_ERROR: 'The AI provider could not answer.',
  AI_PROVIDER_RATE_LIMITED: 'The AI provider takes no more requests for now.',
  AI_TIMEOUT: 'The AI provider did not answer in time.',
  AI_MODEL_UNKNOWN: 'There is no such model for this task.',
  BAD_USER_INPUT: 'The input is not valid.',
} as const;

/** Codes of this subgraph's errors. */
export type AiErrorCode = keyof typeof MESSAGES;

/** What an operator may know of a failed provider call: no prompt, key or provider text. */
export interface ProviderFailure {
  readonly code: AiErrorCode;
  readonly model: string;
  /** The provider's HTTP status, where it answered at all. */
  readonly status: number | null;
  readonly errorName: string;
}

const RETRY_AFTER_SECONDS_MAX = 3600;

/** Makes an error of the closed set; `detail` states a bound or a field, never a value that came in. */
export function aiError(
  code: AiErrorCode,
  detail?: string,
  extensions: Readonly<Record<string, unknown>> = {},
): GraphQLError {
  return new GraphQLError(detail ?? MESSAGES[code], { extensions: { code, ...extensions } });
}

/**
 * Judges what a provider call threw, keeping only what is safe to say.
 * Invariant: the error itself goes no further, because it carries the request body with the prompt and the answer.
 */
export function judgeProviderError(
  error: unknown,
  call: { readonly model: string; readonly timedOut: boolean },
): { readonly error: GraphQLError; readonly failure: ProviderFailure } {
  const answered = APICallError.isInstance(error) ? error : undefined;
  const status = answered?.statusCode ?? null;
  const code = judgeCode(status, call.timedOut);
  const retryAfterSeconds =
    code === 'AI_PROVIDER_RATE_LIMITED' ? readRetryAfter(answered?.responseHeaders) : undefined;
  const retryable = call.timedOut || status === null || status === 429 || status >= 500;
  return {
    error: aiError(code, undefined, {
      retryable,
      ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
    }),
    failure: {
      code,
      model: call.model,
      status,
      errorName: error instanceof Error ? error.name : typeof error,
    },
  };
}

function judgeCode(status: number | null, timedOut: boolean): AiErrorCode {
  if (timedOut) return 'AI_TIMEOUT';
  return status === 429 ? 'AI_PROVIDER_RATE_LIMITED' : 'AI_PROVIDER_ERROR';
}

function readRetryAfter(headers: Readonly<Record<string, string>> | undefined): number | undefined {
  const text = headers?.['retry-after'] ?? '';
  return /^\d{1,9}$/u.test(text) ? Math.min(Number(text), RETRY_AFTER_SECONDS_MAX) : undefined;
}
