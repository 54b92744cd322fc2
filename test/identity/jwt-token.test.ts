import { describe, expect, it } from 'vitest';
import { StaticJwksSource } from '../../src/identity/jwks-source.ts';
import { AUDIENCES_MAX } from '../../src/identity/jwt.ts';
import {
  AUDIENCE,
  bearer,
  CLAIMS,
  encode,
  expectRefusal,
  expectTokenRefusal,
  ISSUER,
  identifierWith,
  issuerOptions,
  jwkOf,
  otherEcKey,
  principalOf,
  signRaw,
  token,
} from './token-kit.ts';

const HEADER = '{"alg":"ES256","kid":"ec"}';
const good = token();
const [head = '', body = '', tail = ''] = good.split('.');

describe('the form of a token', () => {
  it.each([
    ['one segment', head],
    ['two segments', `${head}.${body}`],
    ['four segments', `${good}.${tail}`],
    ['five segments, as an encrypted token has', `${good}.${tail}.${tail}`],
    ['a leading dot', `.${good}`],
    ['a trailing dot', `${good}.`],
    ['only dots', '..'],
    ['many dots', '.'.repeat(16_000)],
    ['no header', `.${body}.${tail}`],
    ['no payload', `${head}..${tail}`],
    ['no signature', `${head}.${body}.`],
    ['padding', `${head}.${body}.${tail}==`],
    ['standard base64', `${head}.${body}.${'+/'.repeat(43)}`],
    ['a tilde', `${head}.${body}.~${tail.slice(1)}`],
    ['a segment of an impossible length', `${head}.${body}.${tail.slice(0, 85)}`],
    ['unused bits set in the signature', `${head}.${body}.${tail.slice(0, -1)}${otherTail(tail)}`],
  ])('is refused with %s', async (_title, value) => {
    await expectTokenRefusal(value, 'token_malformed');
  });

  it('is refused before any other check when it is larger than the limit, and accepted at the limit', async () => {
    expect((await principalOf(good, { tokenBytesMax: good.length })).subject).toBe('user-1');
    await expectTokenRefusal(good, 'token_too_large', { tokenBytesMax: good.length - 1 });
    await expectTokenRefusal('é'.repeat(20_000), 'token_too_large');
  });

  it('is refused in little time when it is huge', async () => {
    await expectTokenRefusal('a.'.repeat(5_000_000), 'token_too_large');
  });

  const positions = Array.from({ length: 60 }, (_unused, index) =>
    Math.floor((index * (good.length - 1)) / 60),
  );
  it.each(positions)('is refused with the character at %i changed', async (position) => {
    const char = good[position] === 'A' ? 'B' : 'A';
    const changed =
      good[position] === '.'
        ? `${good.slice(0, position)}${good.slice(position + 1)}`
        : good.slice(0, position) + char + good.slice(position + 1);
    const identifier = identifierWith();
    const rejection = await Promise.resolve()
      .then(() => identifier.identify(bearer(changed)))
      .catch((error: unknown) => error);
    expect(rejection).toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  it.each([
    ['another payload', `${head}.${encode({ ...CLAIMS, sub: 'admin' })}.${tail}`],
    ['another header', `${encode({ alg: 'ES256', kid: 'ec', x: 1 })}.${body}.${tail}`],
    ['the signature of another token', `${head}.${body}.${token({ sub: 'x' }).split('.')[2]}`],
    ['a signature of another key', token({}, {}, otherEcKey)],
  ])('is refused with %s', async (_title, value) => {
    await expectTokenRefusal(value, 'signature_invalid');
  });
});

function otherTail(signature: string): string {
  // 64 bytes leave four unused bits in the last character; each of its values but one is a second spelling.
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  return alphabet[alphabet.indexOf(signature.at(-1) ?? 'A') + 1] ?? 'B';
}

describe('the payload', () => {
  it.each([
    '[]',
    '"x"',
    'null',
    '1',
    'not json',
    '{',
    `{"iss":"${ISSUER}",}`,
    '\ufeff{}',
    `${'{"a":'.repeat(40)}1${'}'.repeat(40)}`,
  ])('is refused when it is no JSON object: %j', async (payload) => {
    await expectTokenRefusal(signRaw(HEADER, payload), 'payload_malformed');
  });

  it.each([
    ['iss', `"iss":"${ISSUER}"`],
    ['sub', '"sub":"admin"'],
    ['tenant', '"tenant":"other"'],
    ['exp', '"exp":9999999999'],
    ['an escaped tenant', String.raw`"t\u0065nant":"other"`],
    ['a nested member', '"realm":{"roles":["a"],"roles":["b"]}'],
  ])('is refused when a member is repeated: %s', async (_title, member) => {
    const payload = `${JSON.stringify(CLAIMS).slice(0, -1)},${member}}`;
    await expectTokenRefusal(signRaw(HEADER, payload), 'duplicate_member');
  });
});

describe('the issuer', () => {
  it.each([
    ['absent', undefined],
    ['null', null],
    ['empty', ''],
    ['a number', 1],
    ['an array', [ISSUER]],
    ['another', 'https://other.example'],
    ['followed by a slash', `${ISSUER}/`],
    ['in upper case', ISSUER.toUpperCase()],
    ['followed by a space', `${ISSUER} `],
    ['over http', 'http://issuer.example'],
    ['with a port', `${ISSUER}:443`],
    ['a prefix', 'https://issuer'],
    ['a longer host', `${ISSUER}.attacker.test`],
    ['with user information', 'https://x@issuer.example'],
    ['__proto__', '__proto__'],
    ['constructor', 'constructor'],
    ['written with a homoglyph', 'https://іssuer.example'],
  ])('is refused when it is %s', async (_title, iss) => {
    await expectTokenRefusal(token({ iss }), 'issuer_unknown');
  });

  it('is not taken from a prototype', async () => {
    const { iss, ...rest } = CLAIMS;
    const payload = `{"__proto__":{"iss":"${iss}"},${JSON.stringify(rest).slice(1)}`;
    await expectTokenRefusal(signRaw(HEADER, payload), 'issuer_unknown');
  });

  it('has its own keys: another issuer cannot sign for it', async () => {
    const other = issuerOptions({
      issuer: 'https://other.example',
      keys: new StaticJwksSource({ keys: [jwkOf(otherEcKey, { kid: 'ec' })] }),
    });
    const jwt = [issuerOptions(), other];
    await expectTokenRefusal(token({}, {}, otherEcKey), 'signature_invalid', { jwt });
    await expectTokenRefusal(token({ iss: other.issuer }), 'signature_invalid', { jwt });
    const principal = await principalOf(token({ iss: other.issuer }, {}, otherEcKey), { jwt });
    expect(principal.issuer).toBe('https://other.example');
  });

  it('may have several entries, of which the first that fits algorithm and audience judges', async () => {
    const claims = issuerOptions().claims;
    const jwt = [
      issuerOptions({ algorithms: ['RS256'], claims: { ...claims, tenant: 'by_alg' } }),
      issuerOptions({ audiences: ['https://admin.example'], claims: { ...claims, tenant: 'by_aud' } }),
      issuerOptions({ claims: { ...claims, tenant: 'tenant' } }),
      issuerOptions({ claims: { ...claims, tenant: 'never' } }),
    ];
    const value = { by_alg: '1', by_aud: '2', never: '4' };
    expect((await principalOf(token(value), { jwt })).tenant).toBe('acme');
    expect((await principalOf(token({ ...value, aud: 'https://admin.example' }), { jwt })).tenant).toBe('2');
    await expectTokenRefusal(token({ aud: 'https://none.example' }), 'audience_mismatch', { jwt });
  });
});

describe('the audience', () => {
  it.each([
    ['absent', undefined],
    ['empty', ''],
    ['another', 'https://other.example'],
    ['an empty list', []],
    ['a list of others', ['a', 'b']],
    ['a prefix', AUDIENCE.slice(0, -1)],
    ['longer', `${AUDIENCE}/`],
    ['in upper case', AUDIENCE.toUpperCase()],
  ])('is refused when it is %s', async (_title, aud) => {
    await expectTokenRefusal(token({ aud }), 'audience_mismatch');
  });

  it.each([
    ['null', null],
    ['a number', 1],
    ['an object', { 0: AUDIENCE }],
    ['a list with a number', [AUDIENCE, 1]],
    ['a nested list', [[AUDIENCE]]],
    ['a list with null', [null, AUDIENCE]],
    ['one too many', Array(AUDIENCES_MAX + 1).fill(AUDIENCE)],
  ])('is refused when it is %s', async (_title, aud) => {
    await expectTokenRefusal(token({ aud }), 'claim_aud_invalid');
  });

  it.each([
    ['the text itself', AUDIENCE],
    ['in a list', ['x', AUDIENCE]],
    ['in the longest list', Array(AUDIENCES_MAX).fill(AUDIENCE)],
  ])('is accepted when it is %s', async (_title, aud) => {
    expect((await principalOf(token({ aud }))).subject).toBe('user-1');
  });

  it('is not looked at where none is configured, but must have the right type', async () => {
    const jwt = [issuerOptions({ audiences: [] })];
    expect((await principalOf(token({ aud: undefined }), { jwt })).subject).toBe('user-1');
    expect((await principalOf(token({ aud: 'anything' }), { jwt })).subject).toBe('user-1');
    await expectTokenRefusal(token({ aud: 5 }), 'claim_aud_invalid', { jwt });
  });
});

describe('a fault of the gateway', () => {
  it('refuses without blaming the caller', async () => {
    const broken = new Error('broken');
    const keys = { keyFor: () => Promise.reject(broken), close: async () => undefined };
    const identifier = identifierWith({ jwt: [issuerOptions({ keys })] });
    await expect(identifier.identify(bearer(good))).rejects.toBe(broken);
    await expectRefusal(() => identifier.identify(bearer('x')), 'token_malformed');
  });
});
