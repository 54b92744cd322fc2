import { GatewayError } from '../../src/errors.ts';
import type { Principal } from '../../src/identity/principal.ts';
import type { FailureSource } from '../../src/metering/failure-limits.ts';
import { MemoryLimitStore } from '../../src/metering/limit-store.ts';
import { MemoryPlaceStore } from '../../src/metering/places.ts';
import { StoredRateLimiter } from '../../src/metering/rate-limiter.ts';
import type { LimitedCall, RateLimit } from '../../src/metering/rate-limits.ts';
import { Throttles } from '../../src/metering/throttles.ts';
import { compose, understand, user } from '../operation/graph-kit.ts';

const GRAPH = compose('type Query { a: String login(name: String): String } type Mutation { m: String }');
export const LIMIT: RateLimit = {
  ...{ name: 'calls', by: ['tenant', 'subject'], points: 10, perMs: 1000, burst: 10 },
  ...{ fields: [], kinds: ['query', 'mutation', 'subscription'], roles: [] },
};
export const ada: Principal = { ...user(), tenant: 'acme', issuer: 'i' };

export function call(part: Partial<LimitedCall> & { text?: string } = {}): LimitedCall {
  const { text = '{ a }', ...rest } = part;
  return {
    ...{
      principal: ada,
      remoteAddress: '10.0.0.1',
      operationName: null,
      kind: 'query',
      points: 1,
      plans: [],
    },
    variant: understand(GRAPH, text).variant(''),
    ...rest,
  };
}

export function limiter(...limits: Partial<RateLimit>[]) {
  const clock = { now: 0 };
  const store = new MemoryLimitStore(1000, () => clock.now);
  const rates = new StoredRateLimiter({
    limits: limits.map((limit) => ({ ...LIMIT, ...limit })),
    ...{ quotas: null, store, throttles: new Throttles(() => clock.now) },
    concurrency: { limits: [], places: new MemoryPlaceStore() },
    chargesEvents: false,
    behaviour: null,
    failures: {
      ofAddress: { points: 2, burst: 2, perMs: 60_000 },
      ofCredential: { points: 3, burst: 3, perMs: 60_000 },
    },
  });
  // What is thrown at once rejects here, so that tests see one way.
  const asked = {
    reserve: async (asking: LimitedCall) => rates.reserve(asking),
    requireFewFailures: async (address: string, presented?: string) =>
      rates.requireFewFailures(sourceOf(address, presented)),
    noteFailure: async (address: string, presented?: string) =>
      rates.noteFailure(sourceOf(address, presented)),
    throttle: rates.throttle.bind(rates),
    close: () => rates.close(),
  };
  return { rates: asked, clock };
}

function sourceOf(remoteAddress: string, presented?: string): FailureSource {
  return { remoteAddress, authorization: presented === undefined ? [] : [presented] };
}

export async function refusalOf(work: Promise<unknown>): Promise<GatewayError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof GatewayError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}
