import { describe, expect, it } from 'vitest';
import { CLAIM_CHARS_MAX, CLAIM_COUNT_MAX } from '../../src/identity/claims.ts';
import { members, named } from './claims-kit.ts';
import { expectTokenRefusal, NOW, principalOf, TOLERANCE, token } from './token-kit.ts';

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
