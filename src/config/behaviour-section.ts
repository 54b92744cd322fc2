import { z } from 'zod';
import { integerKey } from './config-keys.ts';

const percent = (initial: number, about: string) => integerKey({ min: 1, max: 100, default: initial, about });

/** Limits that change with what a caller does. */
export const behaviourSection = z
  .strictObject({
    windowSeconds: integerKey({
      min: 1,
      max: 3600,
      default: 60,
      about: 'Time of which the calls of a caller are looked at together.',
    }),
    callsMin: integerKey({
      min: 5,
      max: 100_000,
      default: 50,
      about: 'Calls in that time below which nothing is concluded.',
    }),
    refusalsPercent: percent(
      50,
      'Share of calls that are refused, by anything but limits, above which a caller is held to less; 100 looks at none.',
    ),
    invalidPercent: percent(50, 'The same of those that are no valid operation; 100 looks at none.'),
    distinctOperations: integerKey({
      min: 10,
      max: 1000,
      default: 200,
      about: 'Different operations in that time; counted within a few percent.',
    }),
    costTimes: integerKey({
      min: 2,
      max: 1000,
      default: 10,
      about:
        'Cost of a call, as a multiple of what calls of the caller cost so far. Only where costs are counted.',
    }),
    stepPercent: integerKey({
      min: 10,
      max: 90,
      default: 50,
      about: 'What a step leaves of the limits that held before it, in percent.',
    }),
    floorPercent: percent(10, 'Least that is left of the limits, in percent.'),
    relaxSeconds: integerKey({
      min: 1,
      max: 86_400,
      default: 300,
      about: 'Time without a cause after which one step is taken back.',
    }),
    callersMax: integerKey({
      min: 100,
      max: 1_000_000,
      default: 100_000,
      about:
        'Callers looked at in this process, up to 400 bytes each. Of more, those not heard of for longest are begun anew; who is held to less stays so.',
    }),
  })
  .describe('Holds callers to a share of each limit for what they do. Off where it is not given.');
