import { describe, expect, it } from 'vitest';
import { HEADER } from './claims-kit.ts';
import {
  CLAIMS,
  expectTokenRefusal,
  issuerOptions,
  NOW,
  principalOf,
  signRaw,
  TOLERANCE,
  token,
} from './token-kit.ts';

const unlimited = { jwt: [issuerOptions({ requireExpiry: false })] };

describe('times', () => {
  const exp = (seconds: number) => token({ exp: seconds });
  const nbf = (seconds: number) => token({ nbf: seconds });

  it('hold until the expiry plus the tolerance and not a second longer', async () => {
    expect((await principalOf(exp(NOW - TOLERANCE + 1))).expiresAt).toBe(NOW - TOLERANCE + 1);
    await expectTokenRefusal(exp(NOW - TOLERANCE), 'token_expired');
    await expectTokenRefusal(exp(0), 'token_expired');
  });

  it('hold from the start minus the tolerance and not a second earlier', async () => {
    expect((await principalOf(nbf(NOW + TOLERANCE))).subject).toBe('user-1');
    await expectTokenRefusal(nbf(NOW + TOLERANCE + 1), 'token_not_yet_valid');
  });

  it('hold exactly where no tolerance is configured', async () => {
    const jwt = [issuerOptions({ clockToleranceSeconds: 0 })];
    expect((await principalOf(exp(NOW + 1), { jwt })).expiresAt).toBe(NOW + 1);
    await expectTokenRefusal(exp(NOW), 'token_expired', { jwt });
    expect((await principalOf(nbf(NOW), { jwt })).subject).toBe('user-1');
    await expectTokenRefusal(nbf(NOW + 1), 'token_not_yet_valid', { jwt });
  });

  it('need an expiry unless the issuer is configured without', async () => {
    await expectTokenRefusal(token({ exp: undefined }), 'expiry_missing');
    expect((await principalOf(token({ exp: undefined }), unlimited)).expiresAt).toBeNull();
    await expectTokenRefusal(exp(NOW - TOLERANCE), 'token_expired', unlimited);
  });

  it.each(['exp', 'nbf', 'iat'])('are refused when %s is no finite integer', async (claim) => {
    const texts = ['"1900000000"', 'null', 'true', '[1900000000]', '{}', '""', '1e400', '9007199254740993'];
    const future = claim === 'exp' ? ['1900000000.5'] : ['1700000000.5', '-1', '-1e400', '-0.5'];
    const rest = JSON.stringify({ ...CLAIMS, [claim]: undefined }).slice(1);
    for (const text of [...texts, ...future]) {
      const value = signRaw(HEADER, `{"${claim}":${text},${rest}`);
      const tooFar = claim === 'nbf' && ['1e400', '9007199254740993'].includes(text);
      await expectTokenRefusal(value, tooFar ? 'token_not_yet_valid' : `claim_${claim}_invalid`);
    }
  });

  it('are not taken from a prototype', async () => {
    const rest = JSON.stringify({ ...CLAIMS, exp: undefined }).slice(1);
    await expectTokenRefusal(signRaw(HEADER, `{"__proto__":{"exp":1900000000},${rest}`), 'expiry_missing');
  });
});

describe('the credential id', () => {
  it('is a digest where the token has no jti, and no part of the token', async () => {
    const value = token({ jti: undefined });
    const { credentialId } = await principalOf(value);
    expect(credentialId).toMatch(/^sha256:[A-Za-z0-9_-]{16}$/);
    expect(value).not.toContain(credentialId?.slice(7));
  });

  it('is the same for another signature of the same claims', async () => {
    const [first, second] = [token({ jti: undefined }), token({ jti: undefined })];
    expect(first).not.toBe(second);
    expect((await principalOf(first)).credentialId).toBe((await principalOf(second)).credentialId);
  });
});
