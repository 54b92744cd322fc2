import { aiError, judgeProviderError } from './ai-error.ts';
import type { EmbedInput } from './ai-input.ts';
import { askForVectors } from './ask-model.ts';
import type { EmbeddingResult, ModerationResult } from './chat-answer.ts';
import type { Asked, PathParts } from './chat-path.ts';
import { stageOf } from './model-catalog.ts';

/** Vectors of texts. Throws: AI_MODEL_UNKNOWN, AI_TIMEOUT, AI_PROVIDER_RATE_LIMITED, AI_PROVIDER_ERROR. */
export async function runEmbed(parts: PathParts, { input }: Asked<EmbedInput>): Promise<EmbeddingResult> {
  const description = resolve(parts, input.model);
  const model = parts.catalog.embeddingModel(input.model);
  if (model === null) throw aiError('AI_MODEL_UNKNOWN');
  const { vectors, usage } = await asking(parts, input.model, (abortSignal) =>
    askForVectors(input, { model, reader: parts.reader, abortSignal }),
  );
  return {
    embeddings: vectors.map((vector, index) => ({ index, vector })),
    dimensions: vectors[0]?.length ?? 0,
    ...{ usage, model: description },
  };
}

/** What is wrong with texts. Throws: as `runEmbed`. */
export async function runModerate(parts: PathParts, { input }: Asked<EmbedInput>): Promise<ModerationResult> {
  const description = resolve(parts, input.model);
  const model = parts.catalog.moderationModel(input.model);
  if (model === null) throw aiError('AI_MODEL_UNKNOWN');
  const results = await asking(parts, input.model, (abortSignal) => model.moderate(input.texts, abortSignal));
  return { results, model: description };
}

function resolve({ catalog, now }: PathParts, id: string) {
  const description = catalog.find(id);
  if (description === null) throw aiError('AI_MODEL_UNKNOWN');
  if (stageOf(description, now()) === 'RETIRED') throw aiError('AI_MODEL_UNKNOWN', 'The model is retired.');
  return description;
}

async function asking<T>(
  parts: PathParts,
  model: string,
  call: (abortSignal: AbortSignal) => Promise<T>,
): Promise<T> {
  const abortSignal = AbortSignal.timeout(parts.timeoutMs);
  try {
    return await call(abortSignal);
  } catch (thrown) {
    const { error, failure } = judgeProviderError(thrown, { model, timedOut: abortSignal.aborted });
    parts.onProviderFailure(failure);
    throw error;
  }
}
