import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FILE_REFRESH_LIMITS, FileJwksSource, JWKS_FILE_BYTES_MAX } from '../../src/identity/jwks-source.ts';
import { ecKey, errorOf, expectRefusal, FakeClock, JWKS, jwkOf, NOW, otherEcKey } from './token-kit.ts';

const EC = { alg: 'ES256', kid: 'ec' };
const NEW = { alg: 'ES256', kid: 'new' };
const newSet = { keys: [jwkOf(otherEcKey, { kid: 'new' })] };
const text = JSON.stringify(JWKS);

let clock: FakeClock;

async function expectUnavailable(action: () => unknown): Promise<void> {
  expect((await errorOf(action)).code).toBe('IDENTITY_UNAVAILABLE');
}

beforeEach(() => {
  clock = new FakeClock();
});

describe('FileJwksSource', () => {
  let folder: string;
  let path: string;
  let source: FileJwksSource;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'jwks-'));
    path = join(folder, 'jwks.json');
    await writeFile(path, text);
    source = new FileJwksSource(path, clock);
  });

  afterEach(async () => {
    await source.close();
    await rm(folder, { recursive: true });
  });

  it('reads a replaced file for an unknown key id after the cooldown, and not a second before', async () => {
    await source.keyFor(EC);
    await writeFile(path, JSON.stringify(newSet));
    clock.seconds = NOW + FILE_REFRESH_LIMITS.cooldownSeconds - 1;
    await expectRefusal(() => source.keyFor(NEW), 'key_unknown');
    clock.seconds = NOW + FILE_REFRESH_LIMITS.cooldownSeconds;
    expect((await source.keyFor(NEW)).equals(otherEcKey.publicKey)).toBe(true);
    await expectRefusal(() => source.keyFor(EC), 'key_unknown');
  });

  it('drops a withdrawn key at the refresh interval', async () => {
    expect((await source.keyFor(EC)).equals(ecKey.publicKey)).toBe(true);
    await writeFile(path, JSON.stringify(newSet));
    clock.seconds = NOW + FILE_REFRESH_LIMITS.refreshIntervalSeconds;
    await expectRefusal(() => source.keyFor(EC), 'key_unknown');
  });

  it('keeps the last good keys while the file is missing, for the stale bound only', async () => {
    await source.keyFor(EC);
    await rm(path);
    clock.seconds = NOW + FILE_REFRESH_LIMITS.staleMaxSeconds;
    expect((await source.keyFor(EC)).type).toBe('public');
    clock.seconds = NOW + FILE_REFRESH_LIMITS.staleMaxSeconds + 1;
    await expectUnavailable(() => source.keyFor(EC));
  });

  it.each([
    ['is missing', () => rm(path)],
    ['is empty', () => writeFile(path, '')],
    ['is not JSON', () => writeFile(path, 'keys')],
    ['is no key set', () => writeFile(path, '{}')],
    [
      'is a folder',
      () =>
        rm(path)
          .then(() => mkdtemp(path))
          .then((made) => {
            path = made;
          }),
    ],
    ['is larger than the limit', () => writeFile(path, text.padEnd(JWKS_FILE_BYTES_MAX + 1))],
  ])('is unavailable where the file %s', async (_title, spoil) => {
    await spoil();
    const spoilt = new FileJwksSource(path, clock);
    await expectUnavailable(() => spoilt.keyFor(EC));
  });

  it('reads a file of the largest size', async () => {
    await writeFile(path, text.padEnd(JWKS_FILE_BYTES_MAX));
    expect((await source.keyFor(EC)).type).toBe('public');
  });
});
