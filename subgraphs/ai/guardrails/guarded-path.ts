import { aiError } from '../ai-error.ts';
import { type ChatInput, type EmbedInput, jsonObjectOf } from '../ai-input.ts';
import { cachedChat, openCachedChat } from '../cached-chat.ts';
import type { ChatEvent, ChatResult, EmbeddingResult, ModerationResult } from '../chat-answer.ts';
import { type Asked, chatTargets, firstModel, NO_ANSWER, type PathParts } from '../chat-path.ts';
import { runEmbed, runModerate, textTargets } from '../embed-path.ts';
import type { AiModel } from '../model-catalog.ts';
import type { Capability } from '../provider-config.ts';
import type { CompiledPolicy, Guardrails } from './compile-guardrails.ts';
import type { Finding } from './finding.ts';
import { type GuardedInput, guardChat, guardTexts } from './guard-input.ts';
import { OutputGuard } from './guard-output.ts';
import { patternFault, samePatterns } from './schema-patterns.ts';

/** What operators are told of: who asked and what was found, never the text. */
export interface GuardrailReport {
  readonly tenant: string | null;
  readonly application: string | null;
  readonly subject: string;
  readonly field: string;
  readonly model: string;
  readonly isBlocked: boolean;
  readonly findings: readonly Finding[];
}

/** What asking models under guardrails needs. */
export interface GuardedParts extends PathParts {
  readonly guardrails: Guardrails;
  readonly onGuardrails: (report: GuardrailReport) => void;
}

/** Texts that are asked about, and who is told what was found in them, also where they are refused. */
export interface AskedTexts extends Asked<EmbedInput> {
  readonly onFindings?: (findings: readonly Finding[]) => void;
}

/** Texts to judge must get to who judges them; what nobody else may have is taken out all the same. */
const OF_MODERATION: ReadonlySet<string> = new Set(['pii', 'secrets']);

/**
 * As `cachedChat`, under the guardrails of the caller's tenant. What is blocked is an answer that was filtered: of an input before anything is
 * reserved, of an output after it was paid. Throws: as `cachedChat`.
 */
export async function guardedChat(parts: GuardedParts, asked: Asked<ChatInput>): Promise<ChatResult> {
  const policy = parts.guardrails.policyOf(asked.caller.tenant);
  if (policy === null) return cachedChat(parts, asked);
  const targets = chatTargets(parts, asked);
  requireJudgeable(asked.input, policy);
  const guarded = guardChat(asked.input, policy);
  if (guarded.isBlocked) {
    const model = firstModel(targets);
    blocked(parts, asked, { model, findings: guarded.findings });
    const { findings } = guarded;
    const id = parts.newId();
    return {
      ...NO_ANSWER,
      ...{ id, model, finishReason: 'CONTENT_FILTER', failure: null, attempts: [] },
      guardrails: findings,
    };
  }
  requireSamePatterns(parts, asked, guarded);
  const output = outputGuard(guarded, policy);
  const marked = marking({ ...asked, input: guarded.input, policy: policy.version });
  const answered = await cachedChat(parts, marked.asked, targets);
  const result = output.result(answered);
  report(parts, asked, output);
  record(parts, marked, output.findings);
  return result;
}

/** As `openCachedChat`, under the guardrails of the caller's tenant; see `guardedChat`. */
export async function openGuardedChat(
  parts: GuardedParts,
  asked: Asked<ChatInput>,
): Promise<AsyncIterableIterator<ChatEvent>> {
  const policy = parts.guardrails.policyOf(asked.caller.tenant);
  if (policy === null) return openCachedChat(parts, asked);
  // Refused as it would be without guardrails.
  const targets = chatTargets(parts, asked);
  requireJudgeable(asked.input, policy);
  const guarded = guardChat(asked.input, policy);
  if (guarded.isBlocked) {
    blocked(parts, asked, { model: firstModel(targets), findings: guarded.findings });
    return only({ finishReason: 'CONTENT_FILTER', guardrails: guarded.findings, attempts: [] });
  }
  requireSamePatterns(parts, asked, guarded);
  const output = outputGuard(guarded, policy);
  const marked = marking({ ...asked, input: guarded.input, policy: policy.version });
  const events = await openCachedChat(parts, marked.asked, targets);
  let isOver = false;
  const onEnd = (): void => {
    if (isOver) return;
    isOver = true;
    report(parts, asked, output);
    record(parts, marked, output.findings);
  };
  return leavingAtOnce(guardedEvents(events, output, onEnd), events, onEnd);
}

/** As `runEmbed`. Throws: AI_GUARDRAIL_BLOCKED, and as `runEmbed`. */
export async function guardedEmbed(parts: GuardedParts, asked: AskedTexts): Promise<EmbeddingResult> {
  return guardedTexts(parts, asked, { capability: 'EMBEDDINGS', only: null, run: runEmbed });
}

/** As `runModerate`, for personal data and secrets only. Throws: AI_GUARDRAIL_BLOCKED, and as `runModerate`. */
export async function guardedModerate(parts: GuardedParts, asked: AskedTexts): Promise<ModerationResult> {
  return guardedTexts(parts, asked, { capability: 'MODERATION', only: OF_MODERATION, run: runModerate });
}

async function guardedTexts<T extends object>(
  parts: GuardedParts,
  { onFindings, ...asked }: AskedTexts,
  {
    capability,
    only,
    run,
  }: {
    readonly capability: Capability;
    readonly only: ReadonlySet<string> | null;
    readonly run: (parts: GuardedParts, asked: Asked<EmbedInput>) => Promise<T>;
  },
): Promise<T & { readonly guardrails?: readonly Finding[] }> {
  const policy = parts.guardrails.policyOf(asked.caller.tenant);
  if (policy === null) return run(parts, asked);
  // Refused as they would be without guardrails.
  const [first] = textTargets(parts, { ...asked, capability });
  const { input, findings, isBlocked } = guardTexts(asked.input, policy, only);
  onFindings?.(findings);
  if (isBlocked) {
    if (first !== undefined) blocked(parts, asked, { model: first.model, findings });
    throw aiError('AI_GUARDRAIL_BLOCKED', undefined, { retryable: false });
  }
  report(parts, asked, { findings, isBlocked });
  const marked = marking({ ...asked, input });
  const result = await run(parts, marked.asked);
  record(parts, marked, findings);
  return { ...result, guardrails: findings };
}

/** What is asked, and the record that stands for it at last. */
interface Marked<I> {
  readonly asked: Asked<I>;
  readonly recordId: () => string | null;
}

function marking<I>(asked: Asked<I>): Marked<I> {
  let last: string | null = null;
  const onRecord = (id: string): void => {
    last = id;
  };
  return { asked: { ...asked, onRecord }, recordId: () => last };
}

function record(
  { ledger }: GuardedParts,
  { asked: { input }, recordId }: Marked<{ readonly model: string }>,
  findings: readonly Finding[],
): void {
  const id = recordId();
  if (id !== null && findings.length > 0) ledger.recordFindings({ id, model: input.model }, findings);
}

/** Tells operators of a call that is kept from its model, and records it. */
function blocked(
  parts: GuardedParts,
  asked: Asked<{ readonly model: string }>,
  { model, findings }: { readonly model: AiModel; readonly findings: readonly Finding[] },
): void {
  report(parts, asked, { findings, isBlocked: true });
  parts.ledger.recordBlocked({ ...asked, model }, findings);
}

/** Where answers are held to their schema, one that they cannot be held to is refused. Throws: BAD_USER_INPUT. */
function requireJudgeable({ responseSchema }: ChatInput, { outputSchema }: CompiledPolicy): void {
  if (responseSchema == null || outputSchema === 'off') return;
  const fault = patternFault(jsonObjectOf('responseSchema', responseSchema));
  if (fault !== null) throw aiError('BAD_USER_INPUT', `Answers cannot be held to responseSchema: ${fault}.`);
}

/** What stands in place of an original is another pattern, which no answer would follow as it was meant. Throws: BAD_USER_INPUT. */
function requireSamePatterns(
  parts: GuardedParts,
  asked: Asked<ChatInput>,
  { input, findings, isBlocked }: GuardedInput<ChatInput>,
): void {
  const [meant, masked] = [asked.input.responseSchema, input.responseSchema];
  if (meant == null || masked == null || meant === masked) return;
  const schemaOf = (json: string): unknown => jsonObjectOf('responseSchema', json);
  if (samePatterns(schemaOf(meant), schemaOf(masked))) return;
  report(parts, asked, { findings, isBlocked });
  throw aiError('BAD_USER_INPUT', 'A pattern of responseSchema has in it what guardrails keep from models.');
}

function outputGuard(
  { input, placeholders, findings }: GuardedInput<ChatInput>,
  policy: CompiledPolicy,
): OutputGuard {
  return new OutputGuard({ policy, input, placeholders, findings });
}

/** Tells an answer as far as it may be told; leaving it ends the call of the provider. */
async function* guardedEvents(
  events: AsyncIterable<ChatEvent>,
  output: OutputGuard,
  onEnd: () => void,
): AsyncGenerator<ChatEvent, void, undefined> {
  let told = '';
  const textOf = function* (text: string): Generator<ChatEvent> {
    told += text;
    if (text !== '') yield { text };
  };
  try {
    for await (const event of events) {
      const { text, toolCall, finishReason } = event;
      const pieces: ChatEvent[] = [];
      if (text !== undefined) pieces.push(...textOf(output.push(text)));
      else pieces.push(...textOf(output.rest()));
      if (toolCall !== undefined) pieces.push({ toolCall: output.toolCall(toolCall) });
      if (finishReason !== undefined) output.end(told, finishReason);
      if (output.isBlocked) return void (yield output.blockedEnd());
      if (finishReason !== undefined) pieces.push({ ...event, guardrails: output.findings });
      yield* pieces;
    }
  } finally {
    onEnd();
  }
}

async function* only(event: ChatEvent): AsyncGenerator<ChatEvent, void, undefined> {
  yield event;
}

/** A generator that waits cannot be left: what it waits for is. One that was never asked for anything does not notice that it is left. */
function leavingAtOnce(
  guarded: AsyncGenerator<ChatEvent, void, undefined>,
  events: AsyncIterableIterator<ChatEvent>,
  onEnd: () => void,
): AsyncIterableIterator<ChatEvent> {
  return {
    next: () => guarded.next(),
    return: async () => {
      try {
        await events.return?.();
        await guarded.return();
      } finally {
        onEnd();
      }
      return { value: undefined, done: true };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

function report(
  { onGuardrails }: GuardedParts,
  { caller, field, input }: Asked<{ readonly model: string }>,
  { findings, isBlocked }: Pick<OutputGuard, 'findings' | 'isBlocked'>,
): void {
  if (findings.length === 0) return;
  const { tenant, clientId: application, subject } = caller;
  onGuardrails({ tenant, application, subject, field, model: input.model, isBlocked, findings });
}
