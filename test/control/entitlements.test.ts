import { describe, expect, it } from 'vitest';
import { Entitlements } from '../../src/control/entitlements.ts';
import type { ControlSnapshot } from '../../src/control/snapshot.ts';
import type { Principal } from '../../src/identity/principal.ts';
import { codeOf, compose } from '../operation/graph-kit.ts';
import { CLOSED, caller, product, snapshot, subscription } from './control-kit.ts';

const GRAPH = compose('type Query { a: String b: String }');
const STALE_MS = 1000;

/** Entitlements at a time that the test moves. */
function entitled(given: ControlSnapshot, clock = { now: 100 }): Entitlements {
  const entitlements = new Entitlements({ ...CLOSED, staleMs: STALE_MS }, () => clock.now);
  entitlements.replace(given, clock.now);
  return entitlements;
}

const A = product('a', { coordinates: ['Query.a'] });
const WITH_A = snapshot({ products: [A], subscriptions: [subscription('a')] });
const reachesA = (entitlements: Entitlements, principal: Principal) =>
  entitlements.grantOf(principal, GRAPH).covers('Query.a');

describe('entitlements', () => {
  it.each([
    ['its id', 'acme', 'app_1', true],
    ['its client id', 'acme', 'shop', true],
    ['the id of another tenant’s application', 'acme', 'app_2', false],
    ['no application', 'acme', null, false],
    ['an unknown application', 'acme', 'app_9', false],
    ['a name of every object', 'acme', '__proto__', false],
  ])('find an application by %s', (_, tenant, application, expected) => {
    expect(reachesA(entitled(WITH_A), caller(tenant, application))).toBe(expected);
  });

  it.each([
    ['another tenant', 'globex'],
    ['the tenant’s id in place of its slug', 'ten_acme'],
    ['a name of every object', 'constructor'],
    ['no tenant', null],
  ])('give nothing to the same application under %s', (_, tenant) => {
    expect(reachesA(entitled(WITH_A), caller(tenant, 'app_1'))).toBe(false);
  });

  it('give nothing to a subscription that names an application of another tenant', () => {
    const foreign = snapshot({
      products: [A],
      subscriptions: [subscription('a', { tenantId: 'ten_globex' })],
    });
    expect(reachesA(entitled(foreign), caller('acme', 'app_1'))).toBe(false);
    expect(reachesA(entitled(foreign), caller('globex', 'app_1'))).toBe(false);
  });

  it('give nothing by the client id of a revoked credential', () => {
    const [credential] = WITH_A.credentials;
    if (credential === undefined) throw new Error('no credential');
    const revoked = { ...WITH_A, credentials: [{ ...credential, revokedAt: 50 }] };
    expect(reachesA(entitled(revoked), caller('acme', 'shop'))).toBe(false);
    expect(reachesA(entitled(revoked), caller('acme', 'app_1'))).toBe(true);
  });

  it('give nothing for a suspended subscription', () => {
    const suspended = snapshot({ products: [A], subscriptions: [subscription('a', { state: 'SUSPENDED' })] });
    expect(reachesA(entitled(suspended), caller('acme', 'app_1'))).toBe(false);
  });

  it('begin and end with a subscription to the millisecond, forwards and backwards', () => {
    const clock = { now: 0 };
    const bounded = snapshot({
      products: [A],
      subscriptions: [subscription('a', { startsAt: 200, endsAt: 300 })],
    });
    const entitlements = entitled(bounded, clock);
    const at = (now: number) => {
      clock.now = now;
      return reachesA(entitlements, caller('acme', 'app_1'));
    };
    expect([199, 200, 299, 300, 299, 200, 199].map(at)).toEqual([
      false,
      true,
      true,
      false,
      true,
      true,
      false,
    ]);
  });

  it('keep one of two subscriptions while the other has ended', () => {
    const clock = { now: 0 };
    const two = snapshot({
      products: [A, product('b', { coordinates: ['Query.b'] })],
      subscriptions: [subscription('a', { endsAt: 10 }), subscription('b', { startsAt: 5 })],
    });
    const entitlements = entitled(two, clock);
    const at = (now: number) => {
      clock.now = now;
      const grant = entitlements.grantOf(caller('acme', 'app_1'), GRAPH);
      return [grant.covers('Query.a'), grant.covers('Query.b')];
    };
    expect([0, 5, 9, 10].map(at)).toEqual([
      [true, false],
      [true, true],
      [true, true],
      [false, true],
    ]);
  });

  it.each(['suspended', 'closing'] as const)('stop everything of a tenant that is %s', (status) => {
    const stopped = { ...WITH_A, tenants: [{ id: 'ten_acme', slug: 'acme', status }] };
    expect(entitled(stopped).grantOf(caller('acme', 'app_1'), GRAPH).isSuspended).toBe(true);
    expect(entitled(stopped).grantOf(caller('acme', null), GRAPH).isSuspended).toBe(true);
  });

  it.each(['suspended', 'archived'] as const)('stop everything of an application that is %s', (status) => {
    const applications = [{ id: 'app_1', tenantId: 'ten_acme', environment: 'production' as const, status }];
    const grant = entitled({ ...WITH_A, applications }).grantOf(caller('acme', 'shop'), GRAPH);
    expect([grant.isSuspended, grant.covers('Query.a')]).toEqual([true, false]);
  });

  it('refuse while no snapshot was read', () => {
    const entitlements = new Entitlements({ ...CLOSED, staleMs: STALE_MS }, () => 0);
    expect(codeOf(() => entitlements.grantOf(caller('acme', 'app_1'), GRAPH))).toBe(
      'CONTROL_PLANE_UNAVAILABLE',
    );
  });

  it('refuse once nothing was heard for the bound, and recover with the next word', () => {
    const clock = { now: 0 };
    const entitlements = entitled(WITH_A, clock);
    clock.now = STALE_MS - 1;
    expect(reachesA(entitlements, caller('acme', 'app_1'))).toBe(true);
    clock.now = STALE_MS;
    expect(codeOf(() => reachesA(entitlements, caller('acme', 'app_1')))).toBe('CONTROL_PLANE_UNAVAILABLE');
    entitlements.confirm(STALE_MS);
    expect(reachesA(entitlements, caller('acme', 'app_1'))).toBe(true);
  });

  it('take a revocation at once and never go back to an older snapshot', () => {
    const entitlements = entitled(WITH_A);
    expect(reachesA(entitlements, caller('acme', 'app_1'))).toBe(true);
    entitlements.replace(snapshot({ version: 3, products: [A] }), 100);
    expect(reachesA(entitlements, caller('acme', 'app_1'))).toBe(false);
    entitlements.replace({ ...WITH_A, version: 2 }, 100);
    expect(reachesA(entitlements, caller('acme', 'app_1'))).toBe(false);
    expect(entitlements.version).toBe(3);
  });

  it('give callers with the same products the same grant', () => {
    const both = snapshot({
      products: [A],
      subscriptions: [
        subscription('a'),
        subscription('a', { id: 'sub_2', tenantId: 'ten_globex', applicationId: 'app_2' }),
      ],
    });
    const entitlements = entitled(both);
    const grants = [caller('acme', 'app_1'), caller('globex', 'app_2')].map((principal) =>
      entitlements.grantOf(principal, GRAPH),
    );
    expect(grants[0]).toBe(grants[1]);
  });
});
