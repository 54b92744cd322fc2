import type { EmbedInput } from './ai-input.ts';
import { askForVectors } from './ask-model.ts';
import { meteredCall } from './budget/metered-call.ts';
import { textTokens } from './budget/token-estimate.ts';
import type { EmbeddingResult, ModerationResult } from './chat-answer.ts';
import type { Asked, PathParts } from './chat-path.ts';
import type { AiModel } from './model-catalog.ts';
import type { Capability } from './provider-config.ts';
import { errorOf, makeAttempts } from './routing/make-attempts.ts';
import type { Target } from './routing/routes.ts';
import { NO_USAGE, type TokenUsage } from './token-usage.ts';

/**
 * Vectors of texts. Vectors of two models have nothing to do with each other: an alias of several is refused.
 * Throws: MODEL_NOT_APPROVED, AI_MODEL_UNKNOWN, BUDGET_EXHAUSTED, BUDGET_UNAVAILABLE, AI_TIMEOUT, AI_PROVIDER_RATE_LIMITED,
 * AI_PROVIDER_ERROR.
 */
export async function runEmbed(parts: PathParts, asked: Asked<EmbedInput>): Promise<EmbeddingResult> {
  const { catalog, reader } = parts;
  const { answer, model } = await asking(
    parts,
    { ...asked, capability: 'EMBEDDINGS' },
    (target, abortSignal) =>
      askForVectors(asked.input, { model: catalog.embeddingModel(target), reader, abortSignal }),
  );
  return {
    embeddings: answer.vectors.map((vector, index) => ({ index, vector })),
    dimensions: answer.vectors[0]?.length ?? 0,
    ...{ usage: answer.usage, model },
  };
}

/** What is wrong with texts. Throws: as `runEmbed`. */
export async function runModerate(parts: PathParts, asked: Asked<EmbedInput>): Promise<ModerationResult> {
  const { input } = asked;
  const inputTokens = textTokens(input, parts.ledger.config).input;
  const usage: TokenUsage = { ...NO_USAGE, inputTokens, totalTokens: inputTokens };
  const { answer, model } = await asking(
    parts,
    { ...asked, capability: 'MODERATION' },
    async (target, abortSignal) => ({
      results: await parts.catalog.moderationModel(target).moderate(input.texts, abortSignal),
      usage,
    }),
  );
  return { results: answer.results, model };
}

async function asking<T extends { readonly usage: TokenUsage }>(
  parts: PathParts,
  { input, caller, field, capability }: Asked<EmbedInput> & { readonly capability: Capability },
  call: (target: Target, abortSignal: AbortSignal) => Promise<T>,
): Promise<{ readonly answer: T; readonly model: AiModel }> {
  const { ledger, routes } = parts;
  const targets = routes.targets({
    ...{ name: input.model, tenant: caller.tenant, capability, besides: [] },
    requireModel: (model) => ledger.requireModel({ caller, field, model }),
  });
  const left = new AbortController().signal;
  const attempted = await makeAttempts(parts, { targets, left }, async (target, abortSignal) => {
    const tokens = textTokens(input, ledger.config);
    const charge = await ledger.reserve({ caller, field, model: target.model, tokens });
    return meteredCall(charge, abortSignal, () => call(target, abortSignal));
  });
  if (!attempted.answered) throw errorOf(attempted.fault);
  return { answer: attempted.value, model: attempted.candidate.model };
}
