import DataLoader from 'dataloader';

/** Most keys of one batch: what a store is asked for at once is bounded too. */
const BATCH_KEYS_MAX = 500;

/**
 * A DataLoader over a lookup that answers all keys of one tick at once; keys it does not know become null.
 * Invariant: made for one request, so that one caller never reads what was loaded for another.
 */
export function batchLoader<V>(
  lookup: (keys: readonly string[]) => Promise<ReadonlyMap<string, V>>,
): DataLoader<string, V | null> {
  return new DataLoader<string, V | null>(
    async (keys) => {
      const found = await lookup(keys);
      return keys.map((key) => found.get(key) ?? null);
    },
    { maxBatchSize: BATCH_KEYS_MAX },
  );
}
