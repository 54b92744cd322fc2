import { describe, expect, it } from 'vitest';
import { ANONYMOUS, type Principal } from '../../src/identity/principal.ts';
import type { RateLimiter } from '../../src/metering/rate-limiter.ts';
import { byGenerosity } from '../../src/metering/rate-limits.ts';
import { ada, call, LIMIT, limiter, refusalOf } from './limiter-kit.ts';

describe('a limit', () => {
  it('refuses past its points, says when to come back and which it was', async () => {
    const { rates, clock } = limiter({});
    expect((await rates.reserve(call({ points: 7 }))).headers).toEqual({
      'ratelimit-policy': '"calls";q=10;w=1',
      ratelimit: '"calls";r=3;t=1',
    });
    const { code, status, headers, extensions } = await refusalOf(rates.reserve(call({ points: 10 })));
    expect([code, status, headers['retry-after'], extensions]).toEqual([
      'RATE_LIMITED',
      429,
      '1',
      { limits: ['calls'] },
    ]);
    clock.now = 700;
    await rates.reserve(call({ points: 10 }));
  });

  it('that can never hold the cost says so by saying no time', async () => {
    const { headers } = await refusalOf(limiter({}).rates.reserve(call({ points: 11 })));
    expect(headers['retry-after']).toBeUndefined();
  });

  it.each([
    ['another subject', { principal: { ...ada, subject: 'eve' } }],
    ['another tenant', { principal: { ...ada, tenant: 'globex' } }],
    ['another issuer', { principal: { ...ada, issuer: 'j' } }],
    ['parts that join to the same text', { principal: { ...ada, tenant: 'acme","x', subject: 'ada' } }],
  ])('does not hold %s to what one caller used', async (_, part) => {
    const { rates } = limiter({});
    await rates.reserve(call({ points: 10 }));
    await rates.reserve(call({ points: 10, ...part }));
  });

  it('tells callers without what it goes by apart by address', async () => {
    const { rates } = limiter({});
    const from = (remoteAddress: string) => call({ principal: ANONYMOUS, remoteAddress, points: 10 });
    await rates.reserve(from('10.0.0.1'));
    await rates.reserve(from('10.0.0.2'));
    expect((await refusalOf(rates.reserve(from('10.0.0.1')))).code).toBe('RATE_LIMITED');
    const lookAlike = { ...ada, tenant: '10.0.0.3', subject: '10.0.0.3' };
    await rates.reserve(from('10.0.0.3'));
    await rates.reserve(call({ principal: lookAlike, points: 10 }));
  });

  it('by root field counts every alias, wherever it stands', async () => {
    const { rates } = limiter({ by: ['ip', 'rootField'], fields: ['login'] });
    const logins = Array.from({ length: 9 }, (_, index) => `l${index}: login(name: "x")`);
    const text = `{ a ${logins.join(' ')} ...F } fragment F on Query { more: login(name: "y") }`;
    await rates.reserve(call({ text, points: 1 }));
    expect((await refusalOf(rates.reserve(call({ text: '{ login }' })))).code).toBe('RATE_LIMITED');
    await rates.reserve(call({ text: '{ a }' }));
  });

  it('for fields costs nothing to others', async () => {
    const { rates } = limiter({ fields: ['login'], points: 1, burst: 1 });
    expect((await rates.reserve(call({ points: 100 }))).headers).toEqual({});
  });

  it('by product takes from the bucket of each product that a call is charged to', async () => {
    const { rates } = limiter({ by: ['product'] });
    const plans = (...ids: readonly string[]) =>
      ids.map((id) => ({ subscriptionId: `sub_${id}`, productId: `prd_${id}` }));
    await rates.reserve(call({ points: 7, plans: plans('a', 'b') }));
    await refusalOf(rates.reserve(call({ points: 4, plans: plans('a') })));
    await rates.reserve(call({ points: 3, plans: plans('b') }));
    await rates.reserve(call({ points: 10, plans: plans('c') }));
    expect((await refusalOf(rates.reserve(call({ points: 1, plans: plans('c', 'a') })))).code).toBe(
      'RATE_LIMITED',
    );
    await rates.reserve(call({ points: 3, plans: plans('a') }));
    // What is charged to no product is told apart by address.
    await rates.reserve(call({ points: 10 }));
    await rates.reserve(call({ points: 10, remoteAddress: '10.0.0.2' }));
    await refusalOf(rates.reserve(call()));
  });

  it('for mutations leaves queries alone', async () => {
    const { rates } = limiter({ kinds: ['mutation'], points: 1, burst: 1 });
    await rates.reserve(call({ points: 100 }));
    await rates.reserve(call({ kind: 'mutation' }));
    expect((await refusalOf(rates.reserve(call({ kind: 'mutation' })))).code).toBe('RATE_LIMITED');
  });

  it('takes from all or none', async () => {
    const { rates } = limiter({}, { name: 'small', by: ['tenant'], points: 2, burst: 2 });
    const { extensions } = await refusalOf(rates.reserve(call({ points: 3 })));
    expect(extensions).toEqual({ limits: ['small'] });
    expect((await rates.reserve(call({ points: 2 }))).headers['ratelimit']).toBe(
      '"calls";r=8;t=1, "small";r=0;t=1',
    );
  });

  it('settles the actual cost once, and only what went by cost', async () => {
    const { rates } = limiter({}, { name: 'logins', by: ['rootField'], fields: ['a'], points: 5, burst: 5 });
    const reservation = await rates.reserve(call({ points: 10 }));
    reservation.settle(4);
    reservation.settle(0);
    const { headers } = await rates.reserve(call({ points: 6 }));
    expect(headers['ratelimit']).toBe('"calls";r=0;t=1, "logins";r=3;t=1');
  });

  it('lets what cost more than estimated be owed', async () => {
    const { rates, clock } = limiter({});
    (await rates.reserve(call({ points: 1 }))).settle(20);
    clock.now = 1000;
    expect((await refusalOf(rates.reserve(call()))).code).toBe('RATE_LIMITED');
    clock.now = 1100;
    await rates.reserve(call());
  });
});

describe('failed authentications', () => {
  it('stop an address, and no other, until they are forgiven', async () => {
    const { rates, clock } = limiter();
    for (let failure = 0; failure < 2; failure += 1) {
      await rates.requireFewFailures('10.0.0.1');
      await rates.noteFailure('10.0.0.1');
    }
    const { code, headers } = await refusalOf(rates.requireFewFailures('10.0.0.1'));
    expect([code, headers['retry-after']]).toEqual(['RATE_LIMITED', '30']);
    await rates.requireFewFailures('10.0.0.2');
    clock.now = 30_000;
    await rates.requireFewFailures('10.0.0.1');
  });

  it.each([
    ['an API key, by its prefix, whatever follows', 'ApiKey pk_abcd_', true],
    ['another key', 'ApiKey pk_other_', false],
    ['a token, by its end', `Bearer ${'x'.repeat(40)}`, false],
  ])('are counted against %s, from all addresses', async (_, presented, isStopped) => {
    const { rates } = limiter();
    for (let failure = 0; failure < 3; failure += 1)
      await rates.noteFailure(`10.0.0.${failure}`, `ApiKey pk_abcd_${'guess'.repeat(failure)}`);
    const next = rates.requireFewFailures('10.0.0.9', presented);
    if (isStopped) expect((await refusalOf(next)).code).toBe('RATE_LIMITED');
    else await next;
    await rates.requireFewFailures('10.0.0.9');
  });

  it('of one token do not stop another of its issuer, whose beginning is the same', async () => {
    const { rates } = limiter();
    const token = (end: string) =>
      `Bearer eyJhbGciOiJFUzI1NiIsImtpZCI6ImEifQ.eyJpc3MiOiJpIn0.${end.repeat(40)}`;
    for (let failure = 0; failure < 3; failure += 1) await rates.noteFailure(`10.0.0.${failure}`, token('a'));
    expect((await refusalOf(rates.requireFewFailures('10.0.0.9', token('a')))).code).toBe('RATE_LIMITED');
    await rates.requireFewFailures('10.0.0.9', token('b'));
  });

  it('count against a credential also where their address has been stopped', async () => {
    const { rates } = limiter();
    for (let failure = 0; failure < 5; failure += 1) await rates.noteFailure('10.0.0.1', 'ApiKey pk_abcd_x');
    expect((await refusalOf(rates.requireFewFailures('10.0.0.2', 'ApiKey pk_abcd_y'))).code).toBe(
      'RATE_LIMITED',
    );
  });

  it('cost nothing to look at', async () => {
    const { rates } = limiter();
    for (let look = 0; look < 10; look += 1) await rates.requireFewFailures('10.0.0.1');
  });
});

describe('a limit with roles', () => {
  const roles = [
    { ...LIMIT, ofRole: 'gold', points: 100, burst: 100 },
    { ...LIMIT, ofRole: 'silver', points: 20, burst: 20 },
  ];
  const withRoles = (...names: readonly string[]): Principal => ({ ...ada, roles: new Set(names) });
  const reach = async (rates: Pick<RateLimiter, 'reserve'>, principal: Principal) =>
    (await rates.reserve(call({ principal, points: 5 }))).headers;

  it('holds callers to the most generous of their roles, in buckets of their own', async () => {
    const { rates } = limiter({ roles });
    expect(await reach(rates, withRoles('other'))).toEqual({
      'ratelimit-policy': '"calls";q=10;w=1',
      ratelimit: '"calls";r=5;t=1',
    });
    expect((await reach(rates, withRoles('silver'))).ratelimit).toBe('"calls";r=15;t=1');
    const gold = await reach(rates, withRoles('silver', 'gold'));
    expect([gold['ratelimit-policy'], gold['ratelimit']]).toEqual(['"calls";q=100;w=1', '"calls";r=95;t=1']);
    // The same subject without the role has used its own points, and no others.
    expect((await reach(rates, withRoles())).ratelimit).toBe('"calls";r=0;t=1');
    await refusalOf(rates.reserve(call({ principal: withRoles(), points: 1 })));
    expect((await reach(rates, withRoles('silver'))).ratelimit).toBe('"calls";r=10;t=1');
  });

  it('is most generous where more comes back, and then where more is saved up', () => {
    const rates = [
      { points: 60, perMs: 60_000, burst: 900 },
      { points: 2, perMs: 1000, burst: 2 },
      { points: 120, perMs: 60_000, burst: 5 },
    ];
    expect(rates.sort(byGenerosity).map(({ burst }) => burst)).toEqual([5, 2, 900]);
  });

  it('takes no role from a name of every object', async () => {
    const { rates } = limiter({ roles });
    expect((await reach(rates, withRoles('constructor', '__proto__'))).ratelimit).toBe('"calls";r=5;t=1');
  });
});
