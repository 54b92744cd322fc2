import { GraphQLError } from 'graphql';
import type { AttemptOutcome } from './routing/attempt-outcome.ts';

/** Every refusal and failure this subgraph can answer with; nothing else of a provider's error reaches a caller. */
const MESSAGES = {
  AI_PROVIDER_ERROR: 'The AI provider could not answer.',
  AI_PROVIDER_RATE_LIMITED: 'The AI provider takes no more requests for now.',
  AI_TIMEOUT: 'The AI provider did not answer in time.',
  AI_SPEND_CAP_REACHED: 'The keys of the AI provider have spent what they may for now.',
  AI_MODEL_UNKNOWN: 'There is no such model for this task.',
  AI_GUARDRAIL_BLOCKED: 'The content is not permitted here.',
  BAD_USER_INPUT: 'The input is not valid.',
} as const;

/** Codes of this subgraph's errors. */
export type AiErrorCode = keyof typeof MESSAGES;

/** What an operator may know of a failed provider call: no prompt, key or provider text. */
export interface ProviderFailure {
  readonly code: AiErrorCode;
  readonly model: string;
  /** The name of the key that was used. */
  readonly key: string;
  readonly outcome: AttemptOutcome;
  /** The provider's HTTP status, where it answered at all. */
  readonly status: number | null;
  readonly errorName: string;
}

/** Makes an error of the closed set; `detail` states a bound or a field, never a value that came in. */
export function aiError(
  code: AiErrorCode,
  detail?: string,
  extensions: Readonly<Record<string, unknown>> = {},
): GraphQLError {
  return new GraphQLError(detail ?? MESSAGES[code], { extensions: { code, ...extensions } });
}
