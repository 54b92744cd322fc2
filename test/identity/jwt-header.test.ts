import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  CLAIMS,
  ecKey,
  edKey,
  encode,
  expectTokenRefusal,
  issuerOptions,
  JWKS,
  jwkOf,
  type KeyPair,
  otherEcKey,
  principalOf,
  rsaKey,
  signRaw,
  token,
} from './token-kit.ts';

const payload = JSON.stringify(CLAIMS);

describe('the algorithm', () => {
  it.each([
    ['ES256', 'ec', ecKey],
    ['RS256', 'rsa', rsaKey],
    ['EdDSA', 'ed', edKey],
  ] as const)('accepts %s with a key that fits', async (alg, kid, pair) => {
    expect((await principalOf(token({}, { alg, kid }, pair))).subject).toBe('user-1');
  });

  it('accepts Ed25519 by its own name where the issuer allows it', async () => {
    const jwt = [issuerOptions({ algorithms: ['Ed25519'] })];
    expect((await principalOf(token({}, { alg: 'Ed25519', kid: 'ed' }, edKey), { jwt })).subject).toBe(
      'user-1',
    );
  });

  it.each([
    'none',
    'None',
    'NONE',
    'nOnE',
    '',
    ' ',
    'none ',
    'HS256',
    'HS384',
    'HS512',
    'hs256',
    'es256',
    'rs256',
    'ES256 ',
    'ES256K',
    'ML-DSA-44',
    'A128KW',
    'dir',
    'RSA-OAEP',
    'RSA1_5',
    'PBES2-HS256+A128KW',
    'ES-256',
    'SHA256',
    'Ed448',
    'ES256\u0000',
    '__proto__',
    'constructor',
    'toString',
    'hasOwnProperty',
    '\uff25\uff33256',
  ])('refuses alg %j', async (alg) => {
    await expectTokenRefusal(token({}, { alg }), 'alg_not_allowed');
  });

  it.each([
    ['absent', undefined],
    ['null', null],
    ['a number', 256],
    ['true', true],
    ['an array', ['ES256']],
    ['an object', { toString: 'ES256' }],
  ])('refuses an alg that is %s', async (_title, alg) => {
    await expectTokenRefusal(token({}, { alg }), 'alg_not_allowed');
  });

  it.each(['PS256', 'PS384', 'PS512', 'RS384', 'RS512', 'ES384', 'ES512', 'Ed25519'])(
    'refuses %s where the issuer does not list it',
    async (alg) => {
      await expectTokenRefusal(token({}, { alg }), 'alg_not_allowed');
    },
  );

  it.each(['none', 'None', 'NONE'])('refuses an unsigned token with alg %s', async (alg) => {
    const unsigned = `${encode({ alg, typ: 'JWT' })}.${encode(payload)}.`;
    await expectTokenRefusal(unsigned, 'token_malformed');
    await expectTokenRefusal(`${unsigned}AA`, 'alg_not_allowed');
  });

  const secrets: readonly (readonly [string, string | Buffer])[] = [
    ...(
      [
        ['EC', ecKey],
        ['RSA', rsaKey],
        ['Ed25519', edKey],
      ] as const
    ).flatMap(([name, { publicKey }]) => {
      const pem = publicKey.export({ format: 'pem', type: 'spki' }).toString();
      return [
        [`the ${name} public key as PEM`, pem],
        [`the ${name} public key as PEM without the last line break`, pem.trimEnd()],
        [`the ${name} public key as DER`, publicKey.export({ format: 'der', type: 'spki' })],
        [`the ${name} public key as JWK`, JSON.stringify(publicKey.export({ format: 'jwk' }))],
      ] as const;
    }),
    ['the whole key set', JSON.stringify(JWKS)],
    ['the empty secret', ''],
  ];

  it.each(
    secrets.flatMap(([title, secret]) => ['256', '384', '512'].map((bits) => [title, bits, secret] as const)),
  )('refuses an HMAC under %s (HS%s)', async (_title, bits, secret) => {
    for (const kid of ['ec', 'rsa', 'ed', undefined]) {
      const input = `${encode({ alg: `HS${bits}`, kid })}.${encode(payload)}`;
      const mac = createHmac(`sha${bits}`, secret).update(input).digest('base64url');
      await expectTokenRefusal(`${input}.${mac}`, 'alg_not_allowed');
    }
  });

  it.each([
    ['ES256 header over an RSA key id', 'ES256', 'rsa', rsaKey],
    ['RS256 header over an EC key id', 'RS256', 'ec', ecKey],
    ['EdDSA header over an EC key id', 'EdDSA', 'ec', ecKey],
    ['RS256 header over an Ed25519 key id', 'RS256', 'ed', edKey],
    ['ES256 header over an Ed25519 key id', 'ES256', 'ed', edKey],
  ] as const)('refuses a key of another type: %s', async (_title, alg, kid, pair) => {
    await expectTokenRefusal(token({}, { alg, kid }, pair), 'key_unknown');
  });

  it('refuses an RSA signature made with another padding than the header says', async () => {
    const jwt = [issuerOptions({ algorithms: ['PS256'] })];
    await expectTokenRefusal(token({}, { alg: 'PS256', kid: 'rsa' }, rsaKey), 'signature_invalid', { jwt });
  });

  it('refuses an ECDSA signature in DER form', async () => {
    const { sign } = await import('node:crypto');
    const input = `${encode({ alg: 'ES256', kid: 'ec' })}.${encode(payload)}`;
    const der = sign('sha256', Buffer.from(input), ecKey.privateKey).toString('base64url');
    await expectTokenRefusal(`${input}.${der}`, 'signature_invalid');
  });

  it.each([
    ['64 zero bytes (CVE-2022-21449)', Buffer.alloc(64)],
    [
      'the group order',
      Buffer.from('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551'.repeat(2), 'hex'),
    ],
    ['one byte', Buffer.alloc(1, 1)],
    ['65 bytes', Buffer.alloc(65, 1)],
  ])('refuses the signature %s', async (_title, signature) => {
    const forged = `${encode({ alg: 'ES256', kid: 'ec' })}.${encode(payload)}.${signature.toString('base64url')}`;
    await expectTokenRefusal(forged, 'signature_invalid');
  });
});

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
