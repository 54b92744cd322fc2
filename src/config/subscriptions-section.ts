import { z } from 'zod';
import { integerKey, switchKey } from './config-keys.ts';

const DAY_MS = 86_400_000;

/** Streams of events to clients: whether there are any, how many, how large and how long. */
export const subscriptionsSection = z.strictObject({
  enabled: switchKey(
    true,
    'Serves subscriptions over server-sent events, multipart answers and WebSockets. Off: those are refused.',
  ),
  maxPerConnection: integerKey({
    min: 1,
    max: 10_000,
    default: 100,
    about: 'Operations that may run on one WebSocket at once.',
  }),
  maxConnections: integerKey({
    min: 1,
    max: 1_000_000,
    default: 10_000,
    about: 'WebSockets and streaming answers open at once in this process. Each costs memory while it waits.',
  }),
  maxPerPrincipal: integerKey({
    min: 1,
    max: 1_000_000,
    default: 100,
    about: 'Subscriptions of one caller at once; callers without a credential are told apart by address.',
  }),
  idleTimeoutMs: integerKey({
    min: 100,
    max: DAY_MS,
    default: 300_000,
    about:
      'Time without a sign of life from a subgraph, or without an operation on a WebSocket, in milliseconds.',
  }),
  heartbeatMs: integerKey({
    min: 100,
    max: 600_000,
    default: 10_000,
    about:
      'Time between signs of life to a client, in milliseconds. Below the minute after which proxies give up.',
  }),
  eventTimeoutMs: integerKey({
    min: 1,
    max: 600_000,
    default: 10_000,
    about:
      'Time for completing one event from other subgraphs, and for a client to take it, in milliseconds. A slower client is cut off.',
  }),
  eventBytesMax: integerKey({
    min: 1024,
    max: 104_857_600,
    default: 1_048_576,
    about: 'Largest event taken from a subgraph, in bytes.',
  }),
  initTimeoutMs: integerKey({
    min: 100,
    max: 60_000,
    default: 3000,
    about: 'Time a WebSocket has to send connection_init, in milliseconds.',
  }),
  maxLifetimeMs: integerKey({
    min: 100,
    max: DAY_MS,
    default: 3_600_000,
    about: 'Longest life of a subscription or WebSocket, in milliseconds; clients then connect again.',
  }),
});
