import { expect, it } from 'vitest';
import { badCredential, eventsUntil, every } from '../incident-kit.ts';
import { foundInNormalTraffic } from '../normal-traffic.ts';

it('finds credentials that are tried out, by the twenty-first guess', () => {
  const guesses = every(100, (at) => badCredential(at, '203.0.113.9'));
  expect(eventsUntil('credentialStuffing', guesses)).toEqual({ count: 21, ms: 2000 });
});

it.each([
  ['nothing was presented', 'credential_missing'],
  ['the token has run out', 'token_expired'],
])('does not take it for guessing where %s', (_, reason) => {
  const calls = every(10, (at) => badCredential(at, '203.0.113.9', reason), 500);
  expect(() => eventsUntil('credentialStuffing', calls)).toThrow('was not found');
});

it('does not add up what is spread over its window', () => {
  const slow = every(3100, (at) => badCredential(at, '203.0.113.9'), 500);
  expect(() => eventsUntil('credentialStuffing', slow)).toThrow('was not found');
});

it('takes a network of IPv6 for one address', () => {
  const hosts = every(10, (at, index) => badCredential(at, `2001:db8:1:2::${index.toString(16)}`));
  expect(eventsUntil('credentialStuffing', hosts).count).toBe(21);
});

it('is silent through an hour of two hundred callers', () => {
  expect(foundInNormalTraffic('credentialStuffing')).toEqual([]);
});
