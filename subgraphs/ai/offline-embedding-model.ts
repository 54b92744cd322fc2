import type { EmbeddingModel } from 'ai';
import { isContent } from './text-analysis.ts';
import type { TextReader, TextToken } from './text-reader.ts';

type EmbeddingModelV4 = Extract<EmbeddingModel, { readonly specificationVersion: 'v4' }>;

/** Numbers in an offline embedding. */
export const OFFLINE_DIMENSIONS = 256;
const EMBEDDINGS_PER_CALL_MAX = 64;

/** How much each kind of feature counts: shared words say more than shared beginnings, and those more than letters. */
const WEIGHTS = { lemma: 1, stem: 0.5, trigram: 0.15 } as const;

/**
 * The embedding model that needs no network: texts that share words, stems or parts of words lie close together.
 * It hashes features into signed dimensions, so it knows spelling and inflection, not synonyms; word vectors that do
 * would add 300 MB to the installation.
 * Invariant: the same text gives the same vector, of length 1.
 * Source: Weinberger et al. 2009, Feature Hashing for Large Scale Multitask Learning.
 */
export function createOfflineEmbeddingModel(reader: TextReader): EmbeddingModelV4 {
  return {
    specificationVersion: 'v4',
    provider: 'portcullis',
    modelId: 'offline-embedding',
    maxEmbeddingsPerCall: EMBEDDINGS_PER_CALL_MAX,
    supportsParallelCalls: false,
    doEmbed: async ({ values, dimensions, abortSignal }) => {
      const read = values.map((value) => {
        abortSignal?.throwIfAborted();
        return reader.read(value).tokens;
      });
      return {
        embeddings: read.map(embedTokens),
        usage: { tokens: read.reduce((sum, tokens) => sum + tokens.length, 0) },
        warnings:
          dimensions === undefined || dimensions === OFFLINE_DIMENSIONS
            ? []
            : [{ type: 'unsupported', feature: 'dimensions' }],
      };
    },
  };
}

function embedTokens(tokens: readonly TextToken[]): number[] {
  const content = tokens.filter(isContent);
  const features = new Map<string, number>();
  for (const token of content.length > 0 ? content : tokens) addFeatures(features, token);
  const vector = new Float64Array(OFFLINE_DIMENSIONS);
  for (const [feature, weight] of features) {
    const hash = hashFeature(feature);
    const dimension = hash % OFFLINE_DIMENSIONS;
    const sign = (hash & 0x8000_0000) === 0 ? 1 : -1;
    vector[dimension] = (vector[dimension] ?? 0) + sign * weight;
  }
  const length = Math.hypot(...vector);
  return Array.from(vector, (value) => (length === 0 ? 0 : value / length));
}

function addFeatures(features: Map<string, number>, token: TextToken): void {
  const add = (kind: keyof typeof WEIGHTS, value: string): void => {
    const feature = `${kind} ${value}`;
    features.set(feature, (features.get(feature) ?? 0) + WEIGHTS[kind]);
  };
  add('lemma', token.lemma);
  add('stem', token.stem);
  const letters = [...`^${token.lemma}$`];
  for (let start = 0; start + 3 <= letters.length; start += 1) {
    add('trigram', letters.slice(start, start + 3).join(''));
  }
}

/**
 * A 32-bit hash whose every bit depends on the whole feature.
 * Source: FNV-1a, then the finalizer of MurmurHash3.
 */
function hashFeature(feature: string): number {
  let hash = 0x811c_9dc5;
  for (let index = 0; index < feature.length; index += 1) {
    hash = Math.imul(hash ^ feature.charCodeAt(index), 0x0100_0193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85eb_ca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2_ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
