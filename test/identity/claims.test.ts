import { describe, expect, it } from 'vitest';
import { CLAIM_CHARS_MAX } from '../../src/identity/claims.ts';
import { HEADER, NOT_TEXT, named } from './claims-kit.ts';
import { CLAIMS, expectTokenRefusal, principalOf, signRaw, token } from './token-kit.ts';

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
