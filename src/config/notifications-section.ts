import { z } from 'zod';
import { integerKey, secureUrlKey } from './config-keys.ts';

/** Who is told of what administrators and consumers do. */
export const notificationsSection = z.strictObject({
  webhooks: z
    .array(
      z.strictObject({
        url: secureUrlKey('Where each notification is posted as JSON.'),
        secret: z
          .string()
          .min(32)
          .max(1024)
          .describe(
            'Keys the signature of each call, best read from the environment; 32 characters or more.',
          ),
        topics: z
          .array(
            z
              .string()
              .regex(
                /^[a-z][A-Za-z]*\.(?:\*|[A-Za-z]+)$/u,
                'must be such as subscription.approve or subscription.*',
              ),
          )
          .max(64)
          .default([])
          .describe('What it is told of. Empty: everything.'),
      }),
    )
    .max(8)
    .default([])
    .describe('Each notification goes to all of them that want it. None by default.'),
  timeoutMs: integerKey({
    min: 100,
    max: 60_000,
    default: 5000,
    about: 'Time that a webhook has to answer, in milliseconds.',
  }),
  keepDays: integerKey({
    min: 1,
    max: 365,
    default: 30,
    about: 'Days after which a notification is forgotten, also one that never arrived.',
  }),
});
