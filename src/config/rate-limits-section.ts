import { z } from 'zod';
import { behaviourSection } from './behaviour-section.ts';
import { integerKey, switchKey } from './config-keys.ts';
import { redisSection } from './redis-section.ts';

const limitName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,63}$/u, { error: 'must be lower-case letters, digits and dashes' })
  .refine((name) => name !== 'plan', { error: 'plan is the name of the limits of plans' })
  .describe('What callers are told: in RateLimit header fields and in the error.');

const operationKinds = z
  .array(z.enum(['query', 'mutation', 'subscription']))
  .min(1)
  .max(3)
  .default(['query', 'mutation', 'subscription'])
  .describe('Operations it is for.');

const dimensions = ['tenant', 'application', 'subject', 'credential', 'ip', 'product', 'operation'] as const;

const rate = {
  points: integerKey({
    min: 1,
    max: 1_000_000_000,
    default: 100,
    about: 'Points that come back in perSeconds. An operation costs its estimate, or 1 where costs are off.',
  }),
  perSeconds: integerKey({
    min: 1,
    max: 2_678_400,
    default: 1,
    about: 'Time in which that many points come back.',
  }),
  burst: z
    .int()
    .min(1)
    .max(1_000_000_000)
    .describe('Points that can be saved up; as many as points where it is not given.')
    .exactOptional(),
};

const limit = z.strictObject({
  name: limitName,
  by: z
    .array(z.enum([...dimensions, 'rootField']))
    .min(1)
    .max(8)
    .describe('What calls are told apart by; each combination has a bucket of its own.'),
  ...rate,
  roles: z
    .array(z.strictObject({ role: z.string().min(1).max(256).describe('A role of the caller.'), ...rate }))
    .max(32)
    .default([])
    .describe(
      'What holds for callers with a role instead, each role with buckets of its own; of several roles the most generous.',
    ),
  fields: z
    .array(z.string().regex(/^[_A-Za-z]\w{0,255}$/u))
    .max(1000)
    .default([])
    .describe(
      'Root fields it is for. Each use costs one point, aliases counted, in place of the cost. Empty: all operations.',
    ),
  kinds: operationKinds,
});

const quota = z.strictObject({
  name: limitName,
  by: z
    .array(z.enum(dimensions))
    .min(1)
    .max(7)
    .describe('What calls are told apart by; each combination has a quota of its own.'),
  points: integerKey({
    min: 1,
    max: 1_000_000_000_000,
    default: 100_000,
    about: 'Points of cost that may be used up. An operation costs its estimate, or 1 where costs are off.',
  }),
  per: z.enum(['day', 'month']).default('day').describe('In which time.'),
  kinds: operationKinds,
});

const failures = (count: number, about: string) => ({
  count: integerKey({ min: 1, max: 1_000_000, default: count, about }),
  perSeconds: integerKey({
    min: 1,
    max: 86_400,
    default: 60,
    about: 'Time in which that many are forgiven.',
  }),
});

const concurrency = z.strictObject({
  name: limitName,
  by: z
    .array(z.enum(dimensions))
    .min(1)
    .max(7)
    .describe('What calls are told apart by; each combination has places of its own.'),
  max: integerKey({
    min: 1,
    max: 1_000_000,
    default: 100,
    about: 'Operations that may run at once; a subscription runs until it ends.',
  }),
  kinds: operationKinds,
});

const timeZone = z.string().max(64).refine(isTimeZone, { error: 'must be a time zone such as Europe/Oslo' });

function isTimeZone(value: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: value }) !== null;
  } catch {
    return false;
  }
}

const NAMED = ['limits', 'quotas', 'concurrency'] as const;

/** Buckets are told apart by name: two of a name would take from each other. */
function nameOnce(
  section: Readonly<Record<(typeof NAMED)[number], readonly Named[]>>,
  fault: (path: readonly (string | number)[]) => void,
): void {
  const seen = new Set<string>();
  for (const list of NAMED) {
    for (const [index, { name }] of section[list].entries()) {
      if (seen.has(name)) fault([list, index, 'name']);
      seen.add(name);
    }
  }
}

interface Named {
  readonly name: string;
}

/** How much callers may ask for. */
export const rateLimitsSection = z
  .strictObject({
    limits: z
      .array(limit)
      .max(64)
      .default([])
      .describe('All of them hold, and a call takes from all or none. None by default.'),
    quotas: z
      .array(quota)
      .max(32)
      .default([])
      .describe('What callers may use up in a day or a month, besides the limits. None by default.'),
    concurrency: z
      .array(concurrency)
      .max(32)
      .default([])
      .describe('How many operations may run at once, besides the limits. None by default.'),
    timeZone: timeZone.default('UTC').describe('Where days and months of quotas begin.'),
    tenantTimeZones: z
      .record(z.string().min(1).max(128), timeZone)
      .default({})
      .describe('Where they begin for single tenants, by slug.'),
    bucketsMax: integerKey({
      min: 1000,
      max: 10_000_000,
      default: 1_000_000,
      about:
        'Buckets held in this process, about 200 bytes each. Without room for another, a call that needs one is refused.',
    }),
    redis: redisSection.exactOptional(),
    behaviour: behaviourSection.exactOptional(),
    chargeEvents: switchKey(
      false,
      'Whether each event of a subscription takes its estimate and is settled, like an operation; without points the stream ends.',
    ),
    failures: z
      .strictObject({
        ...failures(100, 'Failures that one address may save up.'),
        credential: z
          .strictObject(failures(1000, 'Failures that one credential may save up, from all addresses.'))
          .describe(
            'The same of one credential: of an API key by its prefix, which locks out its owner too while others guess at it, and of a token by its end. Not limited by default.',
          )
          .exactOptional(),
      })
      .describe('Failed authentications, looked at before any signature is checked. Not limited by default.')
      .exactOptional(),
  })
  .superRefine((section, context) =>
    nameOnce(section, (path) =>
      context.addIssue({ code: 'custom', path: [...path], message: 'is the name of another limit or quota' }),
    ),
  );
