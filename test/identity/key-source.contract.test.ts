import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { FileJwksSource, RemoteJwksSource, StaticJwksSource } from '../../src/identity/jwks-source.ts';
import type { KeySource } from '../../src/identity/key-source.ts';
import { ecKey, edKey, errorOf, expectRefusal, FakeClock, jwkOf, otherEcKey, rsaKey } from './token-kit.ts';

const cleanups: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function remote(jwks: unknown): Promise<KeySource> {
  const server = createServer((_request, response) => response.end(JSON.stringify(jwks)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanups.push(() => new Promise((resolve) => server.close(resolve)));
  const { port } = server.address() as AddressInfo;
  const options = {
    timeoutMs: 5_000,
    refreshIntervalSeconds: 600,
    cooldownSeconds: 30,
    staleMaxSeconds: 3600,
    responseBytesMax: 65_536,
  };
  return new RemoteJwksSource(`http://127.0.0.1:${port}/jwks`, options, new FakeClock());
}

async function file(jwks: unknown): Promise<KeySource> {
  const folder = await mkdtemp(join(tmpdir(), 'jwks-'));
  cleanups.push(() => rm(folder, { recursive: true }));
  const path = join(folder, 'jwks.json');
  await writeFile(path, JSON.stringify(jwks));
  return new FileJwksSource(path, new FakeClock());
}

const implementations = [
  ['RemoteJwksSource', remote],
  ['FileJwksSource', file],
  ['StaticJwksSource', async (jwks: unknown): Promise<KeySource> => new StaticJwksSource(jwks)],
] as const;

describe.each(implementations)('%s', (_name, create) => {
  async function sourceOf(...keys: unknown[]): Promise<KeySource> {
    const source = await create({ keys });
    cleanups.push(() => source.close());
    return source;
  }

  const ec = jwkOf(ecKey, { kid: 'ec', use: 'sig', alg: 'ES256' });

  it('gives the public key that the header names', async () => {
    const source = await sourceOf(ec, jwkOf(otherEcKey, { kid: 'other' }), jwkOf(rsaKey, { kid: 'rsa' }));
    const key = await source.keyFor({ alg: 'ES256', kid: 'ec' });
    expect(key.type).toBe('public');
    expect(key.equals(ecKey.publicKey)).toBe(true);
  });

  it('gives the only key that fits where the header names none', async () => {
    const source = await sourceOf(ec, jwkOf(rsaKey, { kid: 'rsa' }), jwkOf(edKey));
    expect((await source.keyFor({ alg: 'EdDSA', kid: null })).equals(edKey.publicKey)).toBe(true);
  });

  it('refuses to guess among several keys that fit', async () => {
    const source = await sourceOf(ec, jwkOf(otherEcKey, { kid: 'other' }));
    await expectRefusal(() => source.keyFor({ alg: 'ES256', kid: null }), 'key_ambiguous');
  });

  it.each([
    { alg: 'ES256', kid: 'unknown' },
    { alg: 'ES256', kid: '__proto__' },
    { alg: 'ES384', kid: 'ec' },
    { alg: 'RS256', kid: 'ec' },
    { alg: 'EdDSA', kid: null },
    { alg: 'HS256', kid: 'ec' },
    { alg: 'none', kid: null },
  ])('refuses $alg with key id $kid', async (header) => {
    const source = await sourceOf(ec);
    await expectRefusal(() => source.keyFor(header), 'key_unknown');
  });

  it.each([
    ['symmetric', { kty: 'oct', k: 'c2VjcmV0', kid: 'bad' }],
    ['private', { ...ecKey.privateKey.export({ format: 'jwk' }), kid: 'bad' }],
    ['for encryption', jwkOf(ecKey, { kid: 'bad', use: 'enc' })],
    ['not for verifying', jwkOf(ecKey, { kid: 'bad', key_ops: ['sign'] })],
    ['for another algorithm', jwkOf(ecKey, { kid: 'bad', alg: 'ES384' })],
  ])('never gives a key that is %s', async (_title, bad) => {
    const source = await sourceOf(bad, jwkOf(rsaKey, { kid: 'rsa' }));
    await expectRefusal(() => source.keyFor({ alg: 'ES256', kid: 'bad' }), 'key_unknown');
    await expectRefusal(() => source.keyFor({ alg: 'ES256', kid: null }), 'key_unknown');
  });

  it('tells keys of different types under one id apart', async () => {
    const source = await sourceOf(jwkOf(rsaKey, { kid: 'same' }), jwkOf(ecKey, { kid: 'same' }));
    expect((await source.keyFor({ alg: 'ES256', kid: 'same' })).asymmetricKeyType).toBe('ec');
    expect((await source.keyFor({ alg: 'RS256', kid: 'same' })).asymmetricKeyType).toBe('rsa');
  });

  it('gives nothing once it is closed, and closes twice without harm', async () => {
    const source = await sourceOf(ec);
    await source.keyFor({ alg: 'ES256', kid: 'ec' });
    await source.close();
    await source.close();
    const error = await errorOf(() => source.keyFor({ alg: 'ES256', kid: 'ec' }));
    expect(error.code).toBe('IDENTITY_UNAVAILABLE');
  });
});

describe('StaticJwksSource', () => {
  it.each([
    ['no key set', { key: [] }],
    ['an empty key set', { keys: [] }],
    ['a set of unusable keys', { keys: [{ kty: 'oct', k: 'c2VjcmV0' }] }],
  ])('refuses %s from the start', async (_title, jwks) => {
    expect((await errorOf(() => new StaticJwksSource(jwks))).code).toBe('CONFIG_INVALID');
  });
});
