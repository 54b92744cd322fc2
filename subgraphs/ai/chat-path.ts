import type { GraphQLErrorExtensions } from 'graphql';
import type { SubgraphPrincipal } from '../kit/assertion.ts';
import { aiError, judgeProviderError, type ProviderFailure } from './ai-error.ts';
import type { ChatInput } from './ai-input.ts';
import { askForAnswer, askForParts } from './ask-model.ts';
import type { ChatEvent, ChatFailure, ChatResult } from './chat-answer.ts';
import type { ModelCatalog } from './providers.ts';
import type { TextReader } from './text-reader.ts';

/** Who asks for what. */
export interface Asked<I> {
  readonly input: I;
  readonly caller: SubgraphPrincipal;
}

/** What asking models needs. */
export interface PathParts {
  readonly catalog: ModelCatalog;
  readonly reader: TextReader;
  /** Bound of one call, its retries included (there are none). Units: milliseconds. */
  readonly timeoutMs: number;
  /** Told of every failed provider call. */
  readonly onProviderFailure: (failure: ProviderFailure) => void;
}

/**
 * One chat, from what was asked to what is answered: the steps stand in their order, and each may refuse.
 * Throws: AI_MODEL_UNKNOWN, AI_TIMEOUT, AI_PROVIDER_RATE_LIMITED, AI_PROVIDER_ERROR.
 */
export async function runChat(parts: PathParts, { input }: Asked<ChatInput>): Promise<ChatResult> {
  const { description, model } = resolveModel(parts.catalog, input.model);
  const abortSignal = AbortSignal.timeout(parts.timeoutMs);
  try {
    const answer = await askForAnswer(input, { model, reader: parts.reader, abortSignal });
    return { ...answer, model: description };
  } catch (thrown) {
    const { error, failure } = judgeProviderError(thrown, {
      model: input.model,
      timedOut: abortSignal.aborted,
    });
    parts.onProviderFailure(failure);
    throw error;
  }
}

/**
 * As `runChat`, told as it goes. What refuses it before the first event is thrown here, what fails after is an event.
 * Whoever leaves ends the call of the provider, also before the first event was asked for.
 */
export async function openChat(
  parts: PathParts,
  { input }: Asked<ChatInput>,
): Promise<AsyncIterableIterator<ChatEvent>> {
  const { model } = resolveModel(parts.catalog, input.model);
  const left = new AbortController();
  const timeout = AbortSignal.timeout(parts.timeoutMs);
  const abortSignal = AbortSignal.any([left.signal, timeout]);
  async function* events(): AsyncGenerator<ChatEvent, void, undefined> {
    try {
      yield* askForParts(input, { model, reader: parts.reader, abortSignal });
    } catch (thrown) {
      const judged = judgeProviderError(thrown, { model: input.model, timedOut: timeout.aborted });
      if (!left.signal.aborted) parts.onProviderFailure(judged.failure);
      yield { failure: failureOf(judged.failure.code, judged.error.extensions) };
    }
  }
  return leaving(events(), left);
}

function resolveModel(catalog: ModelCatalog, id: string) {
  const description = catalog.find(id);
  const model = catalog.languageModel(id);
  if (description === null || model === null) throw aiError('AI_MODEL_UNKNOWN');
  return { description, model };
}

function failureOf(code: string, { retryable, retryAfterSeconds }: GraphQLErrorExtensions): ChatFailure {
  return {
    code,
    retryable: retryable === true,
    retryAfterSeconds: typeof retryAfterSeconds === 'number' ? retryAfterSeconds : null,
  };
}

/** Ends the call of the provider at once when nobody listens any more, also while it is silent. */
function leaving(
  events: AsyncGenerator<ChatEvent, void, undefined>,
  left: AbortController,
): AsyncIterableIterator<ChatEvent> {
  return {
    next: () => events.next(),
    return: async () => {
      left.abort();
      await events.return();
      return { value: undefined, done: true };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
