import { expect, it } from 'vitest';
import { callerOf, eventAt, eventsUntil, every } from '../incident-kit.ts';
import { foundInNormalTraffic } from '../normal-traffic.ts';

const EVE = callerOf('eve', 'globex');

it('finds a token that is replayed, by its eighth address', () => {
  const replays = every(1000, (at, index) => eventAt({ at, principal: EVE, address: `203.0.113.${index}` }));
  expect(eventsUntil('tokenReplay', replays)).toEqual({ count: 8, ms: 7000 });
});

it('does not add up what is spread over its window', () => {
  const roaming = every(
    60_000,
    (at, index) => eventAt({ at, principal: EVE, address: `203.0.113.${index % 250}` }),
    500,
  );
  expect(() => eventsUntil('tokenReplay', roaming)).toThrow('was not found');
});

it('takes a network of IPv6 for one address', () => {
  const token = every(
    10,
    (at, index) => eventAt({ at, principal: EVE, address: `2001:db8:1:2:${index}::` }),
    500,
  );
  expect(() => eventsUntil('tokenReplay', token)).toThrow('was not found');
});

it('is silent through an hour of two hundred callers', () => {
  expect(foundInNormalTraffic('tokenReplay')).toEqual([]);
});
