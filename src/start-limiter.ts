import type { Clock } from './clock.ts';
import type { Config } from './config/config.ts';
import { GuardedLimitStore } from './metering/guarded-limit-store.ts';
import { MemoryLimitStore } from './metering/limit-store.ts';
import { QuotaWindows } from './metering/quota-window.ts';
import { type RateLimiter, StoredRateLimiter } from './metering/rate-limiter.ts';
import { byGenerosity, type QuotaPlan } from './metering/rate-limits.ts';
import { RedisLimitStore } from './metering/redis-limit-store.ts';
import { Throttles } from './metering/throttles.ts';
import { describeError, type Log } from './telemetry/log-sink.ts';

/** Limits over buckets of this process, or of all gateways; null where nothing is limited. */
export function createLimiter(
  { rateLimits, approvals }: Config,
  { log, clock }: { readonly log: Log; readonly clock: Clock },
): RateLimiter | null {
  const { limits, quotas, failures, bucketsMax, redis } = rateLimits;
  // Plans have limits of their own.
  const isLimited = limits.length > 0 || quotas.length > 0 || failures !== undefined;
  if (!isLimited && !approvals.enforce) return null;
  // A clock that does not step back.
  const now = () => clock.nowUs() / 1000;
  const local = new MemoryLimitStore(bucketsMax, now);
  return new StoredRateLimiter({
    limits: limits.map(({ roles, ...limit }) => {
      const own = roles.map((each) => ({ ...limit, ...rateOf(each), ofRole: each.role, roles: [] }));
      return { ...limit, ...rateOf(limit), roles: own.sort(byGenerosity) };
    }),
    quotas: quotas.length === 0 ? null : quotaPlan(rateLimits, clock),
    failures: failures === undefined ? null : { failures: failures.count, perMs: failures.perSeconds * 1000 },
    throttles: new Throttles(clock.now),
    store:
      redis === undefined
        ? local
        : new GuardedLimitStore({
            ...{ shared: new RedisLimitStore(redis), local, now },
            ...{ localShare: redis.localPercent / 100, probeAfterMs: redis.probeAfterMs },
            alarm: (state, cause) => {
              if (state === 'back') log.warn('Redis is back: rate limits are shared again', {});
              else log.error('Redis is lost: rate limits are local at their share', describeError(cause));
            },
          }),
  });
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
