import { describe, expect, it } from 'vitest';
import { jwksUrl } from '../../src/identity/jwks-url.ts';
import { errorOf } from './token-kit.ts';

describe('jwksUrl', () => {
  it.each([
    'https://issuer.example/jwks.json',
    'HTTPS://issuer.example',
    'https://10.0.0.1/jwks',
    'http://127.0.0.1:4000/jwks',
    'http://127.255.0.9/jwks',
    'http://localhost:1/jwks',
    'http://LOCALHOST/jwks',
    'http://[::1]:4000/jwks',
    'http://[0:0:0:0:0:0:0:1]/jwks',
    'http://2130706433/jwks',
  ])('accepts %s', (text) => {
    expect(jwksUrl(text)).toBeInstanceOf(URL);
  });

  it.each([
    'http://issuer.example/jwks.json',
    'http://10.0.0.1/jwks',
    'http://0.0.0.0/jwks',
    'http://[::]/jwks',
    'http://[::ffff:10.0.0.1]/jwks',
    'http://128.0.0.1/jwks',
    'http://127.0.0.1.attacker.test/jwks',
    'http://localhost.attacker.test/jwks',
    'http://attacker.test/127.0.0.1',
    'http://attacker.test#localhost',
    'http://localhost@attacker.test/jwks',
    'https://user:secret@issuer.example/jwks',
    'https://user@issuer.example/jwks',
    'file:///etc/jwks.json',
    'ftp://127.0.0.1/jwks',
    'data:application/json,{"keys":[]}',
    'javascript:0',
    'ws://127.0.0.1/jwks',
    'issuer.example/jwks',
    '//issuer.example/jwks',
    'http://',
    '',
  ])('refuses %j and does not repeat it', async (text) => {
    const error = await errorOf(() => jwksUrl(text));
    expect(error.code).toBe('CONFIG_INVALID');
    expect(JSON.stringify(error.details)).not.toContain('secret');
    expect(error.cause).toBeUndefined();
  });
});
