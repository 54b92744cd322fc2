import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createIdentifier } from '../../src/identity/identify.ts';
import { StaticJwksSource } from '../../src/identity/jwks-source.ts';
import { CountingSource, setUp } from './identifier-kit.ts';
import {
  bearer,
  ecKey,
  errorOf,
  expectRefusal,
  FakeClock,
  identifierWith,
  issuerOptions,
  JWKS,
  token,
} from './token-kit.ts';

describe('createIdentifier', () => {
  it.each([
    ['HMAC', { algorithms: ['HS256'] }],
    ['none', { algorithms: ['none'] }],
    ['one bad algorithm', { algorithms: ['ES256', 'HS256'] }],
    ['no algorithm', { algorithms: [] }],
    ['an encryption algorithm', { algorithms: ['RSA-OAEP'] }],
    ['secp256k1', { algorithms: ['ES256K'] }],
    ['an empty issuer', { issuer: '' }],
    ['an empty audience', { audiences: ['a', ''] }],
    ['a negative tolerance', { clockToleranceSeconds: -1 }],
    ['a fractional tolerance', { clockToleranceSeconds: 0.5 }],
    ['an infinite tolerance', { clockToleranceSeconds: Number.POSITIVE_INFINITY }],
    ['a tolerance that is no number', { clockToleranceSeconds: Number.NaN }],
    ['an empty claim name', { claims: { tenant: '', scopes: 'scope', application: 'azp', roles: 'roles' } }],
  ] as const)('refuses an issuer with %s', async (_title, changes) => {
    expect((await errorOf(() => identifierWith({ jwt: [issuerOptions(changes)] }))).code).toBe(
      'CONFIG_INVALID',
    );
  });

  it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])('refuses bounds of %d', async (bound) => {
    expect((await errorOf(() => identifierWith({ tokenCacheMax: bound }))).code).toBe('CONFIG_INVALID');
    expect((await errorOf(() => identifierWith({ tokenBytesMax: bound }))).code).toBe('CONFIG_INVALID');
  });

  it('names all faults at once', async () => {
    const jwt = [issuerOptions({ algorithms: ['HS256'] }), issuerOptions({ issuer: '' })];
    const error = await errorOf(() => identifierWith({ jwt, tokenCacheMax: 0 }));
    expect(error.details).toHaveLength(3);
  });

  it('closes each key source once, even one that two issuers share', async () => {
    const keys = new CountingSource();
    const identifier = identifierWith({
      jwt: [issuerOptions({ keys }), issuerOptions({ keys, issuer: 'https://b' })],
    });
    await identifier.close();
    expect(keys.closed).toBe(1);
  });

  it('drops its cache when it is closed', async () => {
    const clock = new FakeClock();
    const keys = new StaticJwksSource(JWKS);
    const options = {
      anonymous: false,
      jwt: [issuerOptions({ keys })],
      tokenCacheMax: 5,
      tokenBytesMax: 4096,
    };
    const identifier = createIdentifier(options, clock);
    const value = token();
    await identifier.identify(bearer(value));
    await identifier.close();
    expect((await errorOf(() => identifier.identify(bearer(value)))).code).toBe('IDENTITY_UNAVAILABLE');
  });
});

describe('keys of different types under one id', () => {
  it('are told apart by the algorithm', async () => {
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const jwks = {
      keys: [
        { ...rsa.publicKey.export({ format: 'jwk' }), kid: 'same' },
        { ...ecKey.publicKey.export({ format: 'jwk' }), kid: 'same' },
      ],
    };
    const { identify } = setUp({ keys: new StaticJwksSource(jwks) });
    expect((await identify(token({}, { kid: 'same' }))).subject).toBe('user-1');
    expect((await identify(token({}, { kid: 'same', alg: 'RS256' }, rsa))).subject).toBe('user-1');
    await expectRefusal(() => identify(token({}, { kid: 'same' }, rsa)), 'signature_invalid');
  });
});
