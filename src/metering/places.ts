/** A place that an operation needs while it runs. */
export interface PlaceDemand {
  /** Names who shares the places; bounded in length. */
  readonly key: string;
  /** As that of buckets: of one slot in a cluster. */
  readonly slot: string;
  /** The limit, for callers. */
  readonly name: string;
  readonly max: number;
}

/** Places taken, or those that were not to be had. */
export type Places =
  | { readonly permitted: true; release(): void }
  | { readonly permitted: false; readonly refusing: readonly PlaceDemand[] };

/** Where places are counted. */
export interface PlaceStore {
  /** Takes all places or none; they are given back by `release`, of which only the first call counts. */
  acquire(demands: readonly PlaceDemand[]): Places | Promise<Places>;
  close(): Promise<void>;
}

/** Places of one process: as many entries as operations that run. */
export class MemoryPlaceStore implements PlaceStore {
  readonly #taken = new Map<string, number>();

  get size(): number {
    return this.#taken.size;
  }

  acquire(demands: readonly PlaceDemand[]): Places {
    const refusing = demands.filter(({ key, max }) => (this.#taken.get(key) ?? 0) >= max);
    if (refusing.length > 0) return { permitted: false, refusing };
    for (const { key } of demands) this.#taken.set(key, (this.#taken.get(key) ?? 0) + 1);
    return { permitted: true, release: once(() => this.#release(demands)) };
  }

  async close(): Promise<void> {
    this.#taken.clear();
  }

  #release(demands: readonly PlaceDemand[]): void {
    for (const { key } of demands) {
      const left = (this.#taken.get(key) ?? 0) - 1;
      if (left > 0) this.#taken.set(key, left);
      else this.#taken.delete(key);
    }
  }
}

/** What happens at the first call only. */
export function once(act: () => void): () => void {
  let isDone = false;
  return () => {
    if (isDone) return;
    isDone = true;
    act();
  };
}
