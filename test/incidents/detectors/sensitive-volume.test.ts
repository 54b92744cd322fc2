import { expect, it } from 'vitest';
import { callerOf, eventsUntil, every, reading, watched } from '../incident-kit.ts';
import { foundInNormalTraffic } from '../normal-traffic.ts';

const EVE = callerOf('eve', 'globex');

it('finds sensitive values that are taken away, with the field that most were taken of', () => {
  const pages = every(1000, (at) => reading(at, EVE, { users: 100 }));
  expect(eventsUntil('sensitiveVolume', pages)).toEqual({ count: 55, ms: 54_000 });
  const { see, findings } = watched({ only: 'sensitiveVolume' });
  for (let at = 0; at < 60; at += 1) see(reading(at, EVE, { users: 100 }));
  expect(findings[0]).toMatchObject({ coordinate: 'User.email', counts: { values: 5000 } });
});

it('counts what the schema marks without being told of it', () => {
  const marked = every(1000, (at) => reading(at, EVE, { seen: 1000 }));
  expect(eventsUntil('sensitiveVolume', marked).count).toBe(6);
});

it('does not take pages of a few people for it', () => {
  const pages = every(6000, (at) => reading(at, EVE, { users: 25 }), 1000);
  expect(() => eventsUntil('sensitiveVolume', pages)).toThrow('was not found');
});

it('is silent through an hour of two hundred callers', () => {
  expect(foundInNormalTraffic('sensitiveVolume')).toEqual([]);
});
