import { describe, expect, it } from 'vitest';
import { REVOCATIONS_MAX } from '../../src/identity/identify.ts';
import { setUp } from './identifier-kit.ts';
import { errorOf, expectRefusal, token } from './token-kit.ts';

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
