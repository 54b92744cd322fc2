import { z } from 'zod';
import { integerKey } from './config-keys.ts';

const MODES = ['off', 'dryRun', 'act'] as const;
const ACTIONS = [
  'none',
  'throttle',
  'stepUp',
  'suspendCredential',
  'suspendApplication',
  'blockOperation',
  'blockField',
] as const;

interface Defaults {
  readonly threshold: number;
  readonly windowSeconds: number;
  readonly floor?: number;
  readonly action: (typeof ACTIONS)[number];
  /** What the threshold counts; ends up in the reference. */
  readonly counts: string;
  readonly about: string;
}

/** Settings of one detector. */
function detector({ threshold, windowSeconds, floor = 0, action, counts, about }: Defaults) {
  return z
    .strictObject({
      mode: z.enum(MODES).describe('In place of incidents.mode, for this detector alone.').exactOptional(),
      threshold: integerKey({ min: 1, max: 1_000_000_000, default: threshold, about: counts }),
      windowSeconds: integerKey({
        min: 1,
        max: 86_400,
        default: windowSeconds,
        about: 'Time in which they count, in seconds.',
      }),
      floor: integerKey({
        min: 0,
        max: 1_000_000_000,
        default: floor,
        about: 'What is fewer in a window is never wrong.',
      }),
      action: z
        .enum(ACTIONS)
        .default(action)
        .describe('What is done about it at once, where it can be done to what was found.'),
      actionSeconds: integerKey({
        min: 1,
        max: 604_800,
        default: 900,
        about: 'After how long that is undone, in seconds.',
      }),
    })
    .prefault({})
    .describe(about);
}

const detectors = z
  .strictObject({
    credentialStuffing: detector({
      ...{ threshold: 20, windowSeconds: 60, action: 'none' },
      counts: 'Credentials of one address that are not believed.',
      about: 'Somebody tries credentials out. rateLimits.failures holds such an address by itself.',
    }),
    tokenReplay: detector({
      ...{ threshold: 8, windowSeconds: 300, action: 'suspendCredential' },
      counts: 'Addresses, or IPv6 networks, that use one credential.',
      about: 'One credential from many addresses.',
    }),
    idEnumeration: detector({
      ...{ threshold: 100, windowSeconds: 60, action: 'throttle' },
      counts:
        'Root fields that answer nothing, each alias by itself. For different ids see incidents.distinctIds.',
      about:
        'A caller looks up one thing after the other that is not there, or more different things than people do.',
    }),
    schemaProbing: detector({
      ...{ threshold: 30, windowSeconds: 300, action: 'throttle' },
      counts: 'Operations that do not fit the schema, or ask for it where that is not allowed.',
      about: 'A caller tries out what the schema may have.',
    }),
    refusalBurst: detector({
      ...{ threshold: 60, windowSeconds: 60, action: 'throttle' },
      counts: 'Requests that authorization refuses, in whole or in part.',
      about: 'A caller keeps asking for what it may not have.',
    }),
    costSpike: detector({
      ...{ threshold: 10, windowSeconds: 60, floor: 10_000, action: 'throttle' },
      counts: 'How many times its usual cost a caller costs in a window. Ten windows make a habit.',
      about: 'A caller costs many times what it usually does. Needs cost.mode to be measure or enforce.',
    }),
    sensitiveVolume: detector({
      ...{ threshold: 5000, windowSeconds: 600, action: 'stepUp' },
      counts: 'Values of fields that are @sensitive and not masked, or listed in incidents.sensitiveFields.',
      about: 'A caller reads more sensitive values than people do.',
    }),
    tenantIsolation: detector({
      ...{ threshold: 1, windowSeconds: 60, action: 'blockOperation' },
      counts: 'Objects of another tenant that a subgraph let out.',
      about: 'A subgraph let out objects of another tenant, which were withheld.',
    }),
    subgraphErrors: detector({
      ...{ threshold: 50, windowSeconds: 60, floor: 100, action: 'none' },
      counts: 'Share of calls that fail, in percent.',
      about: 'A subgraph fails. execution.guard leaves it alone by itself.',
    }),
    auditTampering: detector({
      ...{ threshold: 1, windowSeconds: 600, action: 'none' },
      counts: 'Places where the log is not as it was written.',
      about: 'The newest segments of the audit log are verified once in each window.',
    }),
  })
  .prefault({});

/** What is looked for in the audit, and what is done about it. */
export const incidentsSection = z.strictObject({
  mode: z
    .enum(MODES)
    .default('off')
    .describe(
      'off looks for nothing; dryRun opens incidents and says what it would do; act does it. Opens the control plane.',
    ),
  detectors: detectors.describe('What is looked for, and from when on it is an incident.'),
  sensitiveFields: z
    .array(
      z
        .string()
        .max(512)
        .regex(/^[_A-Za-z]\w*\.[_A-Za-z]\w*$/u, 'must be a field, such as User.email'),
    )
    .max(1000)
    .default([])
    .describe(
      'Fields whose values sensitiveVolume counts besides those that are @sensitive, by the object types that have them.',
    ),
  distinctIds: integerKey({
    min: 10,
    max: 4000,
    default: 600,
    about:
      'Different ids that one caller gives for one argument within the window of idEnumeration, from which on they are tried out. They are told apart where the schema marks a field or its argument with @audit(level: DETAILED).',
  }),
  distinctIdsTotal: integerKey({
    min: 10,
    max: 4000,
    default: 1500,
    about:
      'The same for all arguments of all fields together, so that nobody gets further by spreading ids over many of them. Above distinctIds, since a page asks for several things at once.',
  }),
  throttlePercent: integerKey({
    min: 1,
    max: 100,
    default: 10,
    about: 'Share of each rate limit and quota that a throttled caller is left with, in percent.',
  }),
  muteSeconds: integerKey({
    min: 0,
    max: 2_592_000,
    default: 86_400,
    about: 'Time for which the same is not taken for an incident again, once it was called a false positive.',
  }),
  queueMax: integerKey({
    min: 100,
    max: 1_000_000,
    default: 10_000,
    about: 'Events that may wait to be looked at. Those beyond are recorded, but not looked at.',
  }),
  keysMax: integerKey({
    min: 100,
    max: 1_000_000,
    default: 20_000,
    about:
      'Callers and addresses that each detector holds, a few hundred bytes each; the quietest goes first.',
  }),
  reportsPerHourMax: integerKey({
    min: 1,
    max: 100_000,
    default: 100,
    about:
      'Incidents of one detector about one tenant, or about callers without one, that this process opens within an hour.',
  }),
});
