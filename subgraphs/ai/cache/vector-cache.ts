import { AnswerShelves } from './answer-shelf.ts';
import type { CacheConfig } from './cache-config.ts';
import { vectorKey } from './request-key.ts';

/** Whose texts are embedded, and by which model. */
export interface Embedding {
  /** Null for a caller of none, for whom nothing is kept. */
  readonly tenant: string | null;
  readonly model: string;
}

/** Vectors of texts, kept for those who ask again. */
export interface VectorCache {
  /** By text, in order; null where none is kept. */
  find(of: Embedding, texts: readonly string[]): readonly (readonly number[] | null)[];
  keep(of: Embedding, texts: readonly string[], vectors: readonly (readonly number[])[]): void;
}

const BYTES_PER_NUMBER = 8;

/** Makes an empty cache; null where the configuration keeps no vectors. Units: `now` gives milliseconds since the epoch. */
export function createVectorCache(config: CacheConfig, now: () => number): VectorCache | null {
  const { tenants, embeddings, ttlSeconds, entryBytesMax } = config;
  if (embeddings === undefined) return null;
  const shelves = new AnswerShelves<Float64Array>(
    { ...embeddings, entryBytesMax, candidatesMax: 1 },
    (vector) => vector.length * BYTES_PER_NUMBER,
  );
  const isOf = (tenant: string | null): tenant is string =>
    tenant !== null && (tenants === 'all' || tenants.includes(tenant));
  return {
    find({ tenant, model }, texts) {
      if (!isOf(tenant)) return texts.map(() => null);
      const sinceMs = now() - ttlSeconds * 1000;
      return texts.map((text) => {
        const kept = shelves.get(tenant, vectorKey({ tenant, model, text }), sinceMs);
        return kept === null ? null : [...kept.answer];
      });
    },
    keep({ tenant, model }, texts, vectors) {
      if (!isOf(tenant)) return;
      for (const [index, text] of texts.entries()) {
        const answer = Float64Array.from(vectors[index] ?? []);
        shelves.put(tenant, vectorKey({ tenant, model, text }), { answer, near: null, keptAtMs: now() });
      }
    },
  };
}
