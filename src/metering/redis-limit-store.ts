import { hash } from 'node:crypto';
import { left, type Verdict } from './gcra.ts';
import type { Demand, Settled, Window } from './limit-store.ts';
import type { RedisClient } from './redis-client.ts';
import {
  type Correction,
  EXTRA_SHARE,
  type SharedBuckets,
  type SharedDemand,
  type SharedTaken,
} from './shared-buckets.ts';

/** Longer than any batch is sent again. Units: milliseconds. */
const BATCH_KNOWN_MS = 120_000;

/** What one call of a script asks for, and what it said; in a cluster a request may take several. */
interface Group {
  readonly demands: readonly SharedDemand[];
  /** Where they stand in the request. */
  readonly places: readonly number[];
}

/**
 * Buckets that all gateways share, on one Redis or a cluster; each taking is one script, and keys expire when their bucket is full.
 * In a cluster a request that takes from several slots takes one by one, and gives back where one refuses: until then others may
 * be refused what is given back.
 * Throws: what the client throws, within the deadline; GuardedLimitStore decides what holds without Redis.
 */
export class RedisLimitStore implements SharedBuckets {
  readonly #redis: RedisClient;
  /** Told what a request took that was refused elsewhere. */
  readonly #giveBack: (demand: Settled, points: number) => void;

  /** Closes the client with itself. */
  constructor(redis: RedisClient, giveBack: (demand: Settled, points: number) => void) {
    this.#redis = redis;
    this.#giveBack = giveBack;
  }

  async take(demands: readonly SharedDemand[]): Promise<SharedTaken> {
    const groups = this.#groups(demands);
    const [only] = groups;
    if (groups.length === 1 && only !== undefined) return this.#takeGroup(only);
    const answers = await Promise.allSettled(groups.map((group) => this.#takeGroup(group)));
    const permitted = answers.every((answer) => answer.status === 'fulfilled' && answer.value.permitted);
    const verdicts: Verdict[] = [];
    const extras: number[] = [];
    let fault: PromiseRejectedResult | null = null;
    for (const [index, answer] of answers.entries()) {
      const group = groups[index];
      if (group === undefined) continue;
      if (answer.status === 'rejected') {
        fault = answer;
        continue;
      }
      if (!permitted && answer.value.permitted) this.#undo(group, answer.value);
      for (const [at, place] of group.places.entries()) {
        const verdict = answer.value.verdicts[at];
        const cost = group.demands[at]?.cost ?? 0;
        const extra = answer.value.extras[at] ?? 0;
        extras[place] = permitted ? extra : 0;
        if (verdict !== undefined)
          verdicts[place] =
            permitted || !answer.value.permitted
              ? verdict
              : { ...verdict, remaining: verdict.remaining + cost + extra };
      }
    }
    if (fault !== null) throw fault.reason;
    return { permitted, verdicts, extras };
  }

  async settle(corrections: readonly Correction[], batchId: string): Promise<void> {
    const bySlot = this.#redis.isCluster
      ? Map.groupBy(corrections, ({ slot }) => slot)
      : new Map([['', corrections]]);
    // What of a batch was counted is counted no more when the batch comes again.
    await Promise.all(
      [...bySlot].map(([slot, group]) =>
        this.#redis.run(
          'settlePoints',
          [`portcullis:settled:{${tagOf(slot)}}:${batchId}`, ...group.map(keyOf)],
          [BATCH_KNOWN_MS, ...group.flatMap((correction) => figuresOf(correction, correction.points))],
        ),
      ),
    );
  }

  async close(): Promise<void> {
    this.#redis.close();
  }

  #groups(demands: readonly SharedDemand[]): readonly Group[] {
    if (!this.#redis.isCluster) return [{ demands, places: demands.map((_, index) => index) }];
    const bySlot = Map.groupBy(demands.keys(), (index) => demands[index]?.slot ?? '');
    return [...bySlot.values()].map((places) => {
      return { places, demands: places.flatMap((index) => demands[index] ?? []) };
    });
  }

  #undo({ demands }: Group, { extras }: SharedTaken): void {
    for (const [at, demand] of demands.entries()) this.#giveBack(demand, demand.cost + (extras[at] ?? 0));
  }

  async #takeGroup({ demands }: Group): Promise<SharedTaken> {
    const figures = demands.flatMap((demand) => [...figuresOf(demand, demand.cost), demand.extra]);
    const [granted, ...said] = await this.#redis.run('takePoints', demands.map(keyOf), [
      EXTRA_SHARE,
      ...figures,
    ]);
    const verdicts = demands.map(({ rate, cost, window }, index): Verdict => {
      const stands = (said[3 * index] ?? 0) / 1000;
      const overMs = (said[3 * index + 1] ?? 0) / 1000;
      if (window !== undefined) return quotaVerdict(window, { used: stands, cost, over: overMs > 0 });
      const retryAfterMs = cost > rate.burst ? Number.POSITIVE_INFINITY : overMs;
      return { permitted: overMs === 0, fullAt: stands, remaining: left(stands, rate, 0), retryAfterMs };
    });
    return {
      permitted: granted === 1,
      verdicts,
      extras: demands.map((_, index) => said[3 * index + 2] ?? 0),
    };
  }
}

/** Hashed: who reads Redis sees no names of callers, and a key has one length. In braces what decides the slot. */
function keyOf({ key, slot }: Pick<Demand, 'key' | 'slot'>): string {
  return `portcullis:rate:{${tagOf(slot)}}:${hash('sha256', key, 'base64url')}`;
}

function tagOf(slot: string): string {
  return hash('sha256', slot, 'base64url').slice(0, 16);
}

function figuresOf({ rate: { perMs, points, burst }, window }: Settled, asked: number): readonly number[] {
  if (window !== undefined) return [0, window.points, asked, Math.max(1, Math.ceil(window.leftMs))];
  const each = perMs / points;
  return [each, burst * each, asked, 0];
}

/** What of a quota is left, whatever was asked: `used` is what it stands at now. */
function quotaVerdict(
  { points, leftMs }: Window,
  { used, cost, over }: { readonly used: number; readonly cost: number; readonly over: boolean },
): Verdict {
  const remaining = Math.max(0, Math.floor(points - used + 0.001));
  if (!over) return { permitted: true, fullAt: leftMs, remaining, retryAfterMs: 0 };
  const retryAfterMs = cost > points ? Number.POSITIVE_INFINITY : leftMs;
  return { permitted: false, fullAt: leftMs, remaining, retryAfterMs };
}
