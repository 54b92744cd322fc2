import { createHmac, generateKeyPairSync, sign as signBytes } from 'node:crypto';
import { exportJWK, SignJWT, UnsecuredJWT } from 'jose';
import { beforeAll, describe, expect, it } from 'vitest';
import { createAssertionVerifier, type VerifyAssertion } from '../../../subgraphs/kit/assertion.ts';
import { createSigner, epochSeconds, goodClaims } from '../support.ts';

const TYPE = 'portcullis-assertion+jwt';
let signer: Awaited<ReturnType<typeof createSigner>>;
let verify: VerifyAssertion;

beforeAll(async () => {
  signer = await createSigner();
  verify = createAssertionVerifier({ jwks: signer.jwks });
});

async function refusal(values: readonly string[], by = verify): Promise<Record<string, unknown>> {
  const outcome = await by(values).then(
    () => ({ extensions: { code: 'ACCEPTED' } }),
    (error: { extensions: Record<string, unknown> }) => error,
  );
  return outcome.extensions;
}

const UNAUTHENTICATED = { code: 'UNAUTHENTICATED', http: { status: 401 } };

describe('the assertion verifier', () => {
  it('reads the principal from a good assertion', async () => {
    expect(await verify([await signer.sign()])).toEqual({
      subject: 'acme-ada',
      tenant: 'acme',
      scopes: new Set(['accounts:read', 'orders:read']),
      clientId: 'web',
      kind: 'user',
      acr: null,
      amr: [],
      authTime: null,
      budget: null,
    });
  });

  it('reads how and when the caller authenticated', async () => {
    const claims = { acr: 'urn:example:mfa', amr: ['pwd', 'otp'], auth_time: 1_800_000_000 };
    expect(await verify([await signer.sign({ claims })])).toMatchObject({
      acr: 'urn:example:mfa',
      amr: ['pwd', 'otp'],
      authTime: 1_800_000_000,
    });
  });

  it('reads a principal whose tenant, scopes and client the gateway withholds', async () => {
    const assertion = await signer.sign({
      claims: {
        tenant: undefined,
        scope: undefined,
        client_id: undefined,
        kind: 'anonymous',
        sub: 'anonymous',
      },
    });
    expect(await verify([assertion])).toEqual({
      subject: 'anonymous',
      tenant: null,
      scopes: new Set(),
      clientId: null,
      kind: 'anonymous',
      acr: null,
      amr: [],
      authTime: null,
      budget: null,
    });
  });

  it('refuses a request without an assertion', async () => {
    expect(await refusal([])).toEqual(UNAUTHENTICATED);
  });

  it('refuses several assertions, even two equal good ones', async () => {
    const assertion = await signer.sign();
    expect(await refusal([assertion, assertion])).toEqual(UNAUTHENTICATED);
  });

  it('refuses several assertions in one header value', async () => {
    const assertion = await signer.sign();
    expect(await refusal([`${assertion}, ${assertion}`])).toEqual(UNAUTHENTICATED);
  });

  it.each([
    ['an empty text', ''],
    ['a text that is no assertion', 'Bearer abc'],
    ['a text that is longer than the bound', 'a'.repeat(8_193)],
  ])('refuses %s', async (_, text) => {
    expect(await refusal([text])).toEqual(UNAUTHENTICATED);
  });

  it('refuses an unsigned assertion of algorithm none', async () => {
    const assertion = new UnsecuredJWT(goodClaims(epochSeconds())).encode();
    expect(await refusal([assertion])).toEqual(UNAUTHENTICATED);
  });

  it('refuses a good assertion whose signature is cut off', async () => {
    const assertion = await signer.sign();
    expect(await refusal([assertion.slice(0, assertion.lastIndexOf('.') + 1)])).toEqual(UNAUTHENTICATED);
  });

  it('refuses a good assertion whose claims were changed', async () => {
    const [header, , signature] = (await signer.sign()).split('.');
    const claims = JSON.stringify({ ...goodClaims(epochSeconds()), tenant: 'globex' });
    const forged = [header, Buffer.from(claims).toString('base64url'), signature].join('.');
    expect(await refusal([forged])).toEqual(UNAUTHENTICATED);
  });

  it('refuses an HMAC that takes the public key as its secret', async () => {
    const key = await exportJWK(signer.publicKey);
    const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const input = `${encode({ alg: 'HS256', typ: TYPE, kid: 'key-1' })}.${encode(goodClaims(epochSeconds()))}`;
    const mac = createHmac('sha256', Buffer.from(key.x ?? '', 'base64url'))
      .update(input)
      .digest('base64url');
    expect(await refusal([`${input}.${mac}`])).toEqual(UNAUTHENTICATED);
  });

  it('refuses another algorithm, though the key set holds a key for it', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const jwks = {
      keys: [...signer.jwks.keys, { ...(await exportJWK(publicKey)), kid: 'ec', alg: 'ES256' }],
    };
    const assertion = await new SignJWT(goodClaims(epochSeconds()))
      .setProtectedHeader({ alg: 'ES256', typ: TYPE, kid: 'ec' })
      .sign(privateKey);
    expect(await refusal([assertion], createAssertionVerifier({ jwks }))).toEqual(UNAUTHENTICATED);
  });

  it('refuses a key that nobody published', async () => {
    const stranger = await createSigner();
    expect(await refusal([await stranger.sign()])).toEqual(UNAUTHENTICATED);
  });

  it('refuses a key id that nobody published', async () => {
    expect(await refusal([await signer.sign({ header: { kid: 'key-2' } })])).toEqual(UNAUTHENTICATED);
  });

  it('refuses a key that the header brings along', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    const header = { alg: 'EdDSA', typ: TYPE, kid: 'key-1', jwk: await exportJWK(publicKey) };
    const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const input = `${encode(header)}.${encode(goodClaims(epochSeconds()))}`;
    const signature = signBytes(null, Buffer.from(input), privateKey).toString('base64url');
    expect(await refusal([`${input}.${signature}`])).toEqual(UNAUTHENTICATED);
  });

  it.each([
    ['a plain JWT', { typ: 'JWT' }],
    ['an access token', { typ: 'at+jwt' }],
    ['a token of no type', { typ: undefined }],
    ['an unknown critical header', { crit: ['exotic'], exotic: true }],
  ])('refuses %s, though the gateway signed it', async (_, header) => {
    const { privateKey } = signer;
    const full = { alg: 'EdDSA', typ: TYPE, kid: 'key-1', ...header };
    const text = JSON.stringify(full);
    const encode = (value: string) => Buffer.from(value).toString('base64url');
    const input = `${encode(text)}.${encode(JSON.stringify(goodClaims(epochSeconds())))}`;
    const signature = await crypto.subtle.sign('Ed25519', privateKey, Buffer.from(input));
    expect(await refusal([`${input}.${Buffer.from(signature).toString('base64url')}`])).toEqual(
      UNAUTHENTICATED,
    );
  });

  it.each([
    ['another issuer', { iss: 'gatehouse' }],
    ['no issuer', { iss: undefined }],
    ['another audience', { aud: 'clients' }],
    ['no audience', { aud: undefined }],
    ['no subject', { sub: undefined }],
    ['an empty subject', { sub: '' }],
    ['no expiry', { exp: undefined }],
    ['an expiry that is no number', { exp: '2099-01-01' }],
    ['no time of issue', { iat: undefined }],
    ['no kind', { kind: undefined }],
    ['an unknown kind', { kind: 'root' }],
    ['an empty tenant', { tenant: '' }],
    ['a tenant that is no text', { tenant: ['acme'] }],
    ['scopes that are no text', { scope: ['orders:write'] }],
    ['a client that is no text', { client_id: 7 }],
    ['an empty authentication class', { acr: '' }],
    ['an authentication class that is no text', { acr: 3 }],
    ['authentication methods that are no list', { amr: 'mfa' }],
    ['an authentication method that is no text', { amr: ['pwd', 7] }],
    ['a time of authentication that is no number', { auth_time: '1800000000' }],
    ['a time of authentication before the epoch', { auth_time: -1 }],
    ['a time of authentication that is no whole second', { auth_time: 1.5 }],
    ['a start in the future', { nbf: epochSeconds() + 600 }],
  ])('refuses an assertion with %s', async (_, claims) => {
    expect(await refusal([await signer.sign({ claims })])).toEqual(UNAUTHENTICATED);
  });

  it('takes the issuer and the audience it was told to', async () => {
    const elsewhere = createAssertionVerifier({ jwks: signer.jwks, issuer: 'edge', audience: 'orders' });
    expect(await refusal([await signer.sign()], elsewhere)).toEqual(UNAUTHENTICATED);
    const assertion = await signer.sign({ claims: { iss: 'edge', aud: 'orders' } });
    expect((await elsewhere([assertion])).subject).toBe('acme-ada');
  });
});

describe('the age of an assertion', () => {
  const start = 1_800_000_000;
  const at = (seconds: number, clockToleranceSeconds = 0) =>
    createAssertionVerifier({ jwks: signer.jwks, clockToleranceSeconds }, () => seconds * 1_000);

  it('counts as good until just before its expiry and as expired from it on', async () => {
    const assertion = await signer.sign({ nowSeconds: start });
    expect((await at(start + 59)([assertion])).subject).toBe('acme-ada');
    expect(await refusal([assertion], at(start + 60))).toEqual(UNAUTHENTICATED);
  });

  it('allows for the clock tolerance and no more', async () => {
    const assertion = await signer.sign({ nowSeconds: start });
    expect((await at(start + 64, 5)([assertion])).subject).toBe('acme-ada');
    expect(await refusal([assertion], at(start + 65, 5))).toEqual(UNAUTHENTICATED);
  });

  it('ends after an hour, whatever expiry the assertion claims', async () => {
    const assertion = await signer.sign({ nowSeconds: start, claims: { exp: start + 864_000 } });
    expect((await at(start + 3_600)([assertion])).subject).toBe('acme-ada');
    expect(await refusal([assertion], at(start + 3_601))).toEqual(UNAUTHENTICATED);
  });

  it('refuses an assertion from the future', async () => {
    const assertion = await signer.sign({ nowSeconds: start + 10 });
    expect(await refusal([assertion], at(start))).toEqual(UNAUTHENTICATED);
  });

  it('is judged again for an assertion that was verified before', async () => {
    let nowMs = start * 1_000;
    const remembering = createAssertionVerifier({ jwks: signer.jwks, clockToleranceSeconds: 0 }, () => nowMs);
    const assertion = await signer.sign({ nowSeconds: start, claims: { exp: start + 864_000 } });
    const first = await remembering([assertion]);
    nowMs += 3_599_999;
    expect(await remembering([assertion])).toBe(first);
    nowMs += 1_001;
    expect(await refusal([assertion], remembering)).toEqual(UNAUTHENTICATED);
  });

  it('never passes the expiry of an assertion that was verified before', async () => {
    let nowMs = start * 1_000;
    const remembering = createAssertionVerifier({ jwks: signer.jwks, clockToleranceSeconds: 0 }, () => nowMs);
    const assertion = await signer.sign({ nowSeconds: start });
    const first = await remembering([assertion]);
    nowMs += 59_999;
    expect(await remembering([assertion])).toBe(first);
    nowMs += 1;
    expect(await refusal([assertion], remembering)).toEqual(UNAUTHENTICATED);
  });
});
