import { expect, it } from 'vitest';
import { callerOf, eventsUntil, every, misfit } from '../incident-kit.ts';
import { foundInNormalTraffic } from '../normal-traffic.ts';

const EVE = callerOf('eve', 'globex');

it('finds probing of the schema, by the thirty-second operation that does not fit', () => {
  const probes = every(500, (at) => misfit(at, EVE));
  expect(eventsUntil('schemaProbing', probes)).toEqual({ count: 32, ms: 15_500 });
});

it('does not take a developer who mistypes for it', () => {
  const mistakes = every(12_000, (at) => misfit(at, EVE), 500);
  expect(() => eventsUntil('schemaProbing', mistakes)).toThrow('was not found');
});

it('is silent through an hour of two hundred callers', () => {
  expect(foundInNormalTraffic('schemaProbing')).toEqual([]);
});
