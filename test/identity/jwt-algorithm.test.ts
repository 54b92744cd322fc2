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
  principalOf,
  rsaKey,
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
