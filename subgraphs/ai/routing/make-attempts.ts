import { GraphQLError } from 'graphql';
import { aiError, type ProviderFailure } from '../ai-error.ts';
import type { ChatFailure, ChatFinishReason } from '../chat-answer.ts';
import { type AttemptFault, judgeAttempt } from './attempt-outcome.ts';
import type { KeyHealth } from './key-health.ts';
import type { Target } from './routes.ts';
import type { RoutingConfig } from './routing-config.ts';
import { type Attempted, type AttemptRecord, runAttempts } from './run-attempts.ts';

/** What attempts are made with. */
export interface AttemptSetting {
  readonly health: KeyHealth;
  readonly routing: RoutingConfig;
  readonly timeoutMs: number;
  readonly onProviderFailure: (failure: ProviderFailure) => void;
  readonly now: () => number;
  readonly random: () => number;
}

/** Who is asked, and for whom. */
interface AskedTargets<T> {
  readonly targets: readonly Target[];
  /** As `CallBounds` has it. */
  readonly left: AbortSignal | null;
  /** Ends what was opened when its time was over. Default: there is nothing to end. */
  readonly onLate?: (value: T) => void;
}

const CODES: ReadonlyMap<AttemptFault['outcome'], ProviderFailure['code']> = new Map([
  ['RATE_LIMITED', 'AI_PROVIDER_RATE_LIMITED'],
  ['TIMEOUT', 'AI_TIMEOUT'],
  ['SPEND_CAPPED', 'AI_SPEND_CAP_REACHED'],
]);
const FOR_GOOD: ReadonlySet<AttemptFault['outcome']> = new Set([
  'CREDENTIAL_REFUSED',
  'REQUEST_REFUSED',
  'FILTERED',
]);

/** Asks targets in their order within the time of one call. Throws: refusals of our own, such as of a budget. */
export function makeAttempts<T>(
  setting: AttemptSetting,
  { targets, left, onLate }: AskedTargets<T>,
  call: (target: Target, abortSignal: AbortSignal) => Promise<T>,
): Promise<Attempted<Target, T>> {
  const { health, routing, now, random, timeoutMs } = setting;
  return runAttempts(targets, call, {
    ...{ health, bounds: routing, now, random, left, deadlineMs: now() + timeoutMs },
    onFault: (target, fault) => report(setting, target, fault),
    isOwn: (thrown) => thrown instanceof GraphQLError,
    ...(onLate === undefined ? {} : { onLate }),
  });
}

/** Judges what broke an answer off that had begun. */
export function judgeBroken(
  setting: AttemptSetting,
  broken: { readonly thrown: unknown; readonly candidate: Target; readonly left: AbortSignal },
): { readonly fault: AttemptFault; readonly record: AttemptRecord } {
  const { thrown, candidate, left } = broken;
  const timedOut = thrown instanceof Error && thrown.name === 'TimeoutError';
  const fault = judgeAttempt(thrown, { timedOut, left: left.aborted, nowMs: setting.now() });
  setting.health.failed(candidate, fault);
  report(setting, candidate, fault);
  const { id, provider } = candidate.model;
  const { outcome, status } = fault;
  return { fault, record: { ...{ model: id, provider, outcome, status }, durationMs: 0 } };
}

function report(setting: AttemptSetting, { model, key }: Target, fault: AttemptFault): void {
  const { outcome, status, errorName } = fault;
  if (outcome === 'ABANDONED') return;
  const code = CODES.get(outcome) ?? 'AI_PROVIDER_ERROR';
  setting.onProviderFailure({ code, model: model.id, key: key.id, outcome, status, errorName });
}

/** What a caller is told of the fault of the last attempt. */
export function failureOf(fault: AttemptFault): {
  readonly finishReason: ChatFinishReason;
  readonly failure: ChatFailure | null;
} {
  // What a filter holds back is an answer of the provider, and the same from others that have it.
  if (fault.outcome === 'FILTERED') return { finishReason: 'CONTENT_FILTER', failure: null };
  const { outcome, retryAfterMs } = fault;
  // What is larger than the whole cap fits into no later window either.
  const isForGood = FOR_GOOD.has(outcome) || (outcome === 'SPEND_CAPPED' && retryAfterMs === null);
  const failure = {
    code: CODES.get(outcome) ?? 'AI_PROVIDER_ERROR',
    retryable: !isForGood,
    retryAfterSeconds: retryAfterMs === null ? null : Math.ceil(retryAfterMs / 1000),
  };
  return { finishReason: 'ERROR', failure };
}

/** The same as an error, for fields that have no place for a failure. */
export function errorOf(fault: AttemptFault): GraphQLError {
  const { failure } = failureOf(fault);
  if (failure === null) return aiError('AI_PROVIDER_ERROR', undefined, { retryable: false });
  const { code, retryable, retryAfterSeconds } = failure;
  return aiError(code as ProviderFailure['code'], undefined, {
    retryable,
    ...(retryAfterSeconds === null ? {} : { retryAfterSeconds }),
  });
}
