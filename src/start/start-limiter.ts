import { randomInt, randomUUID } from 'node:crypto';
import type { Clock } from '../clock.ts';
import type { Config } from '../config/config.ts';
import { BehaviourWatch } from '../metering/behaviour-watch.ts';
import { GuardedLimitStore } from '../metering/guarded-limit-store.ts';
import { LeasedLimitStore } from '../metering/leased-limit-store.ts';
import { LeasedPlaceStore } from '../metering/leased-place-store.ts';
import { type LimitStore, MemoryLimitStore } from '../metering/limit-store.ts';
import { Outage } from '../metering/outage.ts';
import { MemoryPlaceStore, type PlaceStore } from '../metering/places.ts';
import { QuotaWindows } from '../metering/quota-window.ts';
import { type RateLimiter, StoredRateLimiter } from '../metering/rate-limiter.ts';
import { byGenerosity, type QuotaPlan } from '../metering/rate-limits.ts';
import { RedisLimitStore } from '../metering/redis-limit-store.ts';
import { RedisPlaceStore } from '../metering/redis-place-store.ts';
import { LIMIT_SCRIPTS } from '../metering/redis-scripts.ts';
import { SettlementQueue } from '../metering/settlement-queue.ts';
import { StrictLimitStore } from '../metering/strict-limit-store.ts';
import { Throttles } from '../metering/throttles.ts';
import { describeError, type Log } from '../telemetry/log-sink.ts';

/** Limits over buckets of this process, or of all gateways; null where nothing is limited. */
export async function createLimiter(
  { rateLimits, approvals }: Config,
  { log, clock }: { readonly log: Log; readonly clock: Clock },
): Promise<RateLimiter | null> {
  const { limits, quotas, concurrency, failures, bucketsMax, redis } = rateLimits;
  // Plans have limits of their own.
  const isLimited = limits.length + quotas.length + concurrency.length > 0 || failures !== undefined;
  if (!isLimited && !approvals.enforce) return null;
  // A clock that does not step back.
  const now = () => clock.nowUs() / 1000;
  const local = { store: new MemoryLimitStore(bucketsMax, now), places: new MemoryPlaceStore() };
  const { store, places } =
    redis === undefined ? local : await sharedStores({ redis, bucketsMax }, { log, local, now });
  return new StoredRateLimiter({
    limits: limits.map(({ roles, ...limit }) => {
      const own = roles.map((each) => ({ ...limit, ...rateOf(each), ofRole: each.role, roles: [] }));
      return { ...limit, ...rateOf(limit), roles: own.sort(byGenerosity) };
    }),
    quotas: quotas.length === 0 ? null : quotaPlan(rateLimits, clock),
    failures:
      failures === undefined
        ? null
        : {
            ofAddress: failureRate(failures),
            ofCredential: failures.credential === undefined ? null : failureRate(failures.credential),
          },
    chargesEvents: rateLimits.chargeEvents,
    throttles: new Throttles(clock.now),
    behaviour:
      rateLimits.behaviour === undefined ? null : watchBehaviour(rateLimits.behaviour, { log, clock }),
    store,
    concurrency: { limits: concurrency, places },
  });
}

function watchBehaviour(
  behaviour: NonNullable<Config['rateLimits']['behaviour']>,
  { log, clock }: { readonly log: Log; readonly clock: Clock },
) {
  const { callsMin, distinctOperations, costTimes, callersMax } = behaviour;
  const throttles = new Throttles(clock.now);
  const watch = new BehaviourWatch(
    {
      ...{ callsMin, distinctOperations, costTimes, callersMax },
      ...{ refusals: behaviour.refusalsPercent / 100, invalid: behaviour.invalidPercent / 100 },
      ...{ windowMs: behaviour.windowSeconds * 1000, relaxAfterMs: behaviour.relaxSeconds * 1000 },
      ...{ step: behaviour.stepPercent / 100, floor: behaviour.floorPercent / 100 },
    },
    {
      ...{ throttles, now: clock.now },
      onChange: ({ direction, target, cause, factor }) =>
        log.warn(`limits of a caller are ${direction}`, { ...target, cause, factor }),
    },
  );
  return { watch, throttles };
}

function failureRate({ count, perSeconds }: { readonly count: number; readonly perSeconds: number }) {
  return { points: count, burst: count, perMs: perSeconds * 1000 };
}

type RedisConfig = NonNullable<Config['rateLimits']['redis']>;

/** What a batch of corrections waits for others; each call that settles would be a call of Redis otherwise. */
const GATHER_MS = 20;
/** How long Redis may be away without a correction being lost. */
const RETRY_FOR_MS = 30_000;

const RANDOM_STEPS = 1_000_000;

interface Stores {
  readonly store: LimitStore;
  readonly places: PlaceStore;
}

/** Buckets and places in Redis, and those of this process while it is lost; its client is loaded only here. */
async function sharedStores(
  { redis, bucketsMax }: { readonly redis: RedisConfig; readonly bucketsMax: number },
  { log, local, now }: { readonly log: Log; readonly local: Stores; readonly now: () => number },
): Promise<Stores> {
  const { mode, deadlineMs, reconnectMsMax, leaseMs, sliceMs: heldMs, slicePercent } = redis;
  const server = redis.nodes === undefined ? { url: redis.url ?? '' } : { nodes: redis.nodes };
  const { RedisClient } = await import('../metering/redis-client.ts');
  const client = new RedisClient({ server, deadlineMs, reconnectMsMax }, LIMIT_SCRIPTS);
  const outage = new Outage({
    ...{ now, probeAfterMs: redis.probeAfterMs, random: () => randomInt(RANDOM_STEPS) / RANDOM_STEPS },
    alarm: (state, cause) => {
      if (state === 'back') log.warn('Redis is back: rate limits are shared again', {});
      else log.error('Redis is lost: rate limits are local at their share', describeError(cause));
    },
  });
  const buckets = new RedisLimitStore(client, (demand, points) => queue.add(demand, points));
  const queue = new SettlementQueue({
    ...{ shared: buckets, gatherMs: GATHER_MS, retryForMs: RETRY_FOR_MS, waitingMax: bucketsMax },
    ...{ now, newBatchId: randomUUID },
    onLost: (corrections) => log.warn('corrections of rate limits are lost', { corrections }),
  });
  const isLeased = mode === 'leased';
  const share = slicePercent / 100;
  const shared = isLeased
    ? new LeasedLimitStore({ shared: buckets, queue, now, heldMs, share, slicesMax: bucketsMax })
    : new StrictLimitStore(buckets, queue);
  const localShare = redis.localPercent / 100;
  return {
    store: new GuardedLimitStore({ shared, local: local.store, localShare, outage }),
    places: new LeasedPlaceStore({
      shared: new RedisPlaceStore(client, { processId: randomUUID(), leaseMs }),
      ...{ outage, local: local.places, localShare, heldMs, leaseMs, now },
      share: isLeased ? share : 0,
    }),
  };
}

function rateOf({ points, perSeconds, burst }: Pick<LimitConfig, 'points' | 'perSeconds' | 'burst'>) {
  return { points, perMs: perSeconds * 1000, burst: burst ?? points };
}

type LimitConfig = Config['rateLimits']['limits'][number];

function quotaPlan({ quotas, timeZone, tenantTimeZones }: Config['rateLimits'], clock: Clock): QuotaPlan {
  const windows = new QuotaWindows();
  return {
    ...{ quotas, windows, timeZone, now: clock.now },
    tenantTimeZones: new Map(Object.entries(tenantTimeZones)),
  };
}
