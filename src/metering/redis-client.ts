import { Cluster, Redis } from 'ioredis';
import { z } from 'zod';

/** Where Redis is, and how long one call and one pause between two attempts to connect may take. */
export interface RedisOptions {
  /** One Redis, or nodes of a cluster from which the others are found. */
  readonly server: { readonly url: string } | { readonly nodes: readonly string[] };
  readonly deadlineMs: number;
  readonly reconnectMsMax: number;
}

const answerSchema = z.array(z.number());
/** Soon enough that a failover is followed, and seldom enough that it costs nothing. Units: milliseconds. */
const SLOTS_REFRESH_MS = 1000;

/**
 * Scripts on one Redis or on a cluster. A call fails at once where there is no connection, and at its deadline in any case.
 * Invariant: in a cluster all keys of a call are in one slot.
 */
export class RedisClient {
  readonly #redis: Redis | Cluster;
  readonly #deadlineMs: number;
  readonly isCluster: boolean;

  /** `scripts` by name. */
  constructor(options: RedisOptions, scripts: Readonly<Record<string, string>>) {
    this.#deadlineMs = options.deadlineMs;
    this.isCluster = 'nodes' in options.server;
    const named = Object.fromEntries(Object.entries(scripts).map(([name, lua]) => [name, { lua }]));
    this.#redis =
      'nodes' in options.server
        ? cluster(options.server.nodes, options, named)
        : single(options.server.url, options, named);
    // The next command fails too, and that is what the guard tells of: once, not at each attempt to connect.
    this.#redis.on('error', () => undefined);
  }

  /** Whether commands are sent; without a connection they fail at once. */
  get isReady(): boolean {
    return this.#redis.status === 'ready';
  }

  /** Throws: what the client throws, and past the deadline. */
  async run(
    script: string,
    keys: readonly string[],
    figures: readonly (string | number)[],
  ): Promise<readonly number[]> {
    const call: unknown = Reflect.get(this.#redis, script);
    if (typeof call !== 'function') throw new TypeError(`Redis has no script ${script}`);
    const answer: unknown = Reflect.apply(call, this.#redis, [keys.length, ...keys, ...figures]);
    return answerSchema.parse(await (this.isCluster ? this.#inTime(answer) : answer));
  }

  close(): void {
    this.#redis.disconnect();
  }

  /** A cluster's client follows redirections and failovers: each try has the deadline, and so has the whole. */
  async #inTime(answer: unknown): Promise<unknown> {
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => late.reject(new Error('Redis did not answer in time')), this.#deadlineMs);
    try {
      return await Promise.race([answer, late.promise]);
    } finally {
      clearTimeout(timer);
    }
  }
}

type Scripts = Record<string, { readonly lua: string }>;

function single(url: string, { deadlineMs, reconnectMsMax }: RedisOptions, scripts: Scripts): Redis {
  return new Redis(url, {
    ...connection(deadlineMs),
    ...{ enableOfflineQueue: false, maxRetriesPerRequest: 0, scripts },
    retryStrategy: pause(reconnectMsMax),
  });
}

function cluster(
  nodes: readonly string[],
  { deadlineMs, reconnectMsMax }: RedisOptions,
  scripts: Scripts,
): Cluster {
  const [first] = nodes.map((node) => new URL(node));
  const credentials = {
    ...(first?.username ? { username: decodeURIComponent(first.username) } : {}),
    ...(first?.password ? { password: decodeURIComponent(first.password) } : {}),
    ...(first?.protocol === 'rediss:' ? { tls: {} } : {}),
  };
  return new Cluster([...nodes], {
    ...{ enableOfflineQueue: false, scripts, slotsRefreshInterval: SLOTS_REFRESH_MS },
    // The deadline of a call is short: it is not for a try after a long pause.
    ...{ maxRedirections: 3, retryDelayOnFailover: 20, retryDelayOnClusterDown: 20 },
    clusterRetryStrategy: pause(reconnectMsMax),
    clusterNodeRetryStrategy: pause(reconnectMsMax),
    redisOptions: { ...connection(deadlineMs), ...credentials },
  });
}

function connection(deadlineMs: number) {
  return {
    commandTimeout: deadlineMs,
    connectTimeout: Math.max(1000, deadlineMs),
    autoResendUnfulfilledCommands: false,
  };
}

function pause(msMax: number) {
  return (attempt: number) => Math.min(50 * 2 ** Math.min(attempt, 10), msMax);
}
