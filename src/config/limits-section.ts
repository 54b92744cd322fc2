import { z } from 'zod';
import { integerKey, switchKey } from './config-keys.ts';

const batching = z.strictObject({
  enabled: switchKey(
    false,
    'Accepts an array of operations in one request. Off: a batch is an easy way around per-request limits.',
  ),
  max: integerKey({ min: 1, max: 1000, default: 10, about: 'Most operations in one batch.' }),
});

/** How large an operation and a request may be. */
export const limitsSection = z.strictObject({
  depth: integerKey({ min: 1, max: 1000, default: 20, about: 'Nested fields; `{ a }` is 1.' }),
  height: integerKey({
    min: 1,
    max: 100_000,
    default: 1000,
    about: 'Distinct response keys, counted per parent.',
  }),
  aliases: integerKey({
    min: 0,
    max: 10_000,
    default: 30,
    about: 'Aliased fields. Aliases repeat a costly field within one operation.',
  }),
  rootFields: integerKey({ min: 1, max: 10_000, default: 30, about: 'Root fields, fragments included.' }),
  directives: integerKey({ min: 0, max: 10_000, default: 50, about: 'Directives in the document.' }),
  tokens: integerKey({
    min: 1,
    max: 1_000_000,
    default: 10_000,
    about: 'Lexical tokens, counted before the document is parsed.',
  }),
  selections: integerKey({
    min: 1,
    max: 1_000_000,
    default: 10_000,
    about: 'Selections of the expanded operation: each fragment counts wherever it is spread.',
  }),
  deferredParts: integerKey({
    min: 0,
    max: 1000,
    default: 0,
    about:
      'Fragments with `@defer`, counted wherever they are spread. By default all are refused. Holds with warnOnly too: each is planned by itself.',
  }),
  bodyBytes: integerKey({
    min: 1024,
    max: 104_857_600,
    default: 1_048_576,
    about: 'Largest request body after decompression, in bytes.',
  }),
  warnOnly: switchKey(
    false,
    'Reports operations over a limit without refusing them, to find the right limits. bodyBytes refuses all the same.',
  ),
  introspection: z
    .enum(['permit', 'authenticated', 'deny'])
    .default('permit')
    .describe('Who may ask for the schema: everybody, callers with a credential, or nobody.'),
  batching: batching.prefault({}).describe('Several operations in one request.'),
});

const warmUp = z.strictObject({
  operations: integerKey({
    min: 0,
    max: 10_000,
    default: 100,
    about: 'Most used operations that are compiled again before a new supergraph takes over; 0 turns it off.',
  }),
  timeoutMs: integerKey({
    min: 1,
    max: 60_000,
    default: 5000,
    about: 'Time for which a new supergraph waits for that, in milliseconds. The old one serves meanwhile.',
  }),
});

/** Bounds of the workers that parse, validate and plan operations seen for the first time. */
export const compileSection = z.strictObject({
  workers: integerKey({
    min: 1,
    max: 64,
    default: 1,
    about: 'Threads that compile. Each operation is compiled once, so one keeps up with most traffic.',
  }),
  timeoutMs: integerKey({
    min: 100,
    max: 60_000,
    default: 5000,
    about:
      'Time one operation may take to compile, in milliseconds. A 1 KB document can keep a planner busy for 20 s.',
  }),
  memoryMb: integerKey({
    min: 64,
    max: 16_384,
    default: 512,
    about: 'Memory of one worker, in MiB. An operation that needs more is refused, and the worker replaced.',
  }),
  queueMax: integerKey({
    min: 1,
    max: 100_000,
    default: 256,
    about: 'Operations that may wait for a worker; more are answered 503.',
  }),
  cacheMax: integerKey({ min: 1, max: 1_000_000, default: 5000, about: 'Compiled operations kept.' }),
  cacheBytes: integerKey({
    min: 1_048_576,
    max: 17_179_869_184,
    default: 67_108_864,
    about: 'Size of the compiled operations kept, in bytes.',
  }),
  warmUp: warmUp.prefault({}).describe('What is compiled ahead when the supergraph changes.'),
});
