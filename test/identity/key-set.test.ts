import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { KEYS_MAX, KID_CHARS_MAX, parseKeySet, selectKey } from '../../src/identity/key-set.ts';
import { ecKey, edKey, jwkOf, otherEcKey, rsaKey } from './token-kit.ts';

const ec = jwkOf(ecKey, { kid: 'ec' });
const rsaOf = (modulusLength: number, publicExponent?: number) =>
  jwkOf(generateKeyPairSync('rsa', { modulusLength, ...(publicExponent && { publicExponent }) }), {
    kid: 'rsa',
  });

describe('parseKeySet', () => {
  it.each([
    null,
    undefined,
    1,
    'keys',
    [],
    [ec],
    {},
    { key: [ec] },
    { keys: {} },
    { keys: null },
    { keys: 'x' },
    { Keys: [ec] },
  ])('refuses %j as no key set', (document) => {
    expect(() => parseKeySet(document)).toThrow(TypeError);
  });

  it('refuses a key set that only a prototype has', () => {
    expect(() => parseKeySet(JSON.parse('{"__proto__":{"keys":[]}}'))).toThrow(TypeError);
    expect(() => parseKeySet(Object.create({ keys: [ec] }))).toThrow(TypeError);
  });

  it('accepts the most keys and refuses one more', () => {
    expect(parseKeySet({ keys: Array(KEYS_MAX).fill(ec) })).toHaveLength(KEYS_MAX);
    expect(() => parseKeySet({ keys: Array(KEYS_MAX + 1).fill(ec) })).toThrow(TypeError);
  });

  it.each([
    ['null', null],
    ['a string', 'key'],
    ['an array', [ec]],
    ['an empty object', {}],
    ['a symmetric key', { kty: 'oct', k: 'c2VjcmV0', kid: 'ec', alg: 'HS256' }],
    ['a symmetric key dressed as a public one', { ...ec, k: 'c2VjcmV0' }],
    ['a private EC key', { ...ecKey.privateKey.export({ format: 'jwk' }), kid: 'ec' }],
    ['a private RSA key', { ...rsaKey.privateKey.export({ format: 'jwk' }), kid: 'rsa' }],
    ['a private Ed25519 key', { ...edKey.privateKey.export({ format: 'jwk' }), kid: 'ed' }],
    ['a key with an empty private member', { ...ec, d: '' }],
    ['a key for encryption', { ...ec, use: 'enc' }],
    ['a key of an unknown use', { ...ec, use: 'SIG' }],
    ['a key whose use is no text', { ...ec, use: ['sig'] }],
    ['a key that may only sign', { ...ec, key_ops: ['sign'] }],
    ['a key that may do nothing', { ...ec, key_ops: [] }],
    ['a key whose operations are a text', { ...ec, key_ops: 'verify' }],
    ['a key for HMAC', { ...ec, alg: 'HS256' }],
    ['a key for no algorithm', { ...ec, alg: 'none' }],
    ['a key whose algorithm is a number', { ...ec, alg: 256 }],
    ['a key with a numeric id', { ...ec, kid: 1 }],
    ['a key with an empty id', { ...ec, kid: '' }],
    ['a key with too long an id', { ...ec, kid: 'k'.repeat(KID_CHARS_MAX + 1) }],
    ['a key of an unknown type', { ...ec, kty: 'ec' }],
    ['a key of an unknown curve', { ...ec, crv: 'P-257' }],
    ['a curve for key agreement', { kty: 'OKP', crv: 'X25519x', x: jwkOf(edKey).x }],
    ['a point that is not on the curve', { ...ec, y: jwkOf(otherEcKey).y }],
    ['a key without its y coordinate', { ...ec, y: undefined }],
    ['a key whose coordinate is a number', { ...ec, x: 1 }],
    ['an RSA key without an exponent', { ...jwkOf(rsaKey), e: undefined }],
    ['an RSA key with exponent 1', { ...jwkOf(rsaKey), e: 'AQ' }],
    ['an RSA key of 1024 bits', rsaOf(1024)],
    ['an RSA key of 2047 bits', rsaOf(2047)],
    [
      'an RSA key of more bits than the limit',
      { kty: 'RSA', e: 'AQAB', n: Buffer.alloc(1025, 0xff).toString('base64url') },
    ],
  ])('leaves out %s and keeps its neighbour', (_title, jwk) => {
    const keys = parseKeySet({ keys: [jwk, jwkOf(otherEcKey, { kid: 'good' })] });
    expect(keys.map(({ kid }) => kid)).toEqual(['good']);
  });

  it.each([
    ['without use', ec],
    ['for signatures', { ...ec, use: 'sig' }],
    ['that may verify', { ...ec, key_ops: ['verify'] }],
    ['of its algorithm', { ...ec, alg: 'ES256' }],
    ['with the longest id', { ...ec, kid: 'k'.repeat(KID_CHARS_MAX) }],
    ['with members it does not know', { ...ec, x5c: ['x'], x5t: 'y', 'urn:x': 1 }],
    ['of RSA with 2048 bits', jwkOf(rsaKey)],
    ['of RSA with 8192 bits', { kty: 'RSA', e: 'AQAB', n: Buffer.alloc(1024, 0xff).toString('base64url') }],
    ['of Ed25519', jwkOf(edKey)],
  ])('keeps a public key %s', (_title, jwk) => {
    const [key] = parseKeySet({ keys: [jwk] });
    expect(key?.key.type).toBe('public');
  });
});

describe('selectKey', () => {
  const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' });
  const keys = parseKeySet({
    keys: [
      jwkOf(ecKey, { kid: 'same' }),
      jwkOf(p384, { kid: 'same' }),
      jwkOf(rsaKey, { kid: 'same' }),
      jwkOf(edKey, { kid: 'ed', alg: 'EdDSA' }),
      jwkOf(otherEcKey, { kid: 'twice' }),
      jwkOf(ecKey, { kid: 'twice' }),
      jwkOf(ecKey),
    ],
  });

  it.each([
    ['ES256', 'same', 'P-256'],
    ['ES384', 'same', 'P-384'],
    ['RS256', 'same', undefined],
    ['PS512', 'same', undefined],
    ['EdDSA', 'ed', 'Ed25519'],
    ['ES384', null, 'P-384'],
    ['RS512', null, undefined],
  ])('finds the key for %s and id %s', (alg, kid, crv) => {
    const found = selectKey(keys, { alg, kid });
    expect(typeof found === 'string' ? found : found.export({ format: 'jwk' })['crv']).toBe(crv);
  });

  it.each([
    ['ES256', 'other', 'key_unknown'],
    ['ES512', 'same', 'key_unknown'],
    ['EdDSA', 'same', 'key_unknown'],
    ['Ed25519', 'ed', 'key_unknown'],
    ['HS256', 'same', 'key_unknown'],
    ['none', null, 'key_unknown'],
    ['__proto__', null, 'key_unknown'],
    ['ES256', 'twice', 'key_ambiguous'],
    ['ES256', null, 'key_ambiguous'],
  ])('finds no key for %s and id %s: %s', (alg, kid, reason) => {
    expect(selectKey(keys, { alg, kid })).toBe(reason);
  });
});
