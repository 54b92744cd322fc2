import type { EmbedInput } from './ai-input.ts';
import { askForVectors, textsPerCall } from './ask-model.ts';
import type { Charge } from './budget/charge.ts';
import { meteredCall } from './budget/metered-call.ts';
import { textTokens } from './budget/token-estimate.ts';
import type { EmbeddingResult, ModerationResult } from './chat-answer.ts';
import type { Asked, PathParts } from './chat-path.ts';
import type { AiModel } from './model-catalog.ts';
import type { Capability } from './provider-config.ts';
import { errorOf, makeAttempts } from './routing/make-attempts.ts';
import { keyNameOf, spendCapOf, type Target } from './routing/routes.ts';
import type { AttemptRecord } from './routing/run-attempts.ts';
import { countAll, NO_USAGE, sumOf, type TokenUsage } from './token-usage.ts';

/**
 * Vectors of texts, those that were kept for the caller's tenant among them. Vectors of two models have nothing to do with each other: an
 * alias of several is refused. Who may not ask the model gets no kept vector of it either.
 * Throws: MODEL_NOT_APPROVED, AI_MODEL_UNKNOWN, BUDGET_EXHAUSTED, BUDGET_UNAVAILABLE, AI_TIMEOUT, AI_PROVIDER_RATE_LIMITED,
 * AI_PROVIDER_ERROR, AI_SPEND_CAP_REACHED.
 */
export async function runEmbed(parts: PathParts, asked: Asked<EmbedInput>): Promise<EmbeddingResult> {
  const { input, caller } = asked;
  const { cache = 'USE', texts } = input;
  const vectors = cache === 'BYPASS' ? null : (parts.vectors ?? null);
  const [first] = textTargets(parts, { ...asked, capability: 'EMBEDDINGS' });
  const of = { tenant: caller.tenant, model: first?.model.id ?? '' };
  const kept = cache === 'USE' ? (vectors?.find(of, texts) ?? []) : [];
  const missing = texts.filter((_, index) => kept[index] == null);
  const answered =
    missing.length === 0 && first !== undefined
      ? { answer: NO_VECTORS, model: first.model, attempts: [] }
      : await askForMissing(parts, { ...asked, input: { ...input, texts: missing } });
  const { answer, model, attempts } = answered;
  const [made] = answer.vectors;
  // The model has become another one under the same name: what was kept of it has nothing to do with what it says now.
  if (made !== undefined && kept.some((vector) => vector != null && vector.length !== made.length))
    return runEmbed(parts, { ...asked, input: { ...input, cache: 'REFRESH' } });
  vectors?.keep({ ...of, model: model.id }, missing, answer.vectors);
  const fresh = answer.vectors.values();
  const all = texts.map((_, index) => kept[index] ?? fresh.next().value ?? []);
  return {
    embeddings: all.map((vector, index) => ({ index, vector })),
    dimensions: all[0]?.length ?? 0,
    ...(await saved(parts, asked, { model, texts: texts.filter((_, index) => kept[index] != null) })),
    ...{ usage: answer.usage, model, attempts },
  };
}

const NO_VECTORS = Object.freeze({ vectors: [], usage: { ...NO_USAGE, estimated: false } });

/** What kept vectors have saved, as it is recorded. */
async function saved(
  { ledger, reader }: PathParts,
  { caller, field, onRecord }: Asked<EmbedInput>,
  { model, texts }: { readonly model: AiModel; readonly texts: readonly string[] },
): Promise<Pick<EmbeddingResult, 'cachedTexts' | 'savedTokens'>> {
  if (texts.length === 0) return { cachedTexts: 0, savedTokens: 0 };
  const usage = { inputTokens: countAll(reader, texts), outputTokens: 0, estimated: true };
  const { tokens, id } = await ledger.recordSaved({ caller, field, model, usage });
  onRecord?.(id);
  return { cachedTexts: texts.length, savedTokens: tokens };
}

function askForMissing(parts: PathParts, asked: Asked<EmbedInput>) {
  const { catalog, reader } = parts;
  return asking(parts, { ...asked, capability: 'EMBEDDINGS' }, async (target, abortSignal, metered) => {
    const embedding = catalog.embeddingModel(target);
    const pieces = piecesOf(asked.input.texts, await textsPerCall(embedding));
    const answers = await metered(pieces, (texts) =>
      askForVectors(texts, { model: embedding, reader, abortSignal }),
    );
    return {
      vectors: answers.flatMap(({ vectors }) => vectors),
      usage: sumOf(answers.map(({ usage }) => usage)),
    };
  });
}

/** What is wrong with texts. Throws: as `runEmbed`. */
export async function runModerate(parts: PathParts, asked: Asked<EmbedInput>): Promise<ModerationResult> {
  const { input } = asked;
  const inputTokens = textTokens(input.texts, parts.ledger.config).input;
  const usage: TokenUsage = { ...NO_USAGE, inputTokens, totalTokens: inputTokens };
  const { answer, model, attempts } = await asking(
    parts,
    { ...asked, capability: 'MODERATION' },
    async (target, abortSignal, metered) => {
      const moderation = parts.catalog.moderationModel(target);
      const answers = await metered([input.texts], async (texts) => ({
        results: await moderation.moderate(texts, abortSignal),
        usage,
      }));
      return answers.flatMap(({ results }) => results);
    },
  );
  return { results: answer, model, attempts };
}

/** The models that texts may be given to, with their keys, in their order. Throws: MODEL_NOT_APPROVED, AI_MODEL_UNKNOWN, BAD_USER_INPUT. */
export function textTargets(
  { ledger, routes }: PathParts,
  { input, caller, field, capability }: Asked<EmbedInput> & { readonly capability: Capability },
): readonly Target[] {
  return routes.targets({
    ...{ name: input.model, tenant: caller.tenant, capability, besides: [] },
    requireModel: (model) => ledger.requireModel({ caller, field, model }),
  });
}

/** Makes the calls of one attempt, each of which is reserved before the first is made and settled by what became of it. */
type Metered = <T extends { readonly usage: TokenUsage }>(
  pieces: readonly (readonly string[])[],
  call: (texts: readonly string[]) => Promise<T>,
) => Promise<readonly T[]>;

async function asking<T>(
  parts: PathParts,
  asked: Asked<EmbedInput> & { readonly capability: Capability },
  call: (target: Target, abortSignal: AbortSignal, metered: Metered) => Promise<T>,
): Promise<{ readonly answer: T; readonly model: AiModel; readonly attempts: readonly AttemptRecord[] }> {
  const { ledger } = parts;
  const { caller, field, onRecord } = asked;
  const targets = textTargets(parts, asked);
  const attempted = await makeAttempts(parts, { targets, left: null }, (target, abortSignal) =>
    call(target, abortSignal, async (pieces, run) => {
      const charges: Charge[] = [];
      const answers = [];
      try {
        for (const texts of pieces) {
          const tokens = textTokens(texts, ledger.config);
          const [{ model }, key, providerKey] = [target, spendCapOf(target), keyNameOf(target)];
          const charge = await ledger.reserve({ caller, field, model, tokens, key, providerKey });
          charges.push(charge);
          if (charge.id !== null) onRecord?.(charge.id);
        }
        for (const [index, charge] of charges.entries())
          answers.push(await meteredCall(charge, abortSignal, () => run(pieces[index] ?? [])));
        return answers;
      } finally {
        // Of those that were not made; the others are settled.
        for (const charge of charges) charge.unused('failed');
      }
    }),
  );
  if (!attempted.answered) throw errorOf(attempted.fault);
  const { value, candidate, attempts } = attempted;
  return { answer: value, model: candidate.model, attempts };
}

function piecesOf(texts: readonly string[], max: number): readonly (readonly string[])[] {
  return texts.length <= max ? [texts] : [texts.slice(0, max), ...piecesOf(texts.slice(max), max)];
}
