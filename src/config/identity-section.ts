import { z } from 'zod';
import { integerKey, isLoopbackHost, isUrl, serviceUrlFault, switchKey } from './config-keys.ts';

const ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
] as const;

/** Headers that say something else, which a credential must not replace. */
const RESERVED_HEADERS: ReadonlySet<string> = new Set([
  ...['accept', 'accept-encoding', 'apollo-require-preflight', 'authorization', 'connection'],
  ...['content-encoding', 'content-length', 'content-type', 'cookie', 'expect', 'host', 'origin'],
  ...['referer', 'te', 'trailer', 'transfer-encoding', 'upgrade', 'user-agent', 'x-apollo-operation-name'],
  ...['x-forwarded-for', 'x-request-id'],
]);

/** Keys that anybody on the way could replace would let anybody sign tokens, hence https unless it stays on the machine. */
function keySetFault(value: string): string | null {
  if (!isUrl(value)) {
    return null;
  }
  const fault = serviceUrlFault(value);
  if (fault !== null) {
    return /^https?:/i.test(value) ? fault : 'must be an https URL or the path of a file';
  }
  const url = new URL(value);
  if (url.protocol === 'http:' && !isLoopbackHost(url.hostname)) {
    return 'must be an https URL: http is accepted from this machine only, since keys fetched in the clear can be replaced';
  }
  return null;
}

const keySet = z
  .string()
  .min(1)
  .max(4096)
  .check((context) => {
    const fault = keySetFault(context.value);
    if (fault !== null) {
      context.issues.push({ code: 'custom', message: fault, input: context.value });
    }
  });

const claimName = (name: string, about: string) => z.string().min(1).max(256).default(name).describe(about);

const claims = z.strictObject({
  tenant: claimName('tenant', 'Claim that names the tenant.'),
  scopes: claimName('scope', 'Claim with the scopes: a space-separated string or a list.'),
  application: claimName('client_id', 'Claim that names the application.'),
  roles: claimName('roles', 'Claim with the roles.'),
  kind: z
    .string()
    .min(1)
    .max(256)
    .exactOptional()
    .describe(
      'Claim that says user, service or agent. Without it, a token whose subject is its client is a service.',
    ),
});

const jwtIssuer = z.strictObject({
  issuer: z.string().min(1).max(2048).describe('Exact value of the iss claim.'),
  jwks: keySet.describe('Its keys: an https URL (http from this machine only) or the path of a file.'),
  audiences: z
    .array(z.string().min(1).max(2048))
    .max(64)
    .default([])
    .describe(
      'Values of the aud claim that are for this gateway. Name them: without any, a token meant for another service of the issuer is taken too.',
    ),
  algorithms: z
    .array(
      z.enum(ALGORITHMS, {
        error: `must be one of ${ALGORITHMS.join(', ')}; HMAC and none are never accepted`,
      }),
    )
    .min(1)
    .max(ALGORITHMS.length)
    .default(['RS256', 'PS256', 'ES256', 'EdDSA'])
    .describe('Signature algorithms accepted. Asymmetric only, so that no shared secret can sign.'),
  clockToleranceSeconds: integerKey({
    min: 0,
    max: 300,
    default: 60,
    about: 'How far clocks may differ, in seconds. A minute covers unsynchronised machines.',
  }),
  requireExpiry: switchKey(
    true,
    'Refuses tokens without exp. A token that never ends cannot be lost safely.',
  ),
  claims: claims
    .prefault({})
    .describe('Which claims say what. A dotted name is a path where no claim has that name.'),
});

const keySetFetching = z.strictObject({
  timeoutMs: integerKey({
    min: 100,
    max: 60_000,
    default: 5000,
    about: 'Time one fetch of keys may take, in milliseconds.',
  }),
  refreshIntervalSeconds: integerKey({
    min: 10,
    max: 86_400,
    default: 300,
    about: 'Age at which keys are fetched anew, in seconds. A withdrawn key is honoured that much longer.',
  }),
  cooldownSeconds: integerKey({
    min: 1,
    max: 3600,
    default: 30,
    about:
      'Least time between fetches for unknown key ids, in seconds. Made-up key ids must not become requests to the issuer.',
  }),
  staleMaxSeconds: integerKey({
    min: 0,
    max: 86_400,
    default: 3600,
    about: 'How long the last good keys serve while the issuer is unreachable, in seconds; then 503.',
  }),
  responseBytes: integerKey({
    min: 1024,
    max: 16_777_216,
    default: 1_048_576,
    about: 'Largest key set, in bytes.',
  }),
});

const names = (about: string) => z.array(z.string().min(1).max(256)).max(256).default([]).describe(about);

const staticKey = z.strictObject({
  prefix: z
    .string()
    .regex(/^[A-Za-z0-9]{4,64}$/u, { error: 'must be 4 to 64 letters and digits' })
    .describe('The part of the key between the first two underscores; not secret.'),
  hash: z
    .string()
    .regex(/^[A-Za-z0-9_-]{43}$/u, { error: 'must be an HMAC-SHA-256 in base64url without padding' })
    .describe('HMAC-SHA-256 of the whole key under the pepper, base64url. The key itself is kept nowhere.'),
  tenant: z.string().min(1).max(128).describe('Tenant that the key belongs to.'),
  application: z.string().min(1).max(256).describe('Application that calls with it.'),
  subject: z.string().min(1).max(256).describe('Who the key acts as, in the audit and for subgraphs.'),
  scopes: names('Scopes of the key. None by default.'),
  roles: names('Roles of the key. None by default.'),
  expiresAt: z.iso.datetime().exactOptional().describe('When it ends, such as 2027-01-31T00:00:00Z.'),
});

const apiKeys = z.strictObject({
  header: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,63}$/u, { error: 'must be a header name in lower case' })
    .refine((name) => !RESERVED_HEADERS.has(name) && !name.startsWith('x-portcullis-'), {
      error: 'has another meaning already',
    })
    .default('x-api-key')
    .describe('Header for keys, besides Authorization with the scheme ApiKey.'),
  pepper: z
    .string()
    .min(32)
    .max(1024)
    .describe('Secret that keys the digests, best read from the environment; 32 characters or more.'),
  keys: z.array(staticKey).max(10_000).default([]).describe('Keys that are accepted.'),
});

/** Who may call, and which issuers are believed. */
export const identitySection = z.strictObject({
  anonymous: switchKey(
    true,
    'Lets callers without a credential in as anonymous: they reach what no rule protects. false answers them 401.',
  ),
  jwt: z
    .array(jwtIssuer)
    .max(64)
    .default([])
    .describe('Issuers whose tokens are believed. None by default: every token is refused.'),
  apiKeys: apiKeys
    .exactOptional()
    .describe('API keys for services. Without this section no key is accepted.'),
  jwks: keySetFetching.prefault({}).describe('How key sets are fetched.'),
  tokenBytes: integerKey({
    min: 256,
    max: 131_072,
    default: 16_384,
    about: 'Longest token looked at, in bytes.',
  }),
  tokenCacheMax: integerKey({
    min: 1,
    max: 1_000_000,
    default: 10_000,
    about:
      'Verified tokens remembered until they expire. Saves 100 µs per request; about 2 KB of memory each.',
  }),
});
