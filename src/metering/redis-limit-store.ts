import { hash } from 'node:crypto';
import { Redis } from 'ioredis';
import { z } from 'zod';
import { left, type Verdict } from './gcra.ts';
import type { Demand, LimitStore, Settled, Taken, Window } from './limit-store.ts';

/**
 * The arithmetic of gcra.ts on the clock of Redis, the one that all gateways see. ARGV: interval and burst of each key, both
 * in milliseconds of refilling, what it costs, and 0; for a quota 0, its points, the cost, and how long it lasts in milliseconds.
 * Answers in microseconds: from now until full, and by how much it is over; for a quota in thousandths the points used, and 0
 * or how long it lasts.
 */
const TAKE = `
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local state, before, after, answer, granted = {}, {}, {}, {}, 1
for i, key in ipairs(KEYS) do
  local each, depth, cost = tonumber(ARGV[4*i-3]), tonumber(ARGV[4*i-2]), tonumber(ARGV[4*i-1])
  local known = state[key] or tonumber(redis.call('GET', key) or '0')
  local over
  if each == 0 then
    before[i] = known
    after[i] = known + cost
    over = after[i] - depth
    if over > 0.001 then over = tonumber(ARGV[4*i]) else over = 0 end
  else
    before[i] = math.max(math.min(known, now + depth), now)
    after[i] = before[i] + cost * each
    over = after[i] - now - depth
    if over <= each / 1000 then over = 0 end
  end
  if over > 0 then granted = 0; after[i] = before[i] end
  state[key] = after[i]
  answer[2*i+1] = math.ceil(over * 1000)
end
answer[1] = granted
for i, key in ipairs(KEYS) do
  local shown = granted == 1 and after[i] or before[i]
  if tonumber(ARGV[4*i-3]) == 0 then
    answer[2*i] = math.ceil(shown * 1000)
    if granted == 1 then redis.call('SET', key, string.format('%.17g', state[key]), 'PX', ARGV[4*i]) end
  else
  answer[2*i] = math.ceil((shown - now) * 1000)
  if granted == 1 and state[key] > now then
    redis.call('SET', key, string.format('%.17g', state[key]), 'PX', math.ceil(state[key] - now) + 1)
  end
  end
end
return answer
`;

/** Gives back, or takes past empty; what has expired is let be. ARGV: as above, with what is given back for the cost. */
const SETTLE = `
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
for i, key in ipairs(KEYS) do
  local known = redis.call('GET', key)
  if known and tonumber(ARGV[4*i-3]) == 0 then
    redis.call('SET', key, string.format('%.17g', math.max(0, tonumber(known) - ARGV[4*i-1])), 'KEEPTTL')
  elseif known then
    local full = math.min(tonumber(known) - ARGV[4*i-1] * ARGV[4*i-3], now + ARGV[4*i-2])
    if full <= now then redis.call('DEL', key)
    else redis.call('SET', key, string.format('%.17g', full), 'PX', math.ceil(full - now) + 1) end
  end
end
return {}
`;

const answerSchema = z.array(z.number());

/** Where Redis is, and how long one call and one pause between two attempts to connect may take. */
export interface RedisLimitStoreOptions {
  readonly url: string;
  readonly deadlineMs: number;
  readonly reconnectMsMax: number;
}

/**
 * Buckets that all gateways share, on one Redis; each taking is one script, and keys expire when their bucket is full.
 * Throws: what the client throws, within the deadline; GuardedLimitStore decides what holds without Redis.
 */
export class RedisLimitStore implements LimitStore {
  readonly #redis: Redis;

  constructor({ url, deadlineMs, reconnectMsMax }: RedisLimitStoreOptions) {
    this.#redis = new Redis(url, {
      commandTimeout: deadlineMs,
      connectTimeout: Math.max(1000, deadlineMs),
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      autoResendUnfulfilledCommands: false,
      retryStrategy: (attempt) => Math.min(50 * 2 ** Math.min(attempt, 10), reconnectMsMax),
      scripts: { takePoints: { lua: TAKE }, settlePoints: { lua: SETTLE } },
    });
    // The next command fails too, and that is what the guard tells of: once, not at each attempt to connect.
    this.#redis.on('error', () => undefined);
  }

  /** Whether commands are sent; without a connection they fail at once. */
  get isReady(): boolean {
    return this.#redis.status === 'ready';
  }

  async take(demands: readonly Demand[]): Promise<Taken> {
    const [granted, ...figures] = await this.#run('takePoints', demands);
    const permitted = granted === 1;
    const verdicts = demands.map(({ rate, cost, window }, index): Verdict => {
      const fullAt = (figures[2 * index] ?? 0) / 1000;
      if (window !== undefined)
        return quotaVerdict(window, { used: fullAt, cost, over: (figures[2 * index + 1] ?? 0) > 0 });
      const overMs = (figures[2 * index + 1] ?? 0) / 1000;
      const retryAfterMs = cost > rate.burst ? Number.POSITIVE_INFINITY : overMs;
      return { permitted: overMs === 0, fullAt, remaining: left(fullAt, rate, 0), retryAfterMs };
    });
    return { permitted, verdicts };
  }

  async settle(demands: readonly Settled[], points: number): Promise<void> {
    await this.#run(
      'settlePoints',
      demands.map((demand) => ({ ...demand, cost: points })),
    );
  }

  async close(): Promise<void> {
    this.#redis.disconnect();
  }

  async #run(script: 'takePoints' | 'settlePoints', demands: readonly Demand[]): Promise<readonly number[]> {
    // Hashed: who reads Redis sees no names of callers, and a key has one length.
    const keys = demands.map(({ key }) => `portcullis:rate:${hash('sha256', key, 'base64url')}`);
    const figures = demands.flatMap(({ rate: { perMs, points, burst }, cost, window }) => {
      if (window !== undefined) return [0, window.points, cost, Math.max(1, Math.ceil(window.leftMs))];
      const each = perMs / points;
      return [each, burst * each, cost, 0];
    });
    const call: unknown = Reflect.get(this.#redis, script);
    if (typeof call !== 'function') throw new TypeError(`Redis has no script ${script}`);
    return answerSchema.parse(await Reflect.apply(call, this.#redis, [keys.length, ...keys, ...figures]));
  }
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
