import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  createIdentifier,
  REVERIFY_SECONDS,
  REVOCATIONS_MAX,
  VERIFICATIONS_MAX,
} from '../../src/identity/identify.ts';
import type { IdentityOptions, JwtIssuerOptions } from '../../src/identity/identity-options.ts';
import { StaticJwksSource } from '../../src/identity/jwks-source.ts';
import type { KeySource } from '../../src/identity/key-source.ts';
import { refusal } from '../../src/identity/refusal.ts';
import {
  bearer,
  ecKey,
  errorOf,
  expectRefusal,
  FakeClock,
  identifierWith,
  issuerOptions,
  JWKS,
  NOW,
  TOLERANCE,
  token,
} from './token-kit.ts';

/** A key source that counts, and can be held or made to fail. */
class CountingSource implements KeySource {
  asked = 0;
  closed = 0;
  failure: Error | null = null;
  held: Promise<void> | null = null;
  readonly #inner = new StaticJwksSource(JWKS);

  async keyFor(header: { readonly alg: string; readonly kid: string | null }) {
    this.asked++;
    await this.held;
    if (this.failure !== null) throw this.failure;
    return this.#inner.keyFor(header);
  }

  async close(): Promise<void> {
    this.closed++;
  }
}

function setUp(changes: Partial<JwtIssuerOptions> = {}, options: Partial<IdentityOptions> = {}) {
  const clock = new FakeClock();
  const keys = new CountingSource();
  const identifier = identifierWith({ jwt: [issuerOptions({ keys, ...changes })], ...options }, clock);
  return { clock, keys, identifier, identify: (value: string) => identifier.identify(bearer(value)) };
}

describe('a verified token', () => {
  it('gives the same frozen principal each time, and at once', async () => {
    const { identify, keys } = setUp();
    const value = token();
    const first = await identify(value);
    expect(identify(value)).toBe(first);
    expect(identify(value)).toBe(first);
    expect(Object.isFrozen(first)).toBe(true);
    expect(keys.asked).toBe(1);
  });

  it('is verified once for all who send it at the same time', async () => {
    const { identify, keys } = setUp();
    const value = token();
    const principals = await Promise.all(Array.from({ length: 50 }, () => identify(value)));
    expect(new Set(principals).size).toBe(1);
    expect(keys.asked).toBe(1);
  });

  it('gives a principal of its own to each token, even with equal claims', async () => {
    const { identify } = setUp();
    expect(await identify(token())).not.toBe(await identify(token()));
  });

  it('is not accepted past its expiry and tolerance, and costs no verification then', async () => {
    const { identify, keys, clock } = setUp();
    const value = token({ exp: NOW + 60 });
    const principal = await identify(value);
    clock.seconds = NOW + 60 + TOLERANCE - 1;
    expect(identify(value)).toBe(principal);
    clock.seconds = NOW + 60 + TOLERANCE;
    await expectRefusal(() => identify(value), 'token_expired');
    await expectRefusal(() => identify(value), 'token_expired');
    expect(keys.asked).toBe(1);
  });

  it('is held to the clock by the millisecond before its last second ends', async () => {
    const keys = new CountingSource();
    let ms = NOW * 1000;
    const identifier = identifierWith({ jwt: [issuerOptions({ keys })] }, { now: () => ms });
    const value = token({ exp: NOW + 60 });
    const principal = await identifier.identify(bearer(value));
    ms = (NOW + 60 + TOLERANCE) * 1000 - 1;
    expect(identifier.identify(bearer(value))).toBe(principal);
    ms += 1;
    await expectRefusal(() => identifier.identify(bearer(value)), 'token_expired');
  });

  it('is not accepted before its start when the clock is set back', async () => {
    const { identify, clock } = setUp();
    const value = token({ nbf: NOW });
    const principal = await identify(value);
    clock.seconds = NOW - TOLERANCE - 1;
    await expectRefusal(() => identify(value), 'token_not_yet_valid');
    clock.seconds = NOW - TOLERANCE;
    expect(await identify(value)).toBe(principal);
  });

  it('is refused when it expires while its key is fetched', async () => {
    const { identify, keys, clock } = setUp();
    const gate = Promise.withResolvers<void>();
    keys.held = gate.promise;
    const answer = identify(token({ exp: NOW + 1 }));
    clock.seconds = NOW + 1 + TOLERANCE;
    gate.resolve();
    await expectRefusal(() => answer, 'token_expired');
  });

  it('is verified again at a bounded age, and keeps its principal', async () => {
    const { identify, keys, clock } = setUp();
    const value = token({ exp: NOW + 10_000 });
    const principal = await identify(value);
    clock.seconds = NOW + REVERIFY_SECONDS - 1;
    expect(identify(value)).toBe(principal);
    expect(keys.asked).toBe(1);
    clock.seconds = NOW + REVERIFY_SECONDS;
    expect(await identify(value)).toBe(principal);
    expect(keys.asked).toBe(2);
    expect(identify(value)).toBe(principal);
  });

  it('is refused at that age when its issuer has withdrawn the key, and when nobody can tell', async () => {
    const { identify, keys, clock } = setUp({ requireExpiry: false });
    const value = token({ exp: undefined });
    await identify(value);
    clock.seconds = NOW + REVERIFY_SECONDS;
    keys.failure = refusal('key_unknown');
    await expectRefusal(() => identify(value), 'key_unknown');
    keys.failure = new Error('unreachable');
    await expect(Promise.resolve().then(() => identify(value))).rejects.toBe(keys.failure);
  });

  it('makes room for others when the cache is full', async () => {
    const { identify, keys } = setUp({}, { tokenCacheMax: 2 });
    const tokens = [token(), token(), token()];
    for (const value of tokens) await identify(value);
    const [oldest = '', , newest = ''] = tokens;
    expect(identify(newest)).not.toBeInstanceOf(Promise);
    expect(identify(oldest)).toBeInstanceOf(Promise);
    await identify(oldest);
    expect(keys.asked).toBe(4);
  });
});

describe('a token that failed', () => {
  it('is not remembered: it is accepted once its key is known', async () => {
    const { identify, keys } = setUp();
    const value = token();
    keys.failure = refusal('key_unknown');
    await expectRefusal(() => identify(value), 'key_unknown');
    keys.failure = null;
    expect((await identify(value)).subject).toBe('user-1');
  });

  it('is refused to all who sent it at the same time', async () => {
    const { identify, keys } = setUp();
    keys.failure = refusal('key_unknown');
    const value = token();
    const answers = await Promise.allSettled([identify(value), identify(value), identify(value)]);
    expect(answers.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    expect(keys.asked).toBe(1);
  });

  it('asks for no key where its form or its issuer refuses it', async () => {
    const { identify, keys } = setUp();
    await expectRefusal(() => identify('a.b.c'), 'token_malformed');
    await expectRefusal(() => identify(token({}, { alg: 'none' })), 'alg_not_allowed');
    await expectRefusal(() => identify(token({ iss: 'https://x' })), 'issuer_unknown');
    await expectRefusal(() => identify(token({ aud: 'https://x' })), 'audience_mismatch');
    expect(keys.asked).toBe(0);
  });

  it('leaves nothing of itself in the error', async () => {
    const { identify } = setUp();
    const value = token({ tenant: 'very-secret-tenant', exp: 1 });
    const error = await errorOf(() => identify(value));
    const text = [
      error.message,
      error.stack,
      JSON.stringify(error),
      String(error.cause),
      error.challenge,
    ].join('\n');
    for (const part of [...value.split('.'), 'very-secret-tenant', 'user-1'])
      expect(text).not.toContain(part);
  });
});

describe('verifications under way', () => {
  it('are bounded', async () => {
    const { identify, keys, identifier } = setUp();
    const gate = Promise.withResolvers<void>();
    keys.held = gate.promise;
    keys.failure = refusal('key_unknown');
    const [header, payload] = token().split('.');
    const forged = (index: number) => `${header}.${payload}.${Buffer.from(`${index}`).toString('base64url')}`;
    const running = Array.from({ length: VERIFICATIONS_MAX }, (_unused, index) =>
      Promise.resolve(identify(forged(index))).catch((error: unknown) => error),
    );
    expect((await errorOf(() => identify(forged(VERIFICATIONS_MAX)))).code).toBe('SERVER_OVERLOADED');
    const shared = Promise.resolve(identify(forged(0))).catch((error: unknown) => error);
    expect(identifier.identify({ authorization: [] })).toMatchObject({ kind: 'anonymous' });
    gate.resolve();
    await Promise.all([...running, shared]);
    await expectRefusal(() => identify(forged(VERIFICATIONS_MAX)), 'key_unknown');
  });
});

describe('a revoked credential', () => {
  it('is refused at once though its token is cached and still verifies', async () => {
    const { identify, identifier } = setUp();
    const value = token({ jti: 'stolen' });
    await identify(value);
    identifier.revoke('stolen');
    await expectRefusal(() => identify(value), 'credential_revoked');
    await expectRefusal(() => identify(value), 'credential_revoked');
  });

  it('is refused under every token that carries its id, seen before or not', async () => {
    const { identify, identifier } = setUp();
    const seen = [token({ jti: 'stolen' }), token({ jti: 'stolen', sub: 'user-2' })];
    for (const value of seen) await identify(value);
    identifier.revoke('stolen');
    for (const value of [...seen, token({ jti: 'stolen' })]) {
      await expectRefusal(() => identify(value), 'credential_revoked');
    }
  });

  it('is refused when it is revoked while it is being verified', async () => {
    const { identify, identifier, keys } = setUp();
    const gate = Promise.withResolvers<void>();
    keys.held = gate.promise;
    const answer = identify(token({ jti: 'stolen' }));
    identifier.revoke('stolen');
    gate.resolve();
    await expectRefusal(() => answer, 'credential_revoked');
  });

  it('without a jti is refused under a second signature too', async () => {
    const { identify, identifier } = setUp();
    const value = token({ jti: undefined });
    const { credentialId } = await identify(value);
    identifier.revoke(credentialId ?? '');
    await expectRefusal(() => identify(value), 'credential_revoked');
    await expectRefusal(() => identify(negatedSignature(value)), 'credential_revoked');
  });

  it('leaves others alone', async () => {
    const { identify, identifier } = setUp();
    const value = token({ jti: 'good' });
    const principal = await identify(value);
    identifier.revoke('stolen');
    identifier.revoke('');
    identifier.revoke('goo');
    expect(identify(value)).toBe(principal);
  });

  it('stays refused when the list is full, and a further one is refused loudly but dropped from the cache', async () => {
    const { identify, identifier, keys } = setUp();
    const value = token({ jti: 'late' });
    await identify(value);
    identifier.revoke('first');
    for (let index = 1; index < REVOCATIONS_MAX; index++) identifier.revoke(`id-${index}`);
    expect((await errorOf(() => identifier.revoke('late'))).code).toBe('SERVER_OVERLOADED');
    expect(() => identifier.revoke('first')).not.toThrow();
    await expectRefusal(() => identify(token({ jti: 'first' })), 'credential_revoked');
    await identify(value);
    expect(keys.asked).toBe(3);
  });
});

/** The second valid signature that ECDSA has for every first: s replaced by the order minus s. */
function negatedSignature(value: string): string {
  const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
  const [header, payload, signature = ''] = value.split('.');
  const hex = Buffer.from(signature, 'base64url').toString('hex');
  const s = order - BigInt(`0x${hex.slice(64)}`);
  const negated = Buffer.from(hex.slice(0, 64) + s.toString(16).padStart(64, '0'), 'hex');
  return `${header}.${payload}.${negated.toString('base64url')}`;
}

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
