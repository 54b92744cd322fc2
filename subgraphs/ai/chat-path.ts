import type { SubgraphPrincipal } from '../kit/assertion.ts';
import { aiError, judgeProviderError, type ProviderFailure } from './ai-error.ts';
import type { ChatInput } from './ai-input.ts';
import { type AnswerPart, askForAnswer, askForParts, type ModelAnswer } from './ask-model.ts';
import type { BudgetLedger } from './budget/budget-ledger.ts';
import { meteredCall, meteredParts } from './budget/metered-call.ts';
import { chatTokens } from './budget/token-estimate.ts';
import type { ChatEvent, ChatFailure, ChatResult } from './chat-answer.ts';
import { type AiModel, type ModelCatalog, stageOf } from './model-catalog.ts';
import type { Capability } from './provider-config.ts';
import type { TextReader } from './text-reader.ts';
import { NO_USAGE } from './token-usage.ts';

/** Who asks for what. */
export interface Asked<I> {
  readonly input: I;
  readonly caller: SubgraphPrincipal;
  /** Coordinate of the field that asks. */
  readonly field: string;
}

/** What asking models needs. */
export interface PathParts {
  readonly catalog: ModelCatalog;
  readonly reader: TextReader;
  /** Accounts for every call of a provider. */
  readonly ledger: BudgetLedger;
  /** Bound of one call, its retries included (there are none). Units: milliseconds. */
  readonly timeoutMs: number;
  /** Told of every failed provider call. */
  readonly onProviderFailure: (failure: ProviderFailure) => void;
  /** Units: milliseconds since the epoch. */
  readonly now: () => number;
  readonly newId: () => string;
}

const NO_ANSWER: ModelAnswer = { text: '', toolCalls: [], finishReason: 'ERROR', usage: NO_USAGE };

/**
 * One chat, from what was asked to what became of it: the steps stand in their order, and each may refuse.
 * Throws: MODEL_NOT_APPROVED, AI_MODEL_UNKNOWN, BAD_USER_INPUT, BUDGET_EXHAUSTED, BUDGET_UNAVAILABLE. What a provider does is a
 * result.
 */
export async function runChat(parts: PathParts, asked: Asked<ChatInput>): Promise<ChatResult> {
  const { input } = asked;
  const { description, model } = resolveModel(parts, asked);
  const charge = await reserve(parts, asked, description);
  const abortSignal = AbortSignal.timeout(parts.timeoutMs);
  const told = { id: parts.newId(), model: description };
  try {
    const answer = await meteredCall(charge, abortSignal, () =>
      askForAnswer(input, { model, reader: parts.reader, abortSignal }),
    );
    return { ...told, ...answer, failure: null };
  } catch (thrown) {
    const judged = judgeProviderError(thrown, { model: input.model, timedOut: abortSignal.aborted });
    parts.onProviderFailure(judged.failure);
    return { ...told, ...NO_ANSWER, failure: failureOf(judged) };
  }
}

/**
 * As `runChat`, told as it goes. What refuses it before the first event is thrown here, what fails after is an event.
 * Whoever leaves ends the call of the provider, also before the first event was asked for.
 */
export async function openChat(
  parts: PathParts,
  asked: Asked<ChatInput>,
): Promise<AsyncIterableIterator<ChatEvent>> {
  const { input } = asked;
  const { description, model } = resolveModel(parts, asked);
  const charge = await reserve(parts, asked, description);
  const left = new AbortController();
  const timeout = AbortSignal.timeout(parts.timeoutMs);
  const abortSignal = AbortSignal.any([left.signal, timeout]);
  async function* events(): AsyncGenerator<AnswerPart | ChatEvent, void, undefined> {
    try {
      yield* meteredParts(askForParts(input, { model, reader: parts.reader, abortSignal }), {
        ...{ charge, abortSignal, countTokens: parts.reader.countTokens },
      });
    } catch (thrown) {
      const judged = judgeProviderError(thrown, { model: input.model, timedOut: timeout.aborted });
      if (!left.signal.aborted) parts.onProviderFailure(judged.failure);
      yield { finishReason: 'ERROR', failure: failureOf(judged) };
    }
  }
  // Left before the first event was asked for, the provider was not asked.
  return leaving(events(), left, () => charge.unused());
}

/** What a model has to be able to do for a conversation, with what is said where it cannot. */
function* needsOf({ messages, reasoningEffort }: ChatInput): Generator<readonly [Capability, string]> {
  if (messages.some(({ images }) => (images ?? []).length > 0))
    yield ['IMAGES', 'The model takes no images.'];
  if (reasoningEffort != null && reasoningEffort !== 'NONE')
    yield ['REASONING', 'The model does not reason.'];
}

/** What the caller's plans do not permit is not told of, whether it exists or not. */
function resolveModel({ catalog, ledger, now }: PathParts, { input, caller, field }: Asked<ChatInput>) {
  ledger.requireModel({ caller, field, model: input.model });
  const description = catalog.find(input.model);
  const model = catalog.languageModel(input.model);
  if (description === null || model === null) throw aiError('AI_MODEL_UNKNOWN');
  if (stageOf(description, now()) === 'RETIRED') throw aiError('AI_MODEL_UNKNOWN', 'The model is retired.');
  for (const [capability, otherwise] of needsOf(input))
    if (!description.capabilities.includes(capability)) throw aiError('BAD_USER_INPUT', otherwise);
  return { description, model };
}

/** Reserves what one call can take at most. */
function reserve({ ledger }: PathParts, { input, caller, field }: Asked<ChatInput>, model: AiModel) {
  return ledger.reserve({ caller, field, model, tokens: chatTokens(input, ledger.config) });
}

function failureOf({ error: { extensions }, failure }: ReturnType<typeof judgeProviderError>): ChatFailure {
  const { retryable, retryAfterSeconds } = extensions;
  return {
    code: failure.code,
    retryable: retryable === true,
    retryAfterSeconds: typeof retryAfterSeconds === 'number' ? retryAfterSeconds : null,
  };
}

/** Ends the call of the provider at once when nobody listens any more, also while it is silent. */
function leaving(
  events: AsyncGenerator<ChatEvent, void, undefined>,
  left: AbortController,
  onLeft: () => void,
): AsyncIterableIterator<ChatEvent> {
  return {
    next: () => events.next(),
    return: async () => {
      left.abort();
      await events.return();
      onLeft();
      return { value: undefined, done: true };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
