import { hash } from 'node:crypto';
import type { RedisClient } from './redis-client.ts';
import { EXTRA_SHARE } from './shared-buckets.ts';
import type { PlaceCount, PlaceGrant, PlaceRequest, SharedPlaces } from './shared-places.ts';

/** Who asks for places, and how long they are taken by a process that is not heard of. */
export interface PlaceHolder {
  readonly processId: string;
  readonly leaseMs: number;
}

/**
 * Places in Redis. In a cluster each slot is asked by itself; what one gave and another refused is said to be free again with
 * the next word of this process.
 * Throws: what the client throws, within the deadline.
 */
export class RedisPlaceStore implements SharedPlaces {
  readonly #redis: RedisClient;
  readonly #processId: string;
  readonly #leaseMs: number;

  constructor(redis: RedisClient, { processId, leaseMs }: PlaceHolder) {
    this.#redis = redis;
    this.#processId = processId;
    this.#leaseMs = leaseMs;
  }

  async acquire(requests: readonly PlaceRequest[], turn: number): Promise<PlaceGrant> {
    const places: number[] = requests.map(() => 0);
    const answers = await Promise.all(
      this.#bySlot([...requests.keys()], (at) => requests[at]?.slot ?? '').map(async (at) => {
        const group = at.flatMap((index) => requests[index] ?? []);
        const figures = group.flatMap(({ max, needed, extra }) => [max, needed, extra]);
        const [granted, ...given] = await this.#redis.run('acquirePlaces', group.map(keyOf), [
          ...[this.#processId, turn, this.#leaseMs, EXTRA_SHARE],
          ...figures,
        ]);
        for (const [position, index] of at.entries()) places[index] = given[position] ?? 0;
        return granted === 1;
      }),
    );
    return { permitted: answers.every(Boolean), places };
  }

  async release(freed: readonly PlaceCount[]): Promise<void> {
    await Promise.all(
      this.#bySlot(freed, ({ slot }) => slot).map((group) =>
        this.#redis.run('releasePlaces', group.map(keyOf), [
          ...[this.#processId, this.#leaseMs],
          ...group.map(({ places }) => places),
        ]),
      ),
    );
  }

  async hold(held: readonly PlaceCount[], turn: number): Promise<void> {
    await Promise.all(
      this.#bySlot(held, ({ slot }) => slot).map((group) =>
        this.#redis.run('holdPlaces', group.map(keyOf), [
          ...[this.#processId, turn, this.#leaseMs],
          ...group.map(({ places }) => places),
        ]),
      ),
    );
  }

  #bySlot<T>(all: readonly T[], slotOf: (one: T) => string): readonly (readonly T[])[] {
    return this.#redis.isCluster ? [...Map.groupBy(all, slotOf).values()] : [all];
  }
}

function keyOf({ key, slot }: { readonly key: string; readonly slot: string }): string {
  const tag = hash('sha256', slot, 'base64url').slice(0, 16);
  return `portcullis:places:{${tag}}:${hash('sha256', key, 'base64url')}`;
}
