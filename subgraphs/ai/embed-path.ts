import { aiError, judgeProviderError } from './ai-error.ts';
import type { EmbedInput } from './ai-input.ts';
import { askForVectors } from './ask-model.ts';
import type { EmbeddingResult } from './chat-answer.ts';
import type { Asked, PathParts } from './chat-path.ts';

/** Vectors of texts, from what was asked to what is answered. Throws: as `runChat`. */
export async function runEmbed(parts: PathParts, { input }: Asked<EmbedInput>): Promise<EmbeddingResult> {
  const description = parts.catalog.find(input.model);
  const model = parts.catalog.embeddingModel(input.model);
  if (description === null || model === null) throw aiError('AI_MODEL_UNKNOWN');
  const abortSignal = AbortSignal.timeout(parts.timeoutMs);
  try {
    const { vectors, usage } = await askForVectors(input, { model, reader: parts.reader, abortSignal });
    return {
      embeddings: vectors.map((vector, index) => ({ index, vector })),
      dimensions: vectors[0]?.length ?? 0,
      ...{ usage, model: description },
    };
  } catch (thrown) {
    const { error, failure } = judgeProviderError(thrown, {
      model: input.model,
      timedOut: abortSignal.aborted,
    });
    parts.onProviderFailure(failure);
    throw error;
  }
}
