import { expect, it } from 'vitest';
import { callerOf, costing, eventsUntil, every, watched } from '../incident-kit.ts';
import { foundInNormalTraffic } from '../normal-traffic.ts';

const EVE = callerOf('eve', 'globex');

/** An attack from now on, after the usual. */
function* spike() {
  for (let minute = 0; minute < 15; minute += 1) yield costing(minute * 60_000, EVE, 3000);
  yield* every(100, (at) => costing(15 * 60_000 + at, EVE, 2000));
}

it('finds a cost ten times the usual, in the minute in which it is reached', () => {
  const { count, ms } = eventsUntil('costSpike', spike());
  // Fifteen usual minutes of 3000 points, then 2000 at a time up to 30,000.
  expect(count).toBe(15 + 15);
  expect(ms - 15 * 60_000).toBeLessThan(2000);
});

it('is slow to get used to a spike', () => {
  const { see, findings } = watched({ only: 'costSpike' });
  for (let minute = 0; minute < 30; minute += 1) see(costing(minute * 60_000, EVE, 3000));
  for (let minute = 30; minute < 33; minute += 1)
    for (let call = 0; call < 20; call += 1) see(costing(minute * 60_000 + call * 1000, EVE, 3000));
  expect(new Set(findings.map(({ timeMs }) => Math.floor(timeMs / 60_000))).size).toBe(3);
});

it('finds nothing below the floor, whatever is usual', () => {
  const { see, findings } = watched({ only: 'costSpike' });
  for (let minute = 0; minute < 15; minute += 1) see(costing(minute * 60_000, EVE, 10));
  for (let call = 0; call < 90; call += 1) see(costing(15 * 60_000 + call * 100, EVE, 100));
  expect(findings).toEqual([]);
});

it('is silent through an hour of two hundred callers', () => {
  expect(foundInNormalTraffic('costSpike')).toEqual([]);
});
