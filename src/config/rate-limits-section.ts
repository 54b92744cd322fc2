import { z } from 'zod';
import { integerKey } from './config-keys.ts';

const limit = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,63}$/u, { error: 'must be lower-case letters, digits and dashes' })
    .describe('What callers are told: in RateLimit header fields and in the error.'),
  by: z
    .array(z.enum(['tenant', 'application', 'subject', 'credential', 'ip', 'operation', 'rootField']))
    .min(1)
    .max(7)
    .describe('What calls are told apart by; each combination has a bucket of its own.'),
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
  fields: z
    .array(z.string().regex(/^[_A-Za-z]\w{0,255}$/u))
    .max(1000)
    .default([])
    .describe(
      'Root fields it is for. Each use costs one point, aliases counted, in place of the cost. Empty: all operations.',
    ),
  kinds: z
    .array(z.enum(['query', 'mutation', 'subscription']))
    .min(1)
    .max(3)
    .default(['query', 'mutation', 'subscription'])
    .describe('Operations it is for.'),
});

/** How much callers may ask for. */
export const rateLimitsSection = z.strictObject({
  limits: z
    .array(limit)
    .max(64)
    .default([])
    .describe('All of them hold, and a call takes from all or none. None by default.'),
  bucketsMax: integerKey({
    min: 1000,
    max: 10_000_000,
    default: 1_000_000,
    about:
      'Buckets held in this process, about 200 bytes each. Without room for another, a call that needs one is refused.',
  }),
  failures: z
    .strictObject({
      count: integerKey({
        min: 1,
        max: 1_000_000,
        default: 100,
        about: 'Failures that one address may save up.',
      }),
      perSeconds: integerKey({
        min: 1,
        max: 86_400,
        default: 60,
        about: 'Time in which that many are forgiven.',
      }),
    })
    .describe(
      'Failed authentications of one address, looked at before any signature is checked. Not limited by default.',
    )
    .exactOptional(),
});
