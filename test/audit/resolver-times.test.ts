import { describe, expect, it } from 'vitest';
import { coordinateRecords } from '../../src/audit/coordinate-records.ts';
import { publishedText } from '../../src/audit/published-event.ts';
import { auditEvent } from '../../src/audit/recorder.ts';
import { ResolverTimes, timesOf } from '../../src/resolver-times.ts';
import { PARTS } from './fixtures.ts';

const OPERATION = { coordinates: ['Query.a', 'Query.b', 'T.c'] };
const PLAN = [
  { subgraph: 'one', coordinates: [0, 1] },
  { subgraph: 'two', coordinates: [2] },
];
const AUDITED = { refused: [], unreached: [], sensitive: [], plan: PLAN };

describe('the times of resolvers', () => {
  it('are added up by coordinate, in microseconds, with the longest', () => {
    const times = new ResolverTimes(OPERATION, { audited: AUDITED }, null);
    for (const ns of [1500, 3_000_000, 0]) times.of(1)?.('T', 'c', ns);
    times.of(0)?.('Query', 'a', 999_999);
    expect(times.told()).toEqual([0, 1, 1000, 1000, 2, 3, 3002, 3000]);
  });

  it('take no name that the operation does not ask for, and none of which nothing is recorded', () => {
    const plan = [{ subgraph: 'one', coordinates: [0, 1, 2] }];
    const times = new ResolverTimes(OPERATION, { audited: { ...AUDITED, plan, unrecorded: [1] } }, null);
    const take = times.of(0);
    take?.('Query', 'b', 1000);
    for (const name of ['__proto__', 'constructor', 'planted']) {
      take?.('Query', name, 1000);
      take?.(name, 'a', 1000);
    }
    expect(times.told()).toEqual([]);
  });

  it('take of a subgraph only what it was asked for: it does not speak for another', () => {
    const times = new ResolverTimes(OPERATION, { audited: AUDITED }, null);
    times.of(0)?.('T', 'c', 9_000_000);
    times.of(1)?.('Query', 'a', 9_000_000);
    expect(times.told()).toEqual([]);
  });

  it('are asked of the fetches that bring what is wanted in full, of all where sampled, and else of none', () => {
    const variant = { audited: { ...AUDITED, timed: [1] } };
    const full = timesOf(OPERATION, variant, () => false);
    expect([0, 1, 2].map((planned) => typeof full?.of(planned))).toEqual(['object', 'function', 'object']);
    const sampled = timesOf(OPERATION, variant, () => true);
    expect([0, 1, 2].map((planned) => typeof sampled?.of(planned))).toEqual([
      'function',
      'function',
      'object',
    ]);
    expect(timesOf(OPERATION, { audited: AUDITED }, () => false)).toBeNull();
  });

  it('stand in the record of their coordinate, and nowhere else', () => {
    const times = { told: () => [1, 2, 3, Number.POSITIVE_INFINITY] };
    const event = auditEvent({ ...PARTS, times, fetches: [{ ...fetch(), trace: 'read' }, fetch()] });
    expect(coordinateRecords(event).map(({ resolvers }) => resolvers)).toEqual([
      null,
      { count: 2, sumUs: 3, maxUs: Number.MAX_SAFE_INTEGER },
    ]);
    const published = JSON.parse(publishedText(event));
    expect([published.times, published.fetches.map((each: { trace: unknown }) => each.trace)]).toEqual([
      undefined,
      ['read', null],
    ]);
  });
});

const fetch = () => ({ subgraph: 'catalog', durationUs: 1, status: 200, errors: 0, planned: 0 });
