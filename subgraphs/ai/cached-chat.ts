import { GraphQLError } from 'graphql';
import { BOUNDS, type ChatInput } from './ai-input.ts';
import type { ModelAnswer } from './ask-model.ts';
import type { CacheHit, CacheTurn } from './cache/answer-cache.ts';
import type { ChatCacheHit, ChatEvent, ChatResult } from './chat-answer.ts';
import { type Asked, chatTargets, openChat, type PathParts, runChat } from './chat-path.ts';
import { runEmbed } from './embed-path.ts';
import type { AiModel } from './model-catalog.ts';
import type { Target } from './routing/routes.ts';
import { NO_USAGE } from './token-usage.ts';

const FREE_USAGE = Object.freeze({ ...NO_USAGE, estimated: false });
/** Text of one event of an answer that was kept. Units: code points. */
const PIECE = /[\s\S]{1,64}/gu;

/**
 * One chat, answered by what was kept for the caller's tenant, or else by a model. Who may not ask the model gets no kept answer of it either.
 * Throws: MODEL_NOT_APPROVED, AI_MODEL_UNKNOWN, BAD_USER_INPUT, BUDGET_EXHAUSTED, BUDGET_UNAVAILABLE.
 */
export async function cachedChat(
  parts: PathParts,
  asked: Asked<ChatInput>,
  targets: readonly Target[] = chatTargets(parts, asked),
): Promise<ChatResult> {
  const turn = turnOf(parts, asked, targets);
  const hit = turn === null ? null : await turn.find();
  const [first] = targets;
  if (hit !== null && first !== undefined) {
    const { model } = first;
    const cache = await recorded(parts, asked, { model, hit });
    const { answer } = hit;
    return { id: parts.newId(), model, ...answer, usage: FREE_USAGE, failure: null, attempts: [], cache };
  }
  const result = await runChat(parts, asked, targets);
  turn?.keep(result.model.id, result);
  return result;
}

/** As `cachedChat`, told as it goes; what was kept is told in pieces. */
export async function openCachedChat(
  parts: PathParts,
  asked: Asked<ChatInput>,
  targets: readonly Target[] = chatTargets(parts, asked),
): Promise<AsyncIterableIterator<ChatEvent>> {
  const turn = turnOf(parts, asked, targets);
  const hit = turn === null ? null : await turn.find();
  const [first] = targets;
  if (hit !== null && first !== undefined)
    return replayed(hit.answer, await recorded(parts, asked, { model: first.model, hit }));
  const events = await openChat(parts, asked, targets);
  return turn === null ? events : keeping(events, turn);
}

function turnOf(
  parts: PathParts,
  { input, caller, field, policy = null }: Asked<ChatInput>,
  [first]: readonly Target[],
): CacheTurn | null {
  const { cache } = parts;
  if (cache === null || first === undefined) return null;
  const embed = async (text: string): Promise<readonly number[] | null> => {
    const { semantic } = cache;
    if (semantic === null || text.length > BOUNDS.embedTextCharactersMax) return null;
    const asked = { input: { model: semantic.model, texts: [text] }, caller, field };
    try {
      const { embeddings } = await runEmbed({ ...parts, timeoutMs: semantic.timeoutMs }, asked);
      return embeddings[0]?.vector ?? null;
    } catch (thrown) {
      // The caller's plan, its budget or the provider has no vector: the model is asked, as it would be without a cache.
      if (thrown instanceof GraphQLError) return null;
      throw thrown;
    }
  };
  return cache.turn({ tenant: caller.tenant, model: first.model.id, input, policy, embed });
}

async function recorded(
  { ledger }: PathParts,
  { caller, field, onRecord }: Asked<ChatInput>,
  { model, hit }: { readonly model: AiModel; readonly hit: CacheHit },
): Promise<ChatCacheHit> {
  const saved = await ledger.recordSaved({ caller, field, model, usage: hit.answer.usage });
  onRecord?.(saved.id);
  return {
    match: hit.match,
    model,
    ageSeconds: Math.floor(hit.ageMs / 1000),
    savedTokens: saved.tokens,
  };
}

async function* replayed(
  { text, toolCalls, finishReason }: ModelAnswer,
  cache: ChatCacheHit,
): AsyncGenerator<ChatEvent, void, undefined> {
  for (const piece of text.match(PIECE) ?? []) yield { text: piece };
  for (const toolCall of toolCalls) yield { toolCall };
  yield { finishReason, usage: FREE_USAGE, attempts: [], cache };
}

/** Keeps the answer when it has ended well; whoever leaves before leaves nothing behind. */
function keeping(
  events: AsyncIterableIterator<ChatEvent>,
  turn: CacheTurn,
): AsyncIterableIterator<ChatEvent> {
  let text = '';
  const toolCalls: ModelAnswer['toolCalls'][number][] = [];
  const hear = ({ finishReason, usage, attempts, ...said }: ChatEvent): void => {
    text += said.text ?? '';
    if (said.toolCall !== undefined) toolCalls.push(said.toolCall);
    const model = attempts?.at(-1)?.model;
    if (finishReason !== undefined && usage !== undefined && model !== undefined)
      turn.keep(model, { text, toolCalls, finishReason, usage });
  };
  return {
    next: async () => {
      const step = await events.next();
      if (step.done !== true) hear(step.value);
      return step;
    },
    return: async () => (await events.return?.()) ?? { value: undefined, done: true },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
