import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type ApiKeyRecord, staticDirectory } from '../../src/identity/credential-directory.ts';
import { bearer, errorOf, FakeClock, identifierWith, NOW, token } from './token-kit.ts';

const PEPPER = 'p'.repeat(32);
const KEY = `pk_abcd_${'k'.repeat(43)}`;
const hashOf = (key: string, pepper = PEPPER): string =>
  createHmac('sha256', pepper).update(key).digest('base64url');
const MS = NOW * 1000;

function record(changes: Partial<ApiKeyRecord> = {}): ApiKeyRecord {
  return {
    ...{ id: 'crd_1', hash: hashOf(KEY), tenant: 'acme', application: 'shop', subject: 'shop-backend' },
    ...{ scopes: ['orders:read'], roles: ['reader'] },
    ...{ notBefore: 0, expiresAt: null, graceUntil: null, revokedAt: null },
    ...changes,
  };
}

function setUp(...records: readonly ApiKeyRecord[]) {
  const clock = new FakeClock();
  const directory = staticDirectory(
    PEPPER,
    records.map((one) => ({ prefix: 'abcd', record: one })),
  );
  return { clock, identifier: identifierWith({ apiKeys: [directory] }, clock) };
}

const inHeader = (...apiKeys: readonly string[]) => ({ authorization: [], apiKeys });
const inAuthorization = (value: string) => ({ authorization: [value], apiKeys: [] });

async function expectReason(action: () => unknown, reason: string): Promise<void> {
  const error = await errorOf(action);
  expect([error.code, error.status, error.cause]).toEqual(['UNAUTHENTICATED', 401, reason]);
  expect(JSON.stringify(error)).not.toContain(KEY);
}

describe('an API key', () => {
  it.each([
    ['its header', inHeader(KEY)],
    ['Authorization', inAuthorization(`ApiKey ${KEY}`)],
    ['Authorization, whatever the case of the scheme', inAuthorization(`APIKEY  ${KEY}`)],
  ])('in %s is the service it was made for, the same object each time', (_title, request) => {
    const { identifier } = setUp(record());
    const principal = identifier.identify(request);
    expect(principal).toMatchObject({ kind: 'service', tenant: 'acme', application: 'shop' });
    expect(principal).toMatchObject({ subject: 'shop-backend', credentialId: 'crd_1', authTime: null });
    expect(Object.isFrozen(principal)).toBe(true);
    expect(identifier.identify(request)).toBe(principal);
  });

  it('stays the same principal when its record is read anew, and not when its scopes change', () => {
    let now = record();
    const directory = { pepper: Buffer.from(PEPPER), find: () => [now] };
    const identifier = identifierWith({ apiKeys: [directory] });
    const first = identifier.identify(inHeader(KEY));
    now = record();
    expect(identifier.identify(inHeader(KEY))).toBe(first);
    now = record({ scopes: [] });
    expect(identifier.identify(inHeader(KEY))).not.toBe(first);
  });

  it.each([
    ['a wrong secret', `pk_abcd_${'x'.repeat(43)}`, 'api_key_unknown'],
    ['an unknown prefix', `pk_zzzz_${'k'.repeat(43)}`, 'api_key_unknown'],
    ['nothing', '', 'credential_malformed'],
    ['a secret that is too short', KEY.slice(0, -1), 'credential_malformed'],
    ['a secret that is too long', `${KEY}k`, 'credential_malformed'],
    ['a list', `${KEY}, ${KEY}`, 'credential_malformed'],
    ['a line end', `${KEY}\n`, 'credential_malformed'],
    ['another kind of key', KEY.replace('pk_', 'sk_'), 'credential_malformed'],
  ])('with %s is refused', async (_title, key, reason) => {
    const { identifier } = setUp(record());
    await expectReason(() => identifier.identify(inHeader(key)), reason);
    await expectReason(() => identifier.identify(inAuthorization(`ApiKey ${key}`)), reason);
  });

  it.each([
    ['another pepper', hashOf(KEY, 'q'.repeat(32))],
    ['no hash', ''],
    ['a hash of zeros', Buffer.alloc(32).toString('base64url')],
    ['a hash that is cut', hashOf(KEY).slice(0, 40)],
  ])('is refused where its record has %s', async (_title, hash) => {
    const { identifier } = setUp(record({ hash }));
    await expectReason(() => identifier.identify(inHeader(KEY)), 'api_key_unknown');
  });

  it('is found among several records of one prefix', () => {
    const { identifier } = setUp(record({ id: 'crd_0', hash: hashOf('other') }), record());
    expect(identifier.identify(inHeader(KEY))).toMatchObject({ credentialId: 'crd_1' });
  });

  it.each([
    ['expiresAt', 'api_key_expired'],
    ['graceUntil', 'api_key_expired'],
    ['revokedAt', 'credential_revoked'],
  ] as const)('counts until %s and no longer, though it was used before', async (field, reason) => {
    const { identifier, clock } = setUp(record({ [field]: MS + 1000 }));
    identifier.identify(inHeader(KEY));
    clock.seconds += 1;
    await expectReason(() => identifier.identify(inHeader(KEY)), reason);
  });

  it('counts from notBefore and no earlier', async () => {
    const { identifier, clock } = setUp(record({ notBefore: MS + 1000 }));
    await expectReason(() => identifier.identify(inHeader(KEY)), 'api_key_not_yet_valid');
    clock.seconds += 1;
    expect(identifier.identify(inHeader(KEY))).toMatchObject({ credentialId: 'crd_1' });
  });

  it('ends for its principal with what comes first', () => {
    const { identifier } = setUp(record({ expiresAt: MS + 9000, graceUntil: MS + 5000 }));
    expect(identifier.identify(inHeader(KEY))).toMatchObject({ expiresAt: NOW + 5 });
  });

  it('is refused at once when it is revoked', async () => {
    const { identifier } = setUp(record());
    identifier.identify(inHeader(KEY));
    identifier.revoke('crd_1');
    await expectReason(() => identifier.identify(inHeader(KEY)), 'credential_revoked');
  });

  it.each([
    ['twice in its header', inHeader(KEY, KEY)],
    ['in both places', { authorization: [`ApiKey ${KEY}`], apiKeys: [KEY] }],
    ['beside a token', { ...bearer(token()), apiKeys: [KEY] }],
    ['twice in Authorization', { authorization: [`ApiKey ${KEY}`, `ApiKey ${KEY}`], apiKeys: [] }],
    ['beside a token in Authorization', { authorization: [`ApiKey ${KEY}`, `Bearer ${token()}`] }],
  ])('that stands %s is refused', async (_title, request) => {
    await expectReason(() => setUp(record()).identifier.identify(request), 'credential_repeated');
  });

  it('leaves tokens as they are', async () => {
    const { identifier } = setUp(record());
    expect(await identifier.identify({ ...bearer(token()), apiKeys: [] })).toMatchObject({
      subject: 'user-1',
    });
  });

  it('is refused where none are taken', async () => {
    await expectReason(
      () => identifierWith().identify(inAuthorization(`ApiKey ${KEY}`)),
      'scheme_not_supported',
    );
  });

  it('needs a pepper of 32 bytes', async () => {
    const making = (bytes: number) => () =>
      identifierWith({ apiKeys: [staticDirectory('p'.repeat(bytes), [])] });
    expect((await errorOf(making(31))).code).toBe('CONFIG_INVALID');
    expect(making(32)).not.toThrow();
  });
});
