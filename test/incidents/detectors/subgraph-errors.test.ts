import { expect, it } from 'vitest';
import { eventAt, eventsUntil, every } from '../incident-kit.ts';
import { foundInNormalTraffic } from '../normal-traffic.ts';

const fetches = (status: number) => [{ subgraph: 'catalog', durationUs: 1, status, errors: 1, planned: 0 }];

it('finds a storm of errors of a subgraph, by the hundredth call', () => {
  const storm = every(50, (at) => eventAt({ at, fetches: fetches(503) }));
  expect(eventsUntil('subgraphErrors', storm)).toEqual({ count: 100, ms: 4950 });
});

it('does not take it for a storm where one call of four fails', () => {
  const mixed = every(50, (at, index) => eventAt({ at, fetches: fetches(index % 4 === 0 ? 0 : 200) }), 500);
  expect(() => eventsUntil('subgraphErrors', mixed)).toThrow('was not found');
});

it('is silent through an hour of two hundred callers', () => {
  expect(foundInNormalTraffic('subgraphErrors')).toEqual([]);
});

it('says nothing of a subgraph whose fetches were cut off because their clients had gone', () => {
  const left = every(50, (at) => eventAt({ at, fetches: fetches(0), code: 'REQUEST_ABORTED' }), 500);
  expect(() => eventsUntil('subgraphErrors', left)).toThrow('was not found');
});
