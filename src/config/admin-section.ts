import { z } from 'zod';
import { integerKey, switchKey } from './config-keys.ts';

/** The schema by which the control plane is administered, as a subgraph of the gateway's own. */
export const adminSection = z.strictObject({
  enabled: switchKey(
    false,
    'Adds the subgraph admin to the graph, served by the gateway itself on 127.0.0.1. Its fields need scopes that begin with portcullis:.',
  ),
  provider: z
    .string()
    .max(63)
    .regex(/^[a-z0-9][a-z0-9-]*$/, 'must be lower-case letters, digits and dashes')
    .describe(
      'Slug of the tenant whose people run the platform: only tokens of this tenant are staff, given their scopes. Without it staff are callers whose token names no tenant.',
    )
    .exactOptional(),
  port: integerKey({
    min: 0,
    max: 65_535,
    default: 0,
    about: 'Port on which the gateway serves it to itself; 0 takes any free one.',
  }),
});
