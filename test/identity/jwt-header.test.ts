import { describe, expect, it } from 'vitest';
import {
  CLAIMS,
  ecKey,
  expectTokenRefusal,
  jwkOf,
  type KeyPair,
  otherEcKey,
  principalOf,
  signRaw,
  token,
} from './token-kit.ts';

const payload = JSON.stringify(CLAIMS);

describe('headers that would choose the key', () => {
  const foreign: KeyPair = otherEcKey;

  it.each([
    ['jku', 'https://attacker.example/jwks.json'],
    ['jku', 'https://issuer.example/jwks.json'],
    ['jku', null],
    ['jku', ''],
    ['x5u', 'https://attacker.example/cert.pem'],
    ['x5u', 'file:///etc/passwd'],
    ['jwk', jwkOf(foreign)],
    ['jwk', jwkOf(ecKey)],
    ['jwk', null],
    ['x5c', ['MIIB']],
    ['x5c', []],
  ])('refuses %s: %j, signed by the key it brings and by the right key', async (name, value) => {
    await expectTokenRefusal(token({}, { [name]: value }, foreign), 'key_in_header');
    await expectTokenRefusal(token({}, { [name]: value }, ecKey), 'key_in_header');
  });

  it.each([
    '../../../../dev/null',
    '/etc/passwd',
    "' OR 1=1 --",
    'ec\u0000',
    'EC',
    'ec ',
    '__proto__',
    'constructor',
    'k'.repeat(256),
  ])('looks for the key id %j among the keys only', async (kid) => {
    await expectTokenRefusal(token({}, { kid }), 'key_unknown');
  });

  it.each([
    ['empty', ''],
    ['a number', 1],
    ['null', null],
    ['an array', ['ec']],
    ['an object', {}],
    ['too long', 'k'.repeat(257)],
  ])('refuses a key id that is %s', async (_title, kid) => {
    await expectTokenRefusal(token({}, { kid }), 'kid_invalid');
  });

  it('refuses a signature by a key the issuer does not have', async () => {
    await expectTokenRefusal(token({}, {}, otherEcKey), 'signature_invalid');
  });

  it('accepts a token without a key id where exactly one key fits', async () => {
    expect((await principalOf(token({}, { kid: undefined }))).subject).toBe('user-1');
  });
});

describe('headers that change the rules', () => {
  it.each([
    [['exp']],
    [['b64']],
    [['http://example.invalid/UNDEFINED']],
    [['alg']],
    [[]],
    ['exp'],
    [null],
    [true],
    [{ exp: true }],
    [['__proto__']],
    [['b64', 'b64']],
    [[1]],
  ])('refuses crit: %j', async (crit) => {
    await expectTokenRefusal(token({}, { crit, exp: 1, b64: true }), 'crit_not_supported');
  });

  it.each([false, true, 'false', null, 0])('refuses b64: %j', async (b64) => {
    await expectTokenRefusal(token({}, { b64 }), 'b64_not_supported');
  });

  it.each([
    'JWE',
    'JOSE',
    'id_token',
    'at+jwtx',
    'dpop+jwt',
    'logout+jwt',
    'secevent+jwt',
    'portcullis-assertion+jwt',
    '',
    ' JWT',
    'JWT ',
    'text/jwt',
    'application/application/jwt',
    'application/',
    null,
    1,
    true,
    ['JWT'],
    {},
  ])('refuses typ: %j', async (typ) => {
    await expectTokenRefusal(token({}, { typ }), 'typ_not_allowed');
  });

  it.each(['JWT', 'jwt', 'at+jwt', 'AT+JWT', 'application/at+jwt', 'Application/JWT', undefined])(
    'accepts typ: %j',
    async (typ) => {
      expect((await principalOf(token({}, { typ }))).subject).toBe('user-1');
    },
  );

  it('ignores headers without a meaning here, certificate digests included', async () => {
    const value = token({}, { x5t: 'AAAA', 'x5t#S256': 'BBBB', cty: 'x', foo: { bar: 1 } });
    expect((await principalOf(value)).subject).toBe('user-1');
  });

  it.each([
    '{"alg":"none","alg":"ES256","kid":"ec"}',
    '{"alg":"ES256","kid":"ec","kid":"x"}',
    String.raw`{"alg":"ES256","\u0061lg":"none"}`,
  ])('refuses a header with a repeated member: %s', async (header) => {
    await expectTokenRefusal(signRaw(header, payload), 'duplicate_member');
  });

  it.each([
    '',
    ' ',
    '[]',
    '"ES256"',
    'null',
    '1',
    'true',
    '{',
    'not json',
    '{"alg":"ES256",}',
    '\ufeff{"alg":"ES256"}',
    '['.repeat(40) + ']'.repeat(40),
  ])('refuses a header that is no JSON object: %j', async (header) => {
    await expectTokenRefusal(
      signRaw(header, payload),
      header === '' ? 'token_malformed' : 'header_malformed',
    );
  });

  it.each(['{"__proto__":{"alg":"ES256","kid":"ec"}}', '{"constructor":{"alg":"ES256"}}'])(
    'takes no header from a prototype: %s',
    async (header) => {
      await expectTokenRefusal(signRaw(header, payload), 'alg_not_allowed');
    },
  );
});
