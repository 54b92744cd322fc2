import { decodeJwt, decodeProtectedHeader, generateKeyPair, jwtVerify } from 'jose';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  type AssertionMinter,
  type AssertionOptions,
  createAssertionMinter,
  type IdentityExposure,
} from '../../src/execution/assertion.ts';
import { ANONYMOUS, type Principal } from '../../src/identity/principal.ts';

const START_SECONDS = 1_800_000_000;
const LIFETIME_SECONDS = 60;

let keys: Awaited<ReturnType<typeof generateKeyPair>>;
beforeAll(async () => {
  keys = await generateKeyPair('Ed25519');
});

const principal = (changes: Partial<Principal> = {}): Principal => ({
  ...ANONYMOUS,
  kind: 'user',
  subject: 'ada',
  tenant: 'acme',
  application: 'shop',
  scopes: new Set(['read', 'write']),
  roles: new Set(['admin']),
  credentialId: 'credential-7',
  issuer: 'https://issuer.test',
  ...changes,
});

function start(changes: Partial<AssertionOptions> = {}) {
  const clock = { ms: START_SECONDS * 1000 };
  const options: AssertionOptions = {
    privateKey: keys.privateKey,
    keyId: 'k1',
    issuer: 'portcullis',
    audience: 'subgraphs',
    lifetimeSeconds: LIFETIME_SECONDS,
    ...changes,
  };
  const minter: AssertionMinter = createAssertionMinter(options, { now: () => clock.ms });
  return { clock, minter };
}

describe('an assertion', () => {
  it('is signed by the gateway, typed, dated and addressed', async () => {
    const token = await start().minter.assertionFor(principal(), 'principal');
    const { payload, protectedHeader } = await jwtVerify(token, keys.publicKey, {
      algorithms: ['EdDSA'],
      typ: 'portcullis-assertion+jwt',
      issuer: 'portcullis',
      audience: 'subgraphs',
      currentDate: new Date(START_SECONDS * 1000),
    });
    expect(protectedHeader).toEqual({ alg: 'EdDSA', kid: 'k1', typ: 'portcullis-assertion+jwt' });
    expect(payload).toMatchObject({ iat: START_SECONDS, exp: START_SECONDS + LIFETIME_SECONDS });
  });

  it('tells what a caller may spend, and of which credential, to who may know the caller', async () => {
    const { minter } = start();
    const budget = { tenant: 'ten_1', application: 'app_1', plans: [] };
    const told = async (caller: Principal, exposure: IdentityExposure) =>
      decodeJwt(await minter.assertionFor(caller, exposure, budget))['budget'];
    expect(await told(principal(), 'principal')).toEqual({ ...budget, credential: 'shop' });
    expect(await told(principal({ issuer: null }), 'principal')).toEqual({
      ...{ ...budget, credential: 'credential-7' },
    });
    expect(await told(principal(), 'tenant')).toBeUndefined();
    expect(await told(principal(), 'none')).toBeUndefined();
  });

  it('is signed once for a budget, and anew as soon as that is another', async () => {
    const { minter } = start();
    const caller = principal();
    const [one, other] = [{ plans: [] }, { plans: [] }];
    const first = await minter.assertionFor(caller, 'principal', one);
    expect(minter.assertionFor(caller, 'principal', one)).toBe(first);
    expect(typeof minter.assertionFor(caller, 'principal', other)).toBe('object');
    expect(decodeJwt(await minter.assertionFor(caller, 'principal'))['budget']).toBeUndefined();
  });

  const exposures: readonly (readonly [IdentityExposure, Record<string, unknown>])[] = [
    ['none', { sub: 'gateway', kind: 'anonymous' }],
    ['tenant', { sub: 'tenant', kind: 'anonymous', tenant: 'acme' }],
    ['principal', { sub: 'ada', kind: 'user', tenant: 'acme', scope: 'read write', client_id: 'shop' }],
  ];
  it.each(exposures)(
    'tells a subgraph of exposure %s exactly what it may see',
    async (exposure, expected) => {
      const {
        iss: _,
        aud: _a,
        iat: _i,
        exp: _e,
        ...claims
      } = decodeJwt(await start().minter.assertionFor(principal(), exposure));
      expect(claims).toEqual(expected);
    },
  );

  it('tells of an authentication exactly what the credential says, and only to exposure principal', async () => {
    const { minter } = start();
    const who = principal({ acr: 'urn:example:mfa', amr: ['pwd', 'otp'], authTime: START_SECONDS - 30 });
    expect(decodeJwt(await minter.assertionFor(who, 'principal'))).toMatchObject({
      acr: 'urn:example:mfa',
      amr: ['pwd', 'otp'],
      auth_time: START_SECONDS - 30,
    });
    for (const exposure of ['tenant', 'none'] as const) {
      const names = Object.keys(decodeJwt(await minter.assertionFor(who, exposure)));
      expect(names.filter((name) => ['acr', 'amr', 'auth_time'].includes(name))).toEqual([]);
    }
  });

  it('names neither a tenant nor an application where there is none', async () => {
    const token = await start().minter.assertionFor(
      principal({ tenant: null, application: null }),
      'principal',
    );
    expect(Object.keys(decodeJwt(token))).not.toContain('tenant');
    expect(Object.keys(decodeJwt(token))).not.toContain('client_id');
  });

  it('cannot be steered by what a principal is called', async () => {
    const evil = principal({ subject: '{"admin":true}', tenant: 'a","sub":"root', scopes: new Set(['x']) });
    const token = await start().minter.assertionFor(evil, 'principal');
    expect(decodeProtectedHeader(token).alg).toBe('EdDSA');
    expect(decodeJwt(token)).toMatchObject({
      sub: '{"admin":true}',
      tenant: 'a","sub":"root',
      iss: 'portcullis',
    });
  });

  it('is shared until half of its life is over, and minted again then', async () => {
    const { clock, minter } = start();
    const who = principal();
    const first = await minter.assertionFor(who, 'principal');
    clock.ms += 29_999;
    expect(minter.assertionFor(who, 'principal')).toBe(first);
    clock.ms += 1;
    const second = await minter.assertionFor(who, 'principal');
    expect(second).not.toBe(first);
    expect(decodeJwt(second).exp).toBe(START_SECONDS + 30 + LIFETIME_SECONDS);
  });

  it('is minted once for calls at the same time', async () => {
    const { minter } = start();
    const who = principal();
    const [one, two] = [minter.assertionFor(who, 'principal'), minter.assertionFor(who, 'principal')];
    expect(one).toBe(two);
    expect(await one).toBe(await two);
  });

  it.each([
    [59, 59],
    [60, 60],
    [61, 60],
    [1, 1],
  ])('of a credential that lasts %i seconds lasts %i', async (left, lasts) => {
    const token = await start().minter.assertionFor(
      principal({ expiresAt: START_SECONDS + left }),
      'principal',
    );
    expect(decodeJwt(token).exp).toBe(START_SECONDS + lasts);
  });

  it('is never handed out once the credential has expired', async () => {
    const { clock, minter } = start();
    const who = principal({ expiresAt: START_SECONDS + 10 });
    const first = await minter.assertionFor(who, 'principal');
    clock.ms += 10_000;
    const later = await minter.assertionFor(who, 'principal');
    expect(later).not.toBe(first);
    expect(decodeJwt(later).exp).toBeLessThanOrEqual(START_SECONDS + 10);
    await expect(jwtVerify(later, keys.publicKey, { currentDate: new Date(clock.ms) })).rejects.toMatchObject(
      { code: 'ERR_JWT_EXPIRED' },
    );
  });

  it('is another for each principal, equal ones included', async () => {
    const { minter } = start();
    const [ada, eve] = [principal(), principal({ subject: 'eve' })];
    const tokens = await Promise.all([ada, eve].map((who) => minter.assertionFor(who, 'principal')));
    expect(tokens.map((token) => decodeJwt(token).sub)).toEqual(['ada', 'eve']);
  });

  it('of a tenant is shared by its callers and by nobody else', async () => {
    const { minter } = start();
    const [ada, eve, mallory] = [principal(), principal({ subject: 'eve' }), principal({ tenant: 'other' })];
    const one = await minter.assertionFor(ada, 'tenant');
    expect(minter.assertionFor(eve, 'tenant')).toBe(one);
    expect(decodeJwt(await minter.assertionFor(mallory, 'tenant'))['tenant']).toBe('other');
  });

  it('keeps tenants apart whose names are made to collide', async () => {
    const { minter } = start();
    const names = [
      null,
      '',
      ' ',
      'none',
      'null',
      'undefined',
      'tenant',
      'no tenant',
      'tenant ',
      '__proto__',
      'constructor',
      'Acme',
      'acme',
      'acme ',
    ];
    for (const round of [1, 2]) {
      for (const tenant of names) {
        const claims = decodeJwt(await minter.assertionFor(principal({ tenant }), 'tenant'));
        expect([round, 'tenant' in claims ? claims['tenant'] : null]).toEqual([round, tenant]);
      }
    }
    expect('tenant' in decodeJwt(await minter.assertionFor(principal(), 'none'))).toBe(false);
  });

  it('keeps exposures of one principal apart', async () => {
    const { minter } = start();
    const who = principal();
    const tokens = await Promise.all(
      (['none', 'tenant', 'principal'] as const).map((each) => minter.assertionFor(who, each)),
    );
    expect(new Set(tokens).size).toBe(3);
    expect(decodeJwt(tokens[0] as string)['sub']).toBe('gateway');
  });

  it('is tried again after a fault of signing', async () => {
    const { minter } = start({ privateKey: keys.publicKey });
    const who = principal();
    await expect(minter.assertionFor(who, 'principal')).rejects.toThrow();
    const again = minter.assertionFor(who, 'principal');
    await expect(again).rejects.toThrow();
  });
});
