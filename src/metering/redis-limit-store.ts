import { hash } from 'node:crypto';
import { Redis } from 'ioredis';
import { z } from 'zod';
import { left, type Verdict } from './gcra.ts';
import type { Demand, LimitStore, Taken } from './limit-store.ts';

/**
 * The arithmetic of gcra.ts on the clock of Redis, the one that all gateways see. ARGV: interval and burst of each key, both
 * in milliseconds of refilling, and what it costs. Answers in microseconds: from now until full, and by how much it is over.
 */
const TAKE = `
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local state, before, after, answer, granted = {}, {}, {}, {}, 1
for i, key in ipairs(KEYS) do
  local each, depth, cost = tonumber(ARGV[3*i-2]), tonumber(ARGV[3*i-1]), tonumber(ARGV[3*i])
  local known = state[key] or tonumber(redis.call('GET', key) or '0')
  before[i] = math.max(math.min(known, now + depth), now)
  after[i] = before[i] + cost * each
  local over = after[i] - now - depth
  if over > each / 1000 then granted = 0; after[i] = before[i] else over = 0 end
  state[key] = after[i]
  answer[2*i+1] = math.ceil(over * 1000)
end
answer[1] = granted
for i, key in ipairs(KEYS) do
  answer[2*i] = math.ceil(((granted == 1 and after[i] or before[i]) - now) * 1000)
  if granted == 1 and state[key] > now then
    redis.call('SET', key, string.format('%.17g', state[key]), 'PX', math.ceil(state[key] - now) + 1)
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
  if known then
    local full = math.min(tonumber(known) - ARGV[3*i] * ARGV[3*i-2], now + ARGV[3*i-1])
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
    const verdicts = demands.map(({ rate, cost }, index): Verdict => {
      const fullAt = (figures[2 * index] ?? 0) / 1000;
      const overMs = (figures[2 * index + 1] ?? 0) / 1000;
      const retryAfterMs = cost > rate.burst ? Number.POSITIVE_INFINITY : overMs;
      return { permitted: overMs === 0, fullAt, remaining: left(fullAt, rate, 0), retryAfterMs };
    });
    return { permitted, verdicts };
  }

  async settle(demands: readonly Pick<Demand, 'key' | 'rate'>[], points: number): Promise<void> {
    await this.#run(
      'settlePoints',
      demands.map(({ key, rate }) => ({ key, rate, cost: points })),
    );
  }

  async close(): Promise<void> {
    this.#redis.disconnect();
  }

  async #run(script: 'takePoints' | 'settlePoints', demands: readonly Demand[]): Promise<readonly number[]> {
    // Hashed: who reads Redis sees no names of callers, and a key has one length.
    const keys = demands.map(({ key }) => `portcullis:rate:${hash('sha256', key, 'base64url')}`);
    const figures = demands.flatMap(({ rate: { perMs, points, burst }, cost }) => {
      const each = perMs / points;
      return [each, burst * each, cost];
    });
    const call: unknown = Reflect.get(this.#redis, script);
    if (typeof call !== 'function') throw new TypeError(`Redis has no script ${script}`);
    return answerSchema.parse(await Reflect.apply(call, this.#redis, [keys.length, ...keys, ...figures]));
  }
}
