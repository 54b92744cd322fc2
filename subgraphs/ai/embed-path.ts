import { aiError, judgeProviderError } from './ai-error.ts';
import type { EmbedInput } from './ai-input.ts';
import { askForVectors } from './ask-model.ts';
import { meteredCall } from './budget/metered-call.ts';
import { textTokens } from './budget/token-estimate.ts';
import type { EmbeddingResult, ModerationResult } from './chat-answer.ts';
import type { Asked, PathParts } from './chat-path.ts';
import { type AiModel, stageOf } from './model-catalog.ts';
import { NO_USAGE, type TokenUsage } from './token-usage.ts';

/** Vectors of texts. Throws: MODEL_NOT_APPROVED, AI_MODEL_UNKNOWN, BUDGET_EXHAUSTED, BUDGET_UNAVAILABLE, AI_TIMEOUT, AI_PROVIDER_RATE_LIMITED, AI_PROVIDER_ERROR. */
export async function runEmbed(parts: PathParts, asked: Asked<EmbedInput>): Promise<EmbeddingResult> {
  const { input } = asked;
  const description = resolve(parts, asked);
  const model = parts.catalog.embeddingModel(input.model);
  if (model === null) throw aiError('AI_MODEL_UNKNOWN');
  const { vectors, usage } = await asking(parts, { ...asked, model: description }, (abortSignal) =>
    askForVectors(input, { model, reader: parts.reader, abortSignal }),
  );
  return {
    embeddings: vectors.map((vector, index) => ({ index, vector })),
    dimensions: vectors[0]?.length ?? 0,
    ...{ usage, model: description },
  };
}

/** What is wrong with texts. Throws: as `runEmbed`. */
export async function runModerate(parts: PathParts, asked: Asked<EmbedInput>): Promise<ModerationResult> {
  const { input } = asked;
  const description = resolve(parts, asked);
  const model = parts.catalog.moderationModel(input.model);
  if (model === null) throw aiError('AI_MODEL_UNKNOWN');
  const counted = { ...NO_USAGE, inputTokens: textTokens(input, parts.ledger.config).input, estimated: true };
  const { results } = await asking(parts, { ...asked, model: description }, async (abortSignal) => ({
    ...{ results: await model.moderate(input.texts, abortSignal), usage: counted },
  }));
  return { results, model: description };
}

function resolve({ catalog, ledger, now }: PathParts, { input, caller, field }: Asked<EmbedInput>) {
  ledger.requireModel({ caller, field, model: input.model });
  const description = catalog.find(input.model);
  if (description === null) throw aiError('AI_MODEL_UNKNOWN');
  if (stageOf(description, now()) === 'RETIRED') throw aiError('AI_MODEL_UNKNOWN', 'The model is retired.');
  return description;
}

async function asking<T extends { readonly usage: TokenUsage }>(
  parts: PathParts,
  { input, model, ...asking }: Asked<EmbedInput> & { readonly model: AiModel },
  call: (abortSignal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { ledger } = parts;
  const charge = await ledger.reserve({ ...asking, model, tokens: textTokens(input, ledger.config) });
  const abortSignal = AbortSignal.timeout(parts.timeoutMs);
  try {
    return await meteredCall(charge, abortSignal, () => call(abortSignal));
  } catch (thrown) {
    const { error, failure } = judgeProviderError(thrown, { model: model.id, timedOut: abortSignal.aborted });
    parts.onProviderFailure(failure);
    throw error;
  }
}
