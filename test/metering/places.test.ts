import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { LeasedPlaceStore } from '../../src/metering/leased-place-store.ts';
import { Outage } from '../../src/metering/outage.ts';
import {
  MemoryPlaceStore,
  type PlaceDemand,
  type PlaceStore,
  type Places,
} from '../../src/metering/places.ts';
import { RedisClient } from '../../src/metering/redis-client.ts';
import { RedisPlaceStore } from '../../src/metering/redis-place-store.ts';
import { LIMIT_SCRIPTS } from '../../src/metering/redis-scripts.ts';
import type { PlaceRequest, SharedPlaces } from '../../src/metering/shared-places.ts';
import { RedisKit, redisInstalled } from './redis-kit.ts';

const WAIT = { timeout: 5000, interval: 5 };
const demand = (key: string, max: number): PlaceDemand => ({ key, slot: key, name: key, max });
const take = async (store: PlaceStore, ...demands: PlaceDemand[]): Promise<Places> => store.acquire(demands);

function released(places: Places): void {
  if (!places.permitted) throw new Error('there is nothing to give back');
  places.release();
}

/** One list of behaviours for every place where places are. */
function contract(storeOf: () => PlaceStore): void {
  it('permit as many at once as there are, and another when one ends', async () => {
    const first = await take(storeOf(), demand('two', 2));
    await take(storeOf(), demand('two', 2));
    expect(await take(storeOf(), demand('two', 2))).toMatchObject({
      permitted: false,
      refusing: [{ name: 'two' }],
    });
    released(first);
    // Giving back twice is giving back once.
    released(first);
    await vi.waitFor(
      async () => expect((await take(storeOf(), demand('two', 2))).permitted).toBe(true),
      WAIT,
    );
    expect((await take(storeOf(), demand('two', 2))).permitted).toBe(false);
  });

  it('are taken all or none', async () => {
    await take(storeOf(), demand('narrow', 1));
    const refused = await take(storeOf(), demand('wide', 1), demand('narrow', 1));
    expect(refused).toMatchObject({ permitted: false, refusing: [{ name: 'narrow' }] });
    expect((await take(storeOf(), demand('wide', 1))).permitted).toBe(true);
  });

  it('take names that every object has', async () => {
    for (const key of ['__proto__', 'constructor']) {
      expect((await take(storeOf(), demand(key, 1))).permitted).toBe(true);
      expect((await take(storeOf(), demand(key, 1))).permitted).toBe(false);
    }
  });

  it('permit no more than there are to fifty at once', async () => {
    const all = await Promise.all(Array.from({ length: 50 }, () => take(storeOf(), demand('crowd', 7))));
    expect(all.filter(({ permitted }) => permitted)).toHaveLength(7);
  });
}

describe('places in memory', () => {
  const store = new MemoryPlaceStore();
  contract(() => store);

  it('hold nothing for what has ended', async () => {
    const own = new MemoryPlaceStore();
    for (const places of [own.acquire([demand('a', 2)]), own.acquire([demand('a', 2)])]) released(places);
    expect(own.size).toBe(0);
  });
});

const outage = () => new Outage({ probeAfterMs: 100, now, random: () => 0.5, alarm: () => undefined });
const now = () => performance.now();
const HELD = { heldMs: 200, leaseMs: 3000, localShare: 0.5, now };

describe.skipIf(!redisInstalled)('places in Redis (skipped where no redis-server is on the PATH)', () => {
  let kit: RedisKit;
  const clients: RedisClient[] = [];
  const open = async (processId: string, options: { share: number; leaseMs: number }) => {
    const client = new RedisClient(
      { server: { url: kit.path }, deadlineMs: 2000, reconnectMsMax: 100 },
      LIMIT_SCRIPTS,
    );
    clients.push(client);
    await vi.waitFor(() => expect(client.isReady).toBe(true), WAIT);
    const shared = new RedisPlaceStore(client, { processId, leaseMs: options.leaseMs });
    const local = new MemoryPlaceStore();
    const store = new LeasedPlaceStore({ ...HELD, ...options, shared, outage: outage(), local });
    return { store, client };
  };
  let store: PlaceStore;
  let other: PlaceStore;

  beforeAll(async () => {
    kit = await RedisKit.create();
    ({ store } = await open('one', { share: 0, leaseMs: 3000 }));
    ({ store: other } = await open('other', { share: 0, leaseMs: 3000 }));
  });
  afterAll(async () => {
    await store.close();
    await other.close();
    for (const client of clients) client.close();
    await kit.remove();
  });

  contract(() => store);

  it('are those of two processes together', async () => {
    const all = await Promise.all(
      Array.from({ length: 20 }, (_, turn) => take(turn % 2 ? store : other, demand('pair', 5))),
    );
    const taken = all.filter(({ permitted }) => permitted);
    expect(taken).toHaveLength(5);
    for (const places of taken) released(places);
    await vi.waitFor(async () => {
      const again = await Promise.all(Array.from({ length: 5 }, () => take(other, demand('pair', 5))));
      for (const places of again) if (places.permitted) released(places);
      expect(again.every(({ permitted }) => permitted)).toBe(true);
    }, WAIT);
  });

  it('of a process that died are free after its lease, and those of one that lives are not', async () => {
    const { store: dying, client } = await open('dying', { share: 0, leaseMs: 2000 });
    const { store: living } = await open('living', { share: 0, leaseMs: 2000 });
    await take(dying, demand('lease', 2));
    await take(living, demand('lease', 2));
    client.close();
    expect((await take(other, demand('lease', 2))).permitted).toBe(false);
    await vi.waitFor(async () => expect((await take(other, demand('lease', 2))).permitted).toBe(true), WAIT);
    expect((await take(other, demand('lease', 2))).permitted).toBe(false);
    await living.close();
  });

  it('are kept for the next call of the process, and given to another soon', async () => {
    const { store: keeping } = await open('keeping', { share: 0.5, leaseMs: 3000 });
    released(await take(keeping, demand('kept', 4)));
    const again = keeping.acquire([demand('kept', 4)]);
    expect(again).not.toBeInstanceOf(Promise);
    released(await again);
    await vi.waitFor(async () => {
      const all = await Promise.all(Array.from({ length: 4 }, () => take(other, demand('kept', 4))));
      for (const places of all) if (places.permitted) released(places);
      expect(all.every(({ permitted }) => permitted)).toBe(true);
    }, WAIT);
    await keeping.close();
  });

  it('are local ones at their share while Redis is gone, and shared again after', async () => {
    const { store: alone, client } = await open('alone', { share: 0, leaseMs: 3000 });
    const before = await take(alone, demand('gone', 4));
    await kit.kill();
    const meanwhile = await Promise.all(Array.from({ length: 4 }, () => take(alone, demand('gone', 4))));
    expect(meanwhile.map(({ permitted }) => permitted)).toEqual([true, true, false, false]);
    for (const places of [before, ...meanwhile]) if (places.permitted) released(places);
    await kit.start();
    await vi.waitFor(() => expect(client.isReady).toBe(true), WAIT);
    await vi.waitFor(async () => {
      const all = await Promise.all(Array.from({ length: 5 }, () => take(alone, demand('back', 5))));
      for (const places of all) if (places.permitted) released(places);
      expect(all.every(({ permitted }) => permitted)).toBe(true);
    }, WAIT);
    await alone.close();
  });
});

describe('places that are shared', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  function fake() {
    const said: string[] = [];
    const asked: PlaceRequest[] = [];
    const state = { isDown: false, free: 10 };
    const answer = async <T>(word: string, value: T): Promise<T> => {
      said.push(word);
      if (state.isDown) throw new Error('down');
      return value;
    };
    const shared: SharedPlaces = {
      acquire: (requests) => {
        asked.push(...requests);
        return answer('acquire', {
          permitted: state.free > 0,
          places: requests.map(({ needed, extra }) => (state.free > 0 ? needed + extra : 0)),
        });
      },
      release: (freed) => answer(`release ${freed.map(({ places }) => places)}`, undefined),
      hold: (held) => answer(`hold ${held.map(({ places }) => places)}`, undefined),
    };
    const store = new LeasedPlaceStore({
      ...HELD,
      share: 0,
      shared,
      outage: outage(),
      local: new MemoryPlaceStore(),
    });
    return { said, asked, state, store };
  }

  it('are renewed as long as something runs, and forgotten when nothing does', async () => {
    const { said, store } = fake();
    const places = await take(store, demand('a', 5));
    await vi.advanceTimersByTimeAsync(3000);
    expect(said.filter((word) => word === 'hold 1').length).toBeGreaterThanOrEqual(2);
    released(places);
    await vi.advanceTimersByTimeAsync(2000);
    expect(said.at(-1)).toBe('release 1');
    expect(store.size).toBe(0);
    await store.close();
  });

  it('are said in whole where it is not known whether a word was heard', async () => {
    const { said, state, store } = fake();
    const [one, two] = [await take(store, demand('a', 5)), await take(store, demand('a', 5))];
    state.isDown = true;
    released(one);
    await vi.advanceTimersByTimeAsync(100);
    state.isDown = false;
    said.length = 0;
    await vi.advanceTimersByTimeAsync(300);
    expect(said).toEqual(['hold 1']);
    released(two);
    await store.close();
    expect(said.at(-1)).toBe('release 1');
  });

  it('that were refused are refused again without a question, for a moment, or until one of its own is free', async () => {
    const { said, state, store } = fake();
    const places = await take(store, demand('a', 1));
    state.free = 0;
    for (let turn = 0; turn < 10; turn += 1)
      expect((await take(store, demand('a', 1))).permitted).toBe(false);
    expect(said).toEqual(['acquire', 'acquire']);
    await vi.advanceTimersByTimeAsync(30);
    await take(store, demand('a', 1));
    released(places);
    state.free = 1;
    expect((await take(store, demand('a', 1))).permitted).toBe(true);
    await store.close();
  });

  it('that are refused without a question keep nothing of the others that were asked for with them', async () => {
    const { state, store } = fake();
    await take(store, demand('tenant', 1));
    state.free = 0;
    await take(store, demand('tenant', 1));
    for (let caller = 0; caller < 100; caller += 1)
      expect((await take(store, demand('tenant', 1), demand(`caller ${caller}`, 5))).permitted).toBe(false);
    expect(store.size).toBe(1);
    await store.close();
  });

  it('are as many as the last call says: a plan may change while its callers are busy', async () => {
    const { asked, store } = fake();
    const held = await take(store, demand('plan', 5));
    await take(store, demand('plan', 2));
    expect(asked.map(({ max }) => max)).toEqual([5, 2]);
    released(held);
    await store.close();
  });
});
