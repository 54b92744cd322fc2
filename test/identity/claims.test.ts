import { describe, expect, it } from 'vitest';
import { CLAIM_CHARS_MAX, CLAIM_COUNT_MAX } from '../../src/identity/claims.ts';
import type { ClaimNames } from '../../src/identity/identity-options.ts';
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

const HEADER = '{"alg":"ES256","kid":"ec"}';
const named = (names: Partial<ClaimNames>) => ({
  jwt: [issuerOptions({ claims: { ...issuerOptions().claims, ...names } })],
});
const unlimited = { jwt: [issuerOptions({ requireExpiry: false })] };

/** Values that no claim of text may have. */
const NOT_TEXT: readonly (readonly [string, unknown])[] = [
  ['null', null],
  ['a number', 7],
  ['zero', 0],
  ['true', true],
  ['false', false],
  ['an object', { acme: 1 }],
  ['an empty object', {}],
  ['an array', ['acme']],
  ['an empty array', []],
  ['empty', ''],
  ['blank', ' '],
  ['a no-break space', '\u00a0'],
  ['a line break', 'acme\nadmin'],
  ['a carriage return', 'acme\r'],
  ['a null character', 'acme\u0000'],
  ['a control character', 'ac\u0085me'],
  ['a line separator', 'acme\u2028'],
  ['a lone high surrogate', 'acme\ud800'],
  ['a lone low surrogate', '\udfffacme'],
];

describe.each([
  ['sub', CLAIM_CHARS_MAX.subject, 'claim_sub_invalid', 'subject'],
  ['tenant', CLAIM_CHARS_MAX.tenant, 'claim_tenant_invalid', 'tenant'],
  ['client_id', CLAIM_CHARS_MAX.application, 'claim_client_invalid', 'application'],
  ['acr', CLAIM_CHARS_MAX.acr, 'claim_acr_invalid', 'acr'],
  ['jti', CLAIM_CHARS_MAX.jti, 'claim_jti_invalid', 'credentialId'],
] as const)('the text claim %s', (claim, charsMax, reason, member) => {
  it.each(NOT_TEXT)('is refused when it is %s', async (_title, value) => {
    await expectTokenRefusal(token({ [claim]: value }), reason);
  });

  it('is accepted at its longest and refused one character longer', async () => {
    expect((await principalOf(token({ [claim]: 'x'.repeat(charsMax) })))[member]).toBe('x'.repeat(charsMax));
    await expectTokenRefusal(token({ [claim]: 'x'.repeat(charsMax + 1) }), reason);
  });

  it.each([
    '__proto__',
    'constructor',
    'toString',
    'Ünïcødé',
    '租户',
    '👩‍🚀',
    '../../x',
    "'; DROP TABLE",
    '*',
    '#null',
  ])('is kept as it is: %s', async (value) => {
    expect((await principalOf(token({ [claim]: value })))[member]).toBe(value);
  });
});

describe('the subject', () => {
  it('is required', async () => {
    await expectTokenRefusal(token({ sub: undefined }), 'claim_sub_invalid');
  });

  it('is not taken from a prototype', async () => {
    const { sub, ...rest } = CLAIMS;
    const payload = `{"__proto__":{"sub":"${sub}"},${JSON.stringify(rest).slice(1)}`;
    await expectTokenRefusal(signRaw(HEADER, payload), 'claim_sub_invalid');
  });
});

describe('the tenant', () => {
  it('is null where the token names none', async () => {
    expect((await principalOf(token({ tenant: undefined }))).tenant).toBeNull();
  });

  it('comes from a namespaced claim by its literal name', async () => {
    const name = 'https://x.io/tenant';
    expect((await principalOf(token({ [name]: 'globex' }), named({ tenant: name }))).tenant).toBe('globex');
  });

  it('comes from a dotted path', async () => {
    const value = token({ org: { unit: { id: 'globex' } } });
    expect((await principalOf(value, named({ tenant: 'org.unit.id' }))).tenant).toBe('globex');
  });

  it('comes from the literal name before the dotted path', async () => {
    const value = token({ 'org.id': 'literal', org: { id: 'path' } });
    expect((await principalOf(value, named({ tenant: 'org.id' }))).tenant).toBe('literal');
  });

  it('is refused when the literal name has a wrong value, even where the path has a good one', async () => {
    await expectTokenRefusal(
      token({ 'org.id': null, org: { id: 'path' } }),
      'claim_tenant_invalid',
      named({ tenant: 'org.id' }),
    );
  });

  it.each([
    '__proto__',
    'constructor',
    'toString',
    'hasOwnProperty',
    '__proto__.tenant',
    'constructor.name',
    'constructor.prototype',
    'sub.length',
    'sub.constructor.name',
    'org.constructor.name',
    'org.__proto__',
    'list.0',
    'list.length',
    'org..id',
    '.org',
    'org.',
    'tenant.',
    '.',
    'org.id.deeper',
    'missing.id',
  ])('is null where the configured claim %s is not in the token itself', async (name) => {
    const value = token({ org: { id: 'x' }, list: ['x'] });
    expect((await principalOf(value, named({ tenant: name }))).tenant).toBeNull();
  });

  it.each(['__proto__', 'constructor'])(
    'is read from a claim called %s like from any other',
    async (name) => {
      const payload = `{"${name}":"globex",${JSON.stringify(CLAIMS).slice(1)}`;
      expect((await principalOf(signRaw(HEADER, payload), named({ tenant: name }))).tenant).toBe('globex');
    },
  );

  it('is not injected by a member called __proto__', async () => {
    const { tenant, ...rest } = CLAIMS;
    const payload = `{"__proto__":{"tenant":"${tenant}"},${JSON.stringify(rest).slice(1)}`;
    expect((await principalOf(signRaw(HEADER, payload))).tenant).toBeNull();
  });
});

describe('the scopes', () => {
  it.each([
    ['absent', undefined, []],
    ['an empty string', '', []],
    ['an empty array', [], []],
    ['one', 'a', ['a']],
    ['several', 'a b:c d/e', ['a', 'b:c', 'd/e']],
    ['an array', ['a', 'b:c'], ['a', 'b:c']],
    ['repeated', 'a a a', ['a']],
    ['separated by several spaces', ' a  b ', ['a', 'b']],
    ['names of prototype members', '__proto__ constructor', ['__proto__', 'constructor']],
  ])('are read when they are %s', async (_title, scope, expected) => {
    expect([...(await principalOf(token({ scope }))).scopes]).toEqual(expected);
  });

  it.each([
    ['null', null],
    ['a number', 1],
    ['true', true],
    ['an object', { admin: true }],
    ['an object like a list', { 0: 'admin', length: 1 }],
    ['a list with a number', ['a', 1]],
    ['a list with null', ['a', null]],
    ['a list with a list', ['a', ['b']]],
    ['a list with an empty string', ['a', '']],
    ['a list with a space inside a member', ['a b']],
    ['a list with a tab inside a member', ['a\tb']],
    ['separated by tabs', 'a\tb'],
    ['separated by line breaks', 'a\nb'],
    ['separated by no-break spaces', 'a\u00a0b'],
    ['with a null character', 'a\u0000'],
    ['with a lone surrogate', 'a \ud800'],
    ['too long a member', 'x'.repeat(CLAIM_CHARS_MAX.member + 1)],
    ['too many in a string', members(CLAIM_COUNT_MAX.scopes + 1).join(' ')],
    ['too many in a list', members(CLAIM_COUNT_MAX.scopes + 1)],
  ])('are refused when they are %s', async (_title, scope) => {
    await expectTokenRefusal(token({ scope }), 'claim_scopes_invalid');
  });

  it('are accepted up to the most and the longest', async () => {
    const most = members(CLAIM_COUNT_MAX.scopes);
    expect((await principalOf(token({ scope: most }))).scopes.size).toBe(CLAIM_COUNT_MAX.scopes);
    expect((await principalOf(token({ scope: most.join(' ') }))).scopes.size).toBe(CLAIM_COUNT_MAX.scopes);
    const longest = 'x'.repeat(CLAIM_CHARS_MAX.member);
    expect((await principalOf(token({ scope: longest }))).scopes).toEqual(new Set([longest]));
  });

  it('come from a dotted path', async () => {
    const value = token({ resource_access: { api: { roles: ['a'] } } });
    expect((await principalOf(value, named({ scopes: 'resource_access.api.roles' }))).scopes).toEqual(
      new Set(['a']),
    );
  });
});

function members(count: number): string[] {
  return Array.from({ length: count }, (_unused, index) => `s${index}`);
}

describe('the roles', () => {
  it.each([
    ['absent', undefined, []],
    ['a list', ['admin', 'ops'], ['admin', 'ops']],
    ['an empty list', [], []],
    ['one string, spaces included', 'account manager', ['account manager']],
  ])('are read when they are %s', async (_title, roles, expected) => {
    expect([...(await principalOf(token({ roles }))).roles]).toEqual(expected);
  });

  it.each([
    ['null', null],
    ['a number', 1],
    ['an object', { admin: true }],
    ['an empty string', ''],
    ['a list with null', [null]],
    ['a list with an object', [{}]],
    ['a list with an empty string', ['']],
    ['too long a string', 'x'.repeat(CLAIM_CHARS_MAX.member + 1)],
    ['a list with a line break', ['a\nb']],
    ['too many', members(CLAIM_COUNT_MAX.roles + 1)],
  ])('are refused when they are %s', async (_title, roles) => {
    await expectTokenRefusal(token({ roles }), 'claim_roles_invalid');
  });

  it('are accepted up to the most', async () => {
    expect((await principalOf(token({ roles: members(CLAIM_COUNT_MAX.roles) }))).roles.size).toBe(
      CLAIM_COUNT_MAX.roles,
    );
  });
});

describe('the authentication context', () => {
  it('is read from acr, amr and auth_time', async () => {
    const principal = await principalOf(token({ acr: 'urn:mfa', amr: ['pwd', 'otp'], auth_time: NOW - 5 }));
    expect(principal).toMatchObject({ acr: 'urn:mfa', amr: ['pwd', 'otp'], authTime: NOW - 5 });
    expect(Object.isFrozen(principal.amr)).toBe(true);
  });

  it('is empty where the token says nothing of it', async () => {
    expect(await principalOf(token())).toMatchObject({ acr: null, amr: [], authTime: null });
  });

  it.each([
    ['a string', 'pwd'],
    ['null', null],
    ['an object', {}],
    ['a list with a number', [1]],
    ['too many', members(CLAIM_COUNT_MAX.amr + 1)],
  ])('is refused when amr is %s', async (_title, amr) => {
    await expectTokenRefusal(token({ amr }), 'claim_amr_invalid');
  });

  it.each([
    ['a string', '1'],
    ['null', null],
    ['a fraction', 1.5],
    ['negative', -1],
    ['an array', [1]],
    ['true', true],
  ])('is refused when auth_time is %s', async (_title, value) => {
    await expectTokenRefusal(token({ auth_time: value }), 'claim_auth_time_invalid');
  });

  it('is refused when auth_time is further ahead than the tolerance', async () => {
    expect((await principalOf(token({ auth_time: NOW + TOLERANCE }))).authTime).toBe(NOW + TOLERANCE);
    await expectTokenRefusal(token({ auth_time: NOW + TOLERANCE + 1 }), 'claim_auth_time_invalid');
  });
});

describe('the kind', () => {
  it.each([
    [{}, 'user'],
    [{ client_id: 'user-1' }, 'service'],
    [{ client_id: undefined, azp: 'user-1' }, 'service'],
    [{ client_id: 'shop', azp: 'user-1' }, 'service'],
    [{ client_id: undefined, azp: undefined }, 'user'],
    [{ client_id: 'USER-1' }, 'user'],
    [{ kind: 'agent' }, 'user'],
  ])('of %j follows from the client: %s', async (claims, kind) => {
    expect((await principalOf(token(claims))).kind).toBe(kind);
  });

  it.each(['user', 'service', 'agent'])('is %s where the configured claim says so', async (kind) => {
    const value = token({ act: { kind }, client_id: 'user-1' });
    expect((await principalOf(value, named({ kind: 'act.kind' }))).kind).toBe(kind);
  });

  it('follows from the client where the configured claim is absent', async () => {
    expect((await principalOf(token({ client_id: 'user-1' }), named({ kind: 'kind' }))).kind).toBe('service');
  });

  it.each([
    'anonymous',
    'admin',
    'User',
    'agent ',
    '__proto__',
    'constructor',
    '',
    null,
    1,
    true,
    ['user'],
    {},
  ])('is refused when the configured claim is %j', async (kind) => {
    await expectTokenRefusal(token({ kind }), 'claim_kind_invalid', named({ kind: 'kind' }));
  });

  it.each(NOT_TEXT)('is refused when azp is %s', async (_title, azp) => {
    await expectTokenRefusal(token({ azp }), 'claim_client_invalid');
  });
});

describe('the application', () => {
  it('is null where the token names none', async () => {
    expect((await principalOf(token({ client_id: undefined }))).application).toBeNull();
  });

  it.each(NOT_TEXT)('is refused when its configured claim is %s', async (_title, app) => {
    await expectTokenRefusal(token({ app }), 'claim_application_invalid', named({ application: 'app' }));
  });
});

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
