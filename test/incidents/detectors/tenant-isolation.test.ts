import { expect, it } from 'vitest';
import { ANONYMOUS } from '../../../src/identity/principal.ts';
import { callerOf, eventAt, eventsUntil, watched } from '../incident-kit.ts';
import { foundInNormalTraffic } from '../normal-traffic.ts';

const EVE = callerOf('eve', 'globex');

it('finds an object of another tenant, at once', () => {
  const breach = [eventAt({ at: 0, principal: EVE, foreignObjects: 1 })];
  expect(eventsUntil('tenantIsolation', breach)).toEqual({ count: 1, ms: 0 });
});

it('finds no breach where the caller has no tenant, since then every object is foreign', () => {
  const { see } = watched({ only: 'tenantIsolation' });
  expect(see(eventAt({ at: 0, principal: ANONYMOUS, foreignObjects: 3 }))).toEqual([]);
});

it('is silent through an hour of two hundred callers', () => {
  expect(foundInNormalTraffic('tenantIsolation')).toEqual([]);
});
