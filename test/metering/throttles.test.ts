import { describe, expect, it } from 'vitest';
import { ANONYMOUS } from '../../src/identity/principal.ts';
import { Throttles } from '../../src/metering/throttles.ts';
import { ada, call, limiter, refusalOf } from './limiter-kit.ts';

const ADA = { tenant: 'acme', subject: ada.subject };
const eve = { ...ada, subject: 'eve' };
const spend = async (rates: ReturnType<typeof limiter>['rates'], part: Parameters<typeof call>[0] = {}) => {
  let spent = 0;
  for (; spent < 100; spent += 1) {
    const taken = await rates.reserve(call(part)).then(
      () => true,
      () => false,
    );
    if (!taken) break;
  }
  return spent;
};

describe('a throttle', () => {
  it('holds its target to a share of the limit, tells it so, and ends on time', async () => {
    const { rates, clock } = limiter({});
    rates.throttle(ADA, 0.5, 5000);
    const { headers } = await rates.reserve(call());
    expect(headers).toEqual({ 'ratelimit-policy': '"calls";q=5;w=1', ratelimit: '"calls";r=4;t=1' });
    expect(await spend(rates)).toBe(4);
    const { code, extensions, headers: told } = await refusalOf(rates.reserve(call()));
    expect([code, extensions, told['retry-after']]).toEqual(['RATE_LIMITED', { limits: ['calls'] }, '1']);
    clock.now = 5000;
    expect(await spend(rates)).toBe(10);
  });

  it('takes nothing from those who share a limit with its target', async () => {
    const shared = { name: 'tenants', by: ['tenant'] as const, points: 40, burst: 40 };
    const [one, other] = [limiter(shared), limiter(shared)];
    one.rates.throttle(ADA, 0.1, 5000);
    expect(await spend(one.rates)).toBe(4);
    expect(await spend(one.rates, { principal: eve })).toBe(36);
    expect(await spend(other.rates, { principal: eve })).toBe(40);
  });

  it('never permits more than the limit, however it is changed', async () => {
    const { rates } = limiter({});
    let spent = 0;
    for (const factor of [0.2, 1, 0.9, 0.5, 1, 0.99]) {
      rates.throttle(ADA, factor, 5000);
      spent += await spend(rates);
    }
    expect(spent).toBe(10);
  });

  it.each([
    ['another subject', ADA, { principal: eve }],
    ['another tenant', ADA, { principal: { ...ada, tenant: 'globex' } }],
    ['who has no tenant', { tenant: 'null' }, { principal: { ...ada, tenant: null } }],
    ['parts that join to the same text', { tenant: 'acme","x' }, { principal: { ...ada, tenant: 'acme' } }],
    ['another address', { ip: '10.0.0.9' }, {}],
  ])('of one leaves %s alone', async (_, target, part) => {
    const { rates } = limiter({});
    rates.throttle(target, 0.1, 5000);
    expect(await spend(rates, part)).toBe(10);
  });

  it('of an address holds whoever calls from there, and the lowest of several holds', async () => {
    const { rates } = limiter({});
    rates.throttle({ ip: '10.0.0.1' }, 0.5, 5000);
    expect(await spend(rates, { principal: ANONYMOUS })).toBe(5);
    rates.throttle({ tenant: 'acme' }, 0.2, 5000);
    expect(await spend(rates)).toBe(2);
    expect(await spend(rates, { principal: { ...ada, tenant: 'globex' } })).toBe(5);
  });

  it('settles what it took like any limit', async () => {
    const { rates } = limiter({});
    rates.throttle(ADA, 0.5, 5000);
    (await rates.reserve(call({ points: 5 }))).settle(1);
    expect(await spend(rates)).toBe(4);
  });

  it.each([
    [0, 1],
    [-1, 1],
    [1.1, 1],
    [Number.NaN, 1],
    [0.5, Number.POSITIVE_INFINITY],
  ])('with a factor of %s until %s is refused', (factor, untilMs) => {
    expect(() => new Throttles(() => 0).set(ADA, factor, untilMs)).toThrow(RangeError);
    expect(() => new Throttles(() => 0).set({}, 0.5, 1)).toThrow(RangeError);
  });

  it('finds no room where the list is full of those that still hold', () => {
    const clock = { now: 0 };
    const throttles = new Throttles(() => clock.now, 2);
    throttles.set({ tenant: 'a' }, 0.5, 10);
    throttles.set({ tenant: 'b' }, 0.5, 10);
    throttles.set({ tenant: 'b' }, 0.4, 10);
    expect(() => throttles.set({ ip: 'c' }, 0.5, 20)).toThrow(
      expect.objectContaining({ code: 'SERVER_OVERLOADED' }),
    );
    clock.now = 10;
    throttles.set({ ip: 'c' }, 0.5, 20);
    expect(throttles.size).toBe(1);
  });
});
