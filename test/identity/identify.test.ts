import { describe, expect, it } from 'vitest';
import { REVERIFY_SECONDS, VERIFICATIONS_MAX } from '../../src/identity/identify.ts';
import { refusal } from '../../src/identity/refusal.ts';
import { CountingSource, setUp } from './identifier-kit.ts';
import {
  bearer,
  errorOf,
  expectRefusal,
  identifierWith,
  issuerOptions,
  NOW,
  TOLERANCE,
  token,
} from './token-kit.ts';

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
