import { z } from 'zod';
import { integerKey, pathKey } from './config-keys.ts';

const databaseKey = z
  .string()
  .max(2048)
  .check((context) => {
    const { value } = context;
    if (value.startsWith('pglite://') && value.length > 'pglite://'.length) return;
    const protocol = URL.parse(value)?.protocol;
    if (protocol === 'postgres:' || protocol === 'postgresql:') return;
    const message = 'must be pglite://PATH, or a postgres:// URL';
    context.issues.push({ code: 'custom', message, input: value });
  });

/** Where the control plane keeps what it knows, and what its administrators have to prove. */
export const stateSection = z.strictObject({
  database: databaseKey
    .default('pglite://.portcullis/db')
    .describe(
      'pglite://PATH for the embedded PostgreSQL of one gateway process, or a postgres:// URL. It is opened only where approvals are enforced, the admin subgraph is on, the audit has a sink of type database, or incidents are looked for.',
    ),
  pepperFile: pathKey(
    'A secret of 32 bytes or more that keys the digests of API keys. The embedded database makes its own; PostgreSQL needs one that all gateways share.',
  ).exactOptional(),
  timeoutMs: integerKey({
    min: 100,
    max: 600_000,
    default: 10_000,
    about: 'Longest time for one statement, or for a connection to be free, in milliseconds.',
  }),
  connectionsMax: integerKey({
    min: 1,
    max: 100,
    default: 4,
    about:
      'Connections to PostgreSQL of one gateway, besides one that listens for changes and one that reads what is restricted. No request waits for them.',
  }),
  pollMs: integerKey({
    min: 50,
    max: 60_000,
    default: 500,
    about:
      'Time between two questions whether anything changed, in milliseconds. PostgreSQL also tells changes at once.',
  }),
  requestDays: integerKey({
    min: 1,
    max: 365,
    default: 30,
    about: 'Days that a request for a subscription waits for a decision before it lapses.',
  }),
  stepUp: z
    .strictObject({
      factors: z
        .array(z.string().min(1).max(256))
        .min(1)
        .max(32)
        .default(['mfa', 'otp', 'hwk', 'swk', 'fpt', 'face', 'iris', 'sc'])
        .describe('One of these has to be in the amr claim, or be the acr claim.'),
      maxAgeSeconds: integerKey({
        min: 1,
        max: 86_400,
        default: 900,
        about: 'Longest time since the authentication (auth_time), in seconds.',
      }),
    })
    .prefault({})
    .describe('What who approves a subscription has to have proven.'),
});
