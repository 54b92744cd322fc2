import { GraphQLError } from 'graphql';
import type { SubgraphPrincipal } from '../kit/assertion.ts';
import type { ProviderFailure } from './ai-error.ts';
import type { ChatInput } from './ai-input.ts';
import { type AnswerPart, askForAnswer, askForParts, type ModelAnswer } from './ask-model.ts';
import type { BudgetLedger } from './budget/budget-ledger.ts';
import type { Charge } from './budget/charge.ts';
import { meteredCall, meteredParts } from './budget/metered-call.ts';
import { SpendCapReachedError } from './budget/spend-cap.ts';
import { chatTokens } from './budget/token-estimate.ts';
import type { AnswerCache } from './cache/answer-cache.ts';
import type { VectorCache } from './cache/vector-cache.ts';
import type { ChatEvent, ChatFailure, ChatResult } from './chat-answer.ts';
import type { AiModel, ModelCatalog } from './model-catalog.ts';
import type { Capability } from './provider-config.ts';
import type { KeyHealth } from './routing/key-health.ts';
import { failureOf, judgeBroken, makeAttempts } from './routing/make-attempts.ts';
import { type OpenedParts, openParts } from './routing/open-parts.ts';
import { keyNameOf, type Routes, spendCapOf, type Target } from './routing/routes.ts';
import type { RoutingConfig } from './routing/routing-config.ts';
import type { TextReader } from './text-reader.ts';
import { countForModel, NO_USAGE } from './token-usage.ts';

/** Who asks for what. */
export interface Asked<I> {
  readonly input: I;
  readonly caller: SubgraphPrincipal;
  /** Coordinate of the field that asks. */
  readonly field: string;
  /** Which rules the texts have passed; a kept answer is used only under the same. Default: none. */
  readonly policy?: string | null;
  /** Told the usage record of each attempt as it is made, or of what took its place. */
  readonly onRecord?: (id: string) => void;
}

/** What asking models needs. */
export interface PathParts {
  readonly catalog: ModelCatalog;
  readonly reader: TextReader;
  /** Accounts for every call of a provider. */
  readonly ledger: BudgetLedger;
  readonly routes: Routes;
  readonly health: KeyHealth;
  /** Answers that are kept; null where none are. */
  readonly cache: AnswerCache | null;
  /** Vectors that are kept; null or absent where none are. */
  readonly vectors?: VectorCache | null;
  readonly routing: RoutingConfig;
  /** Bound of one call, all its attempts and waits included. Units: milliseconds. */
  readonly timeoutMs: number;
  /** Told of every failed attempt. */
  readonly onProviderFailure: (failure: ProviderFailure) => void;
  /** Units: milliseconds since the epoch. */
  readonly now: () => number;
  /** Gives [0, 1). */
  readonly random: () => number;
  readonly newId: () => string;
}

/** What is answered where no model does. */
export const NO_ANSWER: ModelAnswer = { text: '', toolCalls: [], finishReason: 'ERROR', usage: NO_USAGE };

/**
 * One chat, from what was asked to what became of it: the steps stand in their order, and each may refuse.
 * Throws: MODEL_NOT_APPROVED, BUDGET_EXHAUSTED, BUDGET_UNAVAILABLE. What a provider does is a result.
 */
export async function runChat(
  parts: PathParts,
  asked: Asked<ChatInput>,
  targets: readonly Target[],
): Promise<ChatResult> {
  const { input } = asked;
  // Nobody leaves a call that is not streamed: its answer is paid for all the same.
  const attempted = await makeAttempts(parts, { targets, left: null }, async (target, abortSignal) => {
    const model = parts.catalog.languageModel(target);
    const charge = await reserve(parts, asked, target);
    if (charge.id !== null) asked.onRecord?.(charge.id);
    return meteredCall(charge, abortSignal, () =>
      askForAnswer(input, { model, reader: parts.reader, abortSignal }),
    );
  });
  const { attempts } = attempted;
  if (attempted.answered)
    return {
      id: parts.newId(),
      model: attempted.candidate.model,
      ...attempted.value,
      failure: null,
      attempts,
    };
  const model = lastModel(attempts, targets);
  return { id: parts.newId(), model, ...NO_ANSWER, ...failureOf(attempted.fault), attempts };
}

/**
 * As `runChat`, told as it goes. What refuses it before the first event is thrown here, what fails after is an event.
 * Whoever leaves ends the call of the provider, also before the first event was asked for.
 */
export async function openChat(
  parts: PathParts,
  asked: Asked<ChatInput>,
  targets: readonly Target[],
): Promise<AsyncIterableIterator<ChatEvent>> {
  const held = await heldFirst(parts, asked, targets);
  // It is the record of a call that is left before anything is asked of it.
  for (const { id } of held.values()) if (id !== null) asked.onRecord?.(id);
  const charging = async (target: Target): Promise<Charge> => {
    const charge = held.get(target) ?? (await reserve(parts, asked, target));
    held.delete(target);
    if (charge.id !== null) asked.onRecord?.(charge.id);
    return charge;
  };
  const left = new AbortController();
  const unused = (): void => {
    for (const charge of held.values()) charge.unused();
    held.clear();
  };
  return leaving(chatEvents(parts, asked, { targets, left: left.signal, charging, unused }), left, unused);
}

/** Reserved before the first event, so that a budget that is used up refuses the subscription; a key that has spent what it may does not. */
async function heldFirst(
  parts: PathParts,
  asked: Asked<ChatInput>,
  targets: readonly Target[],
): Promise<Map<Target, Charge>> {
  for (const target of targets) {
    try {
      return new Map([[target, await reserve(parts, asked, target)]]);
    } catch (thrown) {
      if (!(thrown instanceof SpendCapReachedError)) throw thrown;
    }
  }
  return new Map();
}

interface Telling {
  readonly targets: readonly Target[];
  readonly left: AbortSignal;
  readonly charging: (target: Target) => Promise<Charge>;
  /** Gives back what was reserved and not used. */
  readonly unused: () => void;
}

/** Another model takes over only before the first part was told. */
async function* chatEvents(
  parts: PathParts,
  { input }: Asked<ChatInput>,
  { targets, left, charging, unused }: Telling,
): AsyncGenerator<ChatEvent, void, undefined> {
  const { reader } = parts;
  try {
    // Its charge is settled where it ends.
    const onLate = (opened: OpenedParts<AnswerPart>): void => void opened.close();
    const attempted = await makeAttempts(parts, { targets, left, onLate }, async (target, abortSignal) => {
      const model = parts.catalog.languageModel(target);
      const countTokens = (text: string): number => countForModel(reader, text);
      const metered = { charge: await charging(target), abortSignal, countTokens };
      return openParts(meteredParts(askForParts(input, { model, reader, abortSignal }), metered));
    });
    const { attempts } = attempted;
    if (!attempted.answered) return void (yield { ...failureOf(attempted.fault), attempts });
    const { candidate, value } = attempted;
    try {
      for await (const part of value) yield 'finishReason' in part ? { ...part, attempts } : part;
    } catch (thrown) {
      const { fault, record } = judgeBroken(parts, { thrown, candidate, left });
      yield { ...failureOf(fault), attempts: [...attempts, record] };
    }
  } catch (thrown) {
    if (!(thrown instanceof GraphQLError)) throw thrown;
    // Of the budget, which another model would have taken more of.
    const { code, retryable, retryAfterSeconds = null } = thrown.extensions;
    yield { finishReason: 'ERROR', failure: { code, retryable, retryAfterSeconds } as ChatFailure };
  } finally {
    unused();
  }
}

/** What a model has to be able to do for a conversation, with what is said where it cannot. */
function* needsOf({ messages, reasoningEffort }: ChatInput): Generator<readonly [Capability, string]> {
  if (messages.some(({ images }) => (images ?? []).length > 0))
    yield ['IMAGES', 'The model takes no images.'];
  if (reasoningEffort != null && reasoningEffort !== 'NONE')
    yield ['REASONING', 'The model does not reason.'];
}

/**
 * The models that a chat may be answered by, with their keys, in the order in which they are asked.
 * Throws: MODEL_NOT_APPROVED, AI_MODEL_UNKNOWN, BAD_USER_INPUT.
 */
export function chatTargets(
  { routes, ledger }: PathParts,
  { input, caller, field }: Asked<ChatInput>,
): readonly Target[] {
  return routes.targets({
    ...{ name: input.model, tenant: caller.tenant, capability: 'CHAT', besides: [...needsOf(input)] },
    requireModel: (model) => ledger.requireModel({ caller, field, model }),
  });
}

/** The model that is asked first. */
export function firstModel(targets: readonly Target[]): AiModel {
  return lastModel([], targets);
}

/** Reserves what one attempt can take at most. */
function reserve({ ledger }: PathParts, { input, caller, field }: Asked<ChatInput>, target: Target) {
  const [{ model }, key, providerKey] = [target, spendCapOf(target), keyNameOf(target)];
  const tokens = chatTokens(input, ledger.config);
  return ledger.reserve({ caller, field, model, key, providerKey, tokens });
}

function lastModel(attempts: ChatResult['attempts'], targets: readonly Target[]): AiModel {
  const asked = attempts.at(-1)?.model;
  const { model } = targets.find(({ model: { id } }) => id === asked) ?? (targets[0] as Target);
  return model;
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
