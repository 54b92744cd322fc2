import { beforeEach, describe, expect, it } from 'vitest';
import { RefreshingKeySource } from '../../src/identity/refreshing-key-source.ts';
import { ecKey, errorOf, expectRefusal, FakeClock, jwkOf, NOW, otherEcKey } from './token-kit.ts';

const LIMITS = { refreshIntervalSeconds: 600, cooldownSeconds: 30, staleMaxSeconds: 3600 };
const OLD = { alg: 'ES256', kid: 'old' };
const NEW = { alg: 'ES256', kid: 'new' };
const oldSet = { keys: [jwkOf(ecKey, { kid: 'old' })] };
const newSet = { keys: [jwkOf(otherEcKey, { kid: 'new' })] };

let clock: FakeClock;
let loads: number;
let answer: () => Promise<unknown>;
let source: RefreshingKeySource;

beforeEach(() => {
  clock = new FakeClock();
  loads = 0;
  answer = async () => oldSet;
  source = new RefreshingKeySource(
    () => {
      loads++;
      return answer();
    },
    LIMITS,
    clock,
  );
});

const fail = (): Promise<unknown> => Promise.reject(new Error('unreachable'));
const expectUnavailable = async (header: typeof OLD): Promise<void> => {
  const error = await errorOf(() => source.keyFor(header));
  expect(error.code).toBe('IDENTITY_UNAVAILABLE');
  expect(error.status).toBe(503);
  expect(error.headers).toEqual({ 'retry-after': '30' });
  expect(error.challenge).toBeUndefined();
  expect(error.decision?.reasons).toEqual([
    { rule: 'identity.keys_unavailable', code: 'IDENTITY_UNAVAILABLE', coordinate: null, path: null },
  ]);
};

describe('loading', () => {
  it('waits for the first need and is shared by all who wait', async () => {
    expect(loads).toBe(0);
    await Promise.all(Array.from({ length: 20 }, () => source.keyFor(OLD)));
    expect(loads).toBe(1);
  });

  it('happens again at the refresh interval and not before', async () => {
    await source.keyFor(OLD);
    clock.seconds = NOW + LIMITS.refreshIntervalSeconds - 1;
    await source.keyFor(OLD);
    expect(loads).toBe(1);
    clock.seconds = NOW + LIMITS.refreshIntervalSeconds;
    await source.keyFor(OLD);
    expect(loads).toBe(2);
  });

  it('stops a withdrawn key from verifying at the refresh interval', async () => {
    await source.keyFor(OLD);
    answer = async () => newSet;
    clock.seconds = NOW + LIMITS.refreshIntervalSeconds;
    await expectRefusal(() => source.keyFor(OLD), 'key_unknown');
  });

  it('takes an empty set as the withdrawal of all keys', async () => {
    await source.keyFor(OLD);
    answer = async () => ({ keys: [] });
    clock.seconds = NOW + LIMITS.refreshIntervalSeconds;
    await expectRefusal(() => source.keyFor(OLD), 'key_unknown');
  });

  it('happens again when the clock is set back, and is not stuck until it catches up', async () => {
    await source.keyFor(OLD);
    clock.seconds = NOW - 86_400;
    answer = async () => newSet;
    expect((await source.keyFor(NEW)).type).toBe('public');
    expect(loads).toBe(2);
  });
});

describe('an unknown key id', () => {
  it('finds a rotated key once the cooldown has passed, and not a second before', async () => {
    await source.keyFor(OLD);
    answer = async () => newSet;
    clock.seconds = NOW + LIMITS.cooldownSeconds - 1;
    await expectRefusal(() => source.keyFor(NEW), 'key_unknown');
    expect(loads).toBe(1);
    clock.seconds = NOW + LIMITS.cooldownSeconds;
    expect((await source.keyFor(NEW)).equals(otherEcKey.publicKey)).toBe(true);
    expect(loads).toBe(2);
  });

  it('loads at the bounded rate however many are made up', async () => {
    for (let second = 0; second < 300; second++) {
      clock.seconds = NOW + second;
      await Promise.all(
        Array.from({ length: 5 }, (_unused, index) =>
          expectRefusal(() => source.keyFor({ alg: 'ES256', kid: `x-${second}-${index}` }), 'key_unknown'),
        ),
      );
    }
    expect(loads).toBe(300 / LIMITS.cooldownSeconds);
  });

  it('does not stop known keys from working', async () => {
    await source.keyFor(OLD);
    clock.seconds = NOW + LIMITS.cooldownSeconds;
    const gate = Promise.withResolvers<unknown>();
    answer = () => gate.promise;
    const unknown = source.keyFor(NEW).catch((error: unknown) => error);
    expect((await source.keyFor(OLD)).type).toBe('public');
    gate.resolve(oldSet);
    expect(await unknown).toMatchObject({ cause: 'key_unknown' });
  });

  it('is no verdict while the issuer cannot be reached', async () => {
    await source.keyFor(OLD);
    answer = fail;
    clock.seconds = NOW + LIMITS.cooldownSeconds;
    await expectUnavailable(NEW);
    await expectUnavailable(NEW);
    expect((await source.keyFor(OLD)).type).toBe('public');
    expect(loads).toBe(2);
    clock.seconds += LIMITS.cooldownSeconds;
    answer = async () => oldSet;
    await expectRefusal(() => source.keyFor(NEW), 'key_unknown');
  });

  it('causes no load where several keys fit', async () => {
    answer = async () => ({ keys: [...oldSet.keys, ...newSet.keys] });
    await expectRefusal(() => source.keyFor({ alg: 'ES256', kid: null }), 'key_ambiguous');
    clock.seconds = NOW + LIMITS.cooldownSeconds;
    await expectRefusal(() => source.keyFor({ alg: 'ES256', kid: null }), 'key_ambiguous');
    expect(loads).toBe(1);
  });
});

describe('an issuer that fails', () => {
  it('makes identity unavailable from the start, and is asked again only after the cooldown', async () => {
    answer = fail;
    await expectUnavailable(OLD);
    clock.seconds = NOW + LIMITS.cooldownSeconds - 1;
    await expectUnavailable(OLD);
    expect(loads).toBe(1);
    clock.seconds = NOW + LIMITS.cooldownSeconds;
    answer = async () => oldSet;
    expect((await source.keyFor(OLD)).type).toBe('public');
    expect(loads).toBe(2);
  });

  it('is bridged by the last good keys up to the stale bound and not a second longer', async () => {
    await source.keyFor(OLD);
    answer = fail;
    clock.seconds = NOW + LIMITS.staleMaxSeconds;
    expect((await source.keyFor(OLD)).type).toBe('public');
    clock.seconds = NOW + LIMITS.staleMaxSeconds + 1;
    await expectUnavailable(OLD);
  });

  it('does not extend the stale bound by being asked', async () => {
    await source.keyFor(OLD);
    answer = fail;
    for (let at = 0; at <= LIMITS.staleMaxSeconds; at += 60) {
      clock.seconds = NOW + at;
      expect((await source.keyFor(OLD)).type).toBe('public');
    }
    clock.seconds = NOW + LIMITS.staleMaxSeconds + 1;
    await expectUnavailable(OLD);
  });

  it('is forgiven when it answers again', async () => {
    await source.keyFor(OLD);
    answer = fail;
    clock.seconds = NOW + LIMITS.staleMaxSeconds + 1;
    await expectUnavailable(OLD);
    answer = async () => newSet;
    clock.seconds += LIMITS.cooldownSeconds;
    expect((await source.keyFor(NEW)).type).toBe('public');
  });

  it.each([
    ['nothing', undefined],
    ['no key set', {}],
    ['a list', [jwkOf(ecKey)]],
    ['keys that are no list', { keys: jwkOf(ecKey) }],
    ['too many keys', { keys: Array(101).fill(jwkOf(ecKey)) }],
  ])('is one that answers with %s', async (_title, document) => {
    await source.keyFor(OLD);
    answer = async () => document;
    clock.seconds = NOW + LIMITS.refreshIntervalSeconds;
    expect((await source.keyFor(OLD)).type).toBe('public');
    await expectUnavailable(NEW);
  });

  it('is one that throws undefined', async () => {
    answer = () => Promise.reject(undefined);
    await expectUnavailable(OLD);
  });
});

describe('closing', () => {
  it('waits for a load under way and gives no key afterwards', async () => {
    const gate = Promise.withResolvers<unknown>();
    answer = () => gate.promise;
    const waiting = source.keyFor(OLD);
    const closing = source.close();
    gate.resolve(oldSet);
    await closing;
    expect((await waiting).type).toBe('public');
    await expectUnavailable(OLD);
  });
});
