import { generateKeyPairSync, type KeyObject, sign, type webcrypto } from 'node:crypto';
import { expect } from 'vitest';
import { GatewayError } from '../../src/errors.ts';
import { createIdentifier, type Identifier } from '../../src/identity/identify.ts';
import type { IdentityOptions, JwtIssuerOptions } from '../../src/identity/identity-options.ts';
import { StaticJwksSource } from '../../src/identity/jwks-source.ts';
import type { Principal } from '../../src/identity/principal.ts';

export const ISSUER = 'https://issuer.example';
export const AUDIENCE = 'https://api.example';
/** Units: seconds since the epoch. */
export const NOW = 1_800_000_000;
export const TOLERANCE = 30;

export interface KeyPair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

export const ecKey: KeyPair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
export const otherEcKey: KeyPair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
export const rsaKey: KeyPair = generateKeyPairSync('rsa', { modulusLength: 2048 });
export const edKey: KeyPair = generateKeyPairSync('ed25519');

/** A public key as an issuer publishes it. */
export function jwkOf(pair: KeyPair, members: object = {}): webcrypto.JsonWebKey {
  return { ...pair.publicKey.export({ format: 'jwk' }), ...members };
}

export const JWKS = {
  keys: [
    jwkOf(ecKey, { kid: 'ec', alg: 'ES256', use: 'sig' }),
    jwkOf(rsaKey, { kid: 'rsa', use: 'sig' }),
    jwkOf(edKey, { kid: 'ed' }),
  ],
};

export const CLAIMS = {
  iss: ISSUER,
  aud: AUDIENCE,
  sub: 'user-1',
  exp: NOW + 600,
  iat: NOW - 10,
  tenant: 'acme',
  scope: 'orders:read orders:write',
  client_id: 'shop',
  jti: 'token-1',
};

export const encode = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

/** Signs exactly these texts as header and payload, whatever they hold. */
export function signRaw(header: string, payload: string, pair: KeyPair = ecKey): string {
  const input = `${encode(header)}.${encode(payload)}`;
  return `${input}.${signatureOf(input, pair)}`;
}

function signatureOf(input: string, { privateKey }: KeyPair): string {
  const digest = privateKey.asymmetricKeyType === 'ed25519' ? null : 'sha256';
  const options = { key: privateKey, dsaEncoding: 'ieee-p1363' } as const;
  return sign(digest, Buffer.from(input), options).toString('base64url');
}

/** A token that would be accepted but for the members given; an undefined member is left out. */
export function token(claims: object = {}, header: object = {}, pair: KeyPair = ecKey): string {
  const fullHeader = { alg: 'ES256', kid: 'ec', typ: 'JWT', ...header };
  return signRaw(JSON.stringify(fullHeader), JSON.stringify({ ...CLAIMS, ...claims }), pair);
}

export function issuerOptions(changes: Partial<JwtIssuerOptions> = {}): JwtIssuerOptions {
  return {
    issuer: ISSUER,
    keys: new StaticJwksSource(JWKS),
    audiences: [AUDIENCE],
    algorithms: ['ES256', 'RS256', 'EdDSA'],
    clockToleranceSeconds: TOLERANCE,
    requireExpiry: true,
    claims: { tenant: 'tenant', scopes: 'scope', application: 'client_id', roles: 'roles' },
    ...changes,
  };
}

/** A clock that only the test moves. */
export class FakeClock {
  seconds = NOW;
  readonly now = (): number => this.seconds * 1000;
}

export function identifierWith(
  changes: Partial<IdentityOptions> = {},
  clock: { now(): number } = new FakeClock(),
): Identifier {
  return createIdentifier(
    { anonymous: true, jwt: [issuerOptions()], tokenCacheMax: 100, tokenBytesMax: 16_384, ...changes },
    clock,
  );
}

export const bearer = (value: string): { readonly authorization: readonly string[] } => ({
  authorization: [`Bearer ${value}`],
});

/** The principal of a token, identified once by an identifier made for it. */
export async function principalOf(value: string, changes: Partial<IdentityOptions> = {}): Promise<Principal> {
  return await identifierWith(changes).identify(bearer(value));
}

/** The error that an action throws or rejects with. */
export async function errorOf(action: () => unknown): Promise<GatewayError> {
  try {
    await action();
  } catch (error) {
    expect(error).toBeInstanceOf(GatewayError);
    if (error instanceof GatewayError) return error;
  }
  throw new Error('Nothing was refused.');
}

/** Asserts a 401 for one reason, told to the log and the audit and not to the client. */
export async function expectRefusal(action: () => unknown, reason: string): Promise<void> {
  const error = await errorOf(action);
  expect({ code: error.code, status: error.status, cause: error.cause }).toEqual({
    code: 'UNAUTHENTICATED',
    status: 401,
    cause: reason,
  });
  expect(error.decision).toEqual({
    effect: 'deny',
    reasons: [{ rule: `identity.${reason}`, code: 'UNAUTHENTICATED', coordinate: null, path: null }],
  });
  expect(error.challenge).toMatch(/^Bearer( error="invalid_token")?$/);
}

export async function expectTokenRefusal(
  value: string,
  reason: string,
  changes: Partial<IdentityOptions> = {},
): Promise<void> {
  const identifier = identifierWith(changes);
  await expectRefusal(() => identifier.identify(bearer(value)), reason);
}
