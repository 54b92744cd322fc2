import type { Outage } from './outage.ts';
import { once, type PlaceDemand, type PlaceStore, type Places } from './places.ts';
import type { PlaceGrant, SharedPlaces } from './shared-places.ts';

/** How places are held. */
export interface LeasedPlaceOptions {
  readonly shared: SharedPlaces;
  readonly outage: Outage;
  /** Places while the shared ones are out of reach, of which this process has a share. */
  readonly local: PlaceStore;
  /** Above 0, up to 1; at least one place is left. */
  readonly localShare: number;
  /** Places kept for the next call, as a share of the most; 0 keeps none. */
  readonly share: number;
  /** How often unused places are given back. */
  readonly heldMs: number;
  /** How long places of a process that is not heard of stay taken. */
  readonly leaseMs: number;
  /** Units: milliseconds of a clock that does not step back. */
  readonly now: () => number;
}

/** What this process holds under one key. */
interface Pool {
  /** As it was asked for last: plans change. */
  demand: PlaceDemand;
  held: number;
  used: number;
  /** Most that were used at once since unused places were last given back. */
  peak: number;
  /** Questions under way. */
  asking: number;
  /** Given back and not yet said. */
  freed: number;
  /** Whether the shared store may think otherwise. */
  isUnsure: boolean;
  saidAtMs: number;
  refusedUntilMs: number;
}

/** What was refused is refused again without a question so long, unless a place of this process gets free. */
const REFUSED_MS = 20;
/** Places given back are gathered so long. */
const GATHER_MS = 20;
const SAID_AT_ONCE = 256;

/**
 * Places that all gateways share, of which each process keeps a few for the next call.
 * Invariant: a process never uses more places than it was given, so that all together never use more than the most; only one that
 * was stopped for longer than a lease and goes on may be counted late.
 */
export class LeasedPlaceStore implements PlaceStore {
  readonly #options: LeasedPlaceOptions;
  readonly #pools = new Map<string, Pool>();
  readonly #renewer: NodeJS.Timeout;
  #soon: NodeJS.Timeout | null = null;
  #turn = 0;

  constructor(options: LeasedPlaceOptions) {
    this.#options = options;
    this.#renewer = setInterval(() => void this.renew(), Math.min(options.heldMs, options.leaseMs / 3));
    this.#renewer.unref();
  }

  get size(): number {
    return this.#pools.size;
  }

  acquire(demands: readonly PlaceDemand[]): Places | Promise<Places> {
    const { outage, local, localShare } = this.#options;
    return outage.ask(
      () => this.#acquire(demands),
      () =>
        local.acquire(
          demands.map((each) => ({ ...each, max: Math.max(1, Math.floor(each.max * localShare)) })),
        ),
    );
  }

  /** Says what is held before the lease ends, and gives back what was not used of late. */
  async renew(): Promise<void> {
    const { leaseMs, now } = this.#options;
    const nowMs = now();
    for (const pool of this.#pools.values()) {
      this.#free(pool, Math.max(pool.used, pool.peak));
      pool.peak = pool.used;
    }
    await this.#tellFreed();
    const due = [...this.#pools.values()].filter(
      ({ isUnsure, saidAtMs }) => isUnsure || nowMs - saidAtMs >= leaseMs / 3,
    );
    for (let from = 0; from < due.length; from += SAID_AT_ONCE)
      await this.#hold(due.slice(from, from + SAID_AT_ONCE));
  }

  async close(): Promise<void> {
    clearInterval(this.#renewer);
    if (this.#soon !== null) clearTimeout(this.#soon);
    for (const pool of this.#pools.values()) this.#free(pool, 0);
    await this.#tellFreed();
    await this.#options.local.close();
  }

  #acquire(demands: readonly PlaceDemand[]): Places | Promise<Places> {
    const nowMs = this.#options.now();
    const refusing = demands.filter(({ key }) => (this.#pools.get(key)?.refusedUntilMs ?? 0) > nowMs);
    if (refusing.length > 0) return { permitted: false, refusing };
    // Only from here on: what is not asked for is not remembered.
    const pools = demands.map((demand) => this.#poolOf(demand));
    if (pools.some(({ held, used }) => used >= held)) return this.#ask(pools, nowMs);
    for (const pool of pools) use(pool);
    return this.#taken(pools);
  }

  /** Uses what is at hand, and asks for the rest. */
  async #ask(pools: readonly Pool[], nowMs: number): Promise<Places> {
    const { shared, share } = this.#options;
    const short = pools.filter(({ held, used }) => used >= held);
    const atHand = pools.filter((pool) => !short.includes(pool));
    for (const pool of atHand) use(pool);
    for (const pool of short) pool.asking += 1;
    this.#turn += 1;
    let grant: PlaceGrant;
    try {
      const requests = short.map(({ demand: { key, slot, max }, used }) => {
        return { key, slot, max, needed: 1, extra: Math.min(Math.floor(max * share), used) };
      });
      grant = await shared.acquire(requests, this.#turn);
    } catch (cause) {
      for (const pool of short) pool.isUnsure = true;
      for (const pool of atHand) this.#release(pool);
      throw cause;
    } finally {
      for (const pool of short) pool.asking -= 1;
    }
    if (!grant.permitted) {
      for (const pool of atHand) this.#release(pool);
      return { permitted: false, refusing: this.#refused(short, grant, nowMs) };
    }
    for (const [index, pool] of short.entries()) {
      pool.held += grant.places[index] ?? 0;
      pool.saidAtMs = nowMs;
      use(pool);
    }
    return this.#taken(pools);
  }

  #refused(short: readonly Pool[], { places }: PlaceGrant, nowMs: number): readonly PlaceDemand[] {
    return short.flatMap((pool, index) => {
      // In a cluster this one may have been given by its slot, and refused by another.
      pool.isUnsure = true;
      if ((places[index] ?? 0) >= 1) return [];
      pool.refusedUntilMs = nowMs + REFUSED_MS;
      return [pool.demand];
    });
  }

  #taken(pools: readonly Pool[]): Places {
    const release = once(() => {
      for (const pool of pools) this.#release(pool);
    });
    return { permitted: true, release };
  }

  #release(pool: Pool): void {
    pool.used -= 1;
    pool.refusedUntilMs = 0;
    this.#free(pool, pool.used + Math.floor(pool.demand.max * this.#options.share));
  }

  /** Keeps so many, and gives back the others. */
  #free(pool: Pool, kept: number): void {
    if (pool.held <= kept) return;
    pool.freed += pool.held - kept;
    pool.held = kept;
    this.#soon ??= setTimeout(() => {
      this.#soon = null;
      void this.#tellFreed();
    }, GATHER_MS).unref();
  }

  async #tellFreed(): Promise<void> {
    const freed = [...this.#pools.values()].filter((pool) => pool.freed > 0);
    for (let from = 0; from < freed.length; from += SAID_AT_ONCE) {
      const pools = freed.slice(from, from + SAID_AT_ONCE);
      const counts = pools.map((pool) => ({ ...placeOf(pool), places: pool.freed }));
      for (const pool of pools) pool.freed = 0;
      try {
        await this.#options.shared.release(counts);
        for (const pool of pools) this.#forget(pool);
      } catch {
        // Whether it was counted is not known: it is said in whole when it can be.
        for (const pool of pools) pool.isUnsure = true;
      }
    }
  }

  async #hold(due: readonly Pool[]): Promise<void> {
    // What was asked for meanwhile is told by the question.
    const pools = due.filter(({ asking }) => asking === 0);
    if (pools.length === 0) return;
    this.#turn += 1;
    for (const pool of pools) pool.isUnsure = false;
    const nowMs = this.#options.now();
    try {
      const counts = pools.map((pool) => ({ ...placeOf(pool), places: pool.held + pool.freed }));
      await this.#options.shared.hold(counts, this.#turn);
      for (const pool of pools) {
        pool.saidAtMs = nowMs;
        this.#forget(pool);
      }
    } catch {
      for (const pool of pools) pool.isUnsure = true;
    }
  }

  #poolOf(demand: PlaceDemand): Pool {
    const known = this.#pools.get(demand.key);
    if (known !== undefined) {
      known.demand = demand;
      return known;
    }
    const pool = {
      ...{ demand, held: 0, used: 0, peak: 0, asking: 0, freed: 0 },
      ...{ isUnsure: false, saidAtMs: 0, refusedUntilMs: 0 },
    };
    this.#pools.set(demand.key, pool);
    return pool;
  }

  #forget(pool: Pool): void {
    const { demand, held, asking, freed, isUnsure } = pool;
    if (held + asking + freed === 0 && !isUnsure) this.#pools.delete(demand.key);
  }
}

function use(pool: Pool): void {
  pool.used += 1;
  pool.peak = Math.max(pool.peak, pool.used);
}

function placeOf({ demand: { key, slot } }: Pool): { readonly key: string; readonly slot: string } {
  return { key, slot };
}
