import { z } from 'zod';
import { integerKey } from './config-keys.ts';

const address = z
  .string()
  .max(2048)
  .refine((value) => ['redis:', 'rediss:'].includes(URL.parse(value)?.protocol ?? ''), {
    error: 'must be a redis:// or rediss:// URL',
  });

/** Where limits are shared by all gateways. */
export const redisSection = z
  .strictObject({
    url: address.describe('One Redis; rediss:// for TLS.').exactOptional(),
    nodes: z
      .array(address)
      .min(1)
      .max(64)
      .describe(
        'In place of url, nodes of a Redis Cluster from which the others are found; user, password and TLS of the first hold for all.',
      )
      .exactOptional(),
    mode: z
      .enum(['leased', 'strict'])
      .default('leased')
      .describe(
        'leased: each process takes points ahead of need, and a call rarely waits. strict: each call asks Redis.',
      ),
    sliceMs: integerKey({
      min: 50,
      max: 60_000,
      default: 1000,
      about:
        'Longest time that points taken ahead of need are held, in milliseconds: all gateways together permit in any time at most what comes back in that much more of it.',
    }),
    slicePercent: integerKey({
      min: 1,
      max: 50,
      default: 10,
      about: 'Most that one process holds of a bucket, in percent of its burst or quota.',
    }),
    leaseMs: integerKey({
      min: 1000,
      max: 600_000,
      default: 15_000,
      about:
        'Time after which places of limits on concurrency are free again where their process was not heard of, in milliseconds; it is heard of three times as often.',
    }),
    deadlineMs: integerKey({
      min: 5,
      max: 10_000,
      default: 50,
      about: 'Longest time that a call waits for Redis, in milliseconds.',
    }),
    reconnectMsMax: integerKey({
      min: 50,
      max: 60_000,
      default: 2000,
      about: 'Longest pause between two attempts to connect, in milliseconds.',
    }),
    probeAfterMs: integerKey({
      min: 10,
      max: 600_000,
      default: 1000,
      about:
        'After a failure Redis is left alone this long, a half more or less at random; then one call at a time asks, in milliseconds.',
    }),
    localPercent: integerKey({
      min: 1,
      max: 100,
      default: 25,
      about:
        'What this process permits of each limit while Redis is lost, in percent; at least a burst of one point.',
    }),
  })
  .refine(({ url, nodes }) => (url === undefined) !== (nodes === undefined), {
    error: 'needs either url or nodes',
  })
  .describe('Where buckets are shared by all gateways. Without it each process has its own.');
