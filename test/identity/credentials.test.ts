import { describe, expect, it } from 'vitest';
import { ANONYMOUS } from '../../src/identity/principal.ts';
import { bearer, errorOf, expectRefusal, identifierWith, token } from './token-kit.ts';

describe('a request without credentials', () => {
  it('is the one anonymous principal where that is allowed', () => {
    expect(identifierWith({ anonymous: true }).identify({ authorization: [] })).toBe(ANONYMOUS);
  });

  it('is refused with a bare challenge where anonymous callers are not allowed', async () => {
    const identifier = identifierWith({ anonymous: false });
    await expectRefusal(() => identifier.identify({ authorization: [] }), 'credential_missing');
    expect((await errorOf(() => identifier.identify({ authorization: [] }))).challenge).toBe('Bearer');
  });

  it('is anonymous even where no issuer is configured', () => {
    expect(identifierWith({ jwt: [] }).identify({ authorization: [] })).toBe(ANONYMOUS);
  });
});

describe('a present but unusable credential', () => {
  const good = token();
  const cases: readonly (readonly [string, readonly string[], string])[] = [
    ['two headers', [`Bearer ${good}`, `Bearer ${good}`], 'credential_repeated'],
    ['two headers of which one is empty', [`Bearer ${good}`, ''], 'credential_repeated'],
    ['three headers', ['Bearer a', 'Basic b', 'Bearer c'], 'credential_repeated'],
    ['an empty value', [''], 'credential_malformed'],
    ['a blank value', ['   '], 'credential_malformed'],
    ['a leading space', [` Bearer ${good}`], 'credential_malformed'],
    ['the scheme alone', ['Bearer'], 'credential_malformed'],
    ['the scheme and a space', ['Bearer '], 'credential_malformed'],
    ['the scheme and spaces', ['bearer    '], 'credential_malformed'],
    ['the bare token', [good], 'scheme_not_supported'],
    ['Basic', ['Basic dXNlcjpwYXNz'], 'scheme_not_supported'],
    ['DPoP', [`DPoP ${good}`], 'scheme_not_supported'],
    ['Digest', ['Digest username="x"'], 'scheme_not_supported'],
    ['a longer scheme', [`Bearer2 ${good}`], 'scheme_not_supported'],
    ['a tab instead of a space', [`Bearer\t${good}`], 'scheme_not_supported'],
    ['a colon after the scheme', [`Bearer: ${good}`], 'scheme_not_supported'],
    ['a scheme that is only similar when folded', [`bearer\u0130 ${good}`], 'scheme_not_supported'],
    ['a list', [`Bearer ${good}, Bearer ${good}`], 'credential_malformed'],
    ['two tokens', [`Bearer ${good} ${good}`], 'credential_malformed'],
    ['a trailing space', [`Bearer ${good} `], 'credential_malformed'],
    ['a tab before the token', [`Bearer \t${good}`], 'credential_malformed'],
    ['quotes', [`Bearer "${good}"`], 'credential_malformed'],
    ['a line break', [`Bearer ${good}\r\nx: y`], 'credential_malformed'],
    ['a null character', [`Bearer ${good}\0`], 'credential_malformed'],
    ['letters beyond ASCII', [`Bearer ${good}é`], 'credential_malformed'],
    ['a full-width letter', ['Bearer ａ.b.c'], 'credential_malformed'],
    ['only padding', ['Bearer ==='], 'credential_malformed'],
    ['padding inside', ['Bearer a=b'], 'credential_malformed'],
    ['the word null', ['Bearer null'], 'token_malformed'],
    ['the word undefined', ['Bearer undefined'], 'token_malformed'],
    ['an opaque token', ['Bearer 2YotnFZFEjr1zCsicMWpAA'], 'token_malformed'],
  ];

  it.each(cases)('is refused and never anonymous: %s', async (_title, authorization, reason) => {
    const identifier = identifierWith({ anonymous: true });
    await expectRefusal(() => identifier.identify({ authorization }), reason);
  });

  it.each(cases)(
    'is refused the same way where anonymous callers are not allowed: %s',
    async (_title, authorization, reason) => {
      const identifier = identifierWith({ anonymous: false });
      await expectRefusal(() => identifier.identify({ authorization }), reason);
    },
  );

  it('is refused where no issuer is configured', async () => {
    await expectRefusal(() => identifierWith({ jwt: [] }).identify(bearer(good)), 'issuer_unknown');
  });

  it('is told only that the token is invalid', async () => {
    const error = await errorOf(() => identifierWith().identify(bearer(token({ exp: 1 }))));
    expect(error.challenge).toBe('Bearer error="invalid_token"');
    expect(error.message).toBe('A valid credential is required.');
  });

  it('gets no error code for a scheme that the gateway does not know', async () => {
    const error = await errorOf(() => identifierWith().identify({ authorization: ['Basic eDp5'] }));
    expect(error.challenge).toBe('Bearer');
  });
});

describe('a usable credential', () => {
  it.each(['Bearer', 'bearer', 'BEARER', 'bEaReR'])('is accepted under the scheme %s', async (scheme) => {
    const principal = await identifierWith().identify({ authorization: [`${scheme} ${token()}`] });
    expect(principal.subject).toBe('user-1');
  });

  it('is accepted after several spaces, as RFC 9110 allows', async () => {
    const principal = await identifierWith().identify({ authorization: [`Bearer   ${token()}`] });
    expect(principal.subject).toBe('user-1');
  });
});
