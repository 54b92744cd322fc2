import { z } from 'zod';
import { integerKey } from './config-keys.ts';

/** How many processes serve. */
export const workersKey = integerKey({
  min: 1,
  max: 64,
  default: 1,
  about:
    'Gateway processes that share the port. More than one needs what they share: rateLimits.redis where rates are limited, PostgreSQL where there is a control plane.',
});

/** How worker processes are kept alive. */
export const supervisionSection = z.strictObject({
  restartMs: integerKey({
    min: 1,
    max: 60_000,
    default: 100,
    about:
      'Pause before a worker that ended is started again, in milliseconds; each further failure doubles it.',
  }),
  restartMsMax: integerKey({
    min: 1,
    max: 600_000,
    default: 10_000,
    about: 'Longest pause, in milliseconds. A worker that served that long starts from the shortest again.',
  }),
  failedStartsMax: integerKey({
    min: 1,
    max: 1000,
    default: 5,
    about:
      'Starts in a row that may fail before all is given up. While another worker serves, nothing is: it is tried at the longest pause.',
  }),
  startTimeoutMs: integerKey({
    min: 100,
    max: 600_000,
    default: 60_000,
    about: 'Time a worker has to start, in milliseconds; one that hangs is ended and counts as failed.',
  }),
});
