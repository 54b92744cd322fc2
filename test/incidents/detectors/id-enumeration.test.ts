import { expect, it } from 'vitest';
import { keepMembers } from '../../../src/list-members.ts';
import {
  callerOf,
  digestOf,
  eventAt,
  eventsUntil,
  every,
  lookingUp,
  reading,
  watched,
} from '../incident-kit.ts';
import { foundInNormalTraffic } from '../normal-traffic.ts';

const EVE = callerOf('eve', 'globex');

it('finds ids that are tried out, by the hundredth that is not there, whatever the aliases', () => {
  const lookups = every(50, (at) => reading(at, EVE, { missed: 1 }));
  const { count, ms } = eventsUntil('idEnumeration', lookups);
  expect([count, ms < 6000]).toEqual([109, true]);
  const aliased = every(50, (at) => reading(at, EVE, { missed: 30 }));
  expect(eventsUntil('idEnumeration', aliased).count).toBe(4);
});

it('finds different ids for one argument also where they are there, within forty seconds at twenty a second', () => {
  const lookups = every(50, (at, index) => lookingUp(at, EVE, digestOf(`order-${index}`)));
  const { count, ms } = eventsUntil('idEnumeration', lookups);
  expect(count).toBeGreaterThan(500);
  expect(ms).toBeLessThan(40_000);
});

it('finds different ids that are spread over many arguments, each of which gets few', () => {
  const spread = every(50, (at, index) =>
    lookingUp(at, EVE, digestOf(`${index}`), `Query.field${index % 40}`),
  );
  const { see, findings } = watched({ only: 'idEnumeration' });
  let count = 0;
  for (const event of spread) {
    if (see(event).length > 0) break;
    count += 1;
  }
  // At twenty a second the window of sixty seconds has 1,200: not that many.
  expect(count).toBe(5000);
  const faster = every(20, (at, index) =>
    lookingUp(600_000 + at, EVE, digestOf(`${index}`), `Query.field${index % 40}`),
  );
  for (const event of faster) see(event);
  expect(findings[0]).toMatchObject({ coordinate: null, counts: { differentInAll: expect.any(Number) } });
  expect(findings[0]?.events).toHaveLength(10);
  expect(findings[0]?.counts['differentInAll']).toBeGreaterThanOrEqual(1500);
});

it('tells which field they were for, and events of the last ones', () => {
  const { see, findings } = watched({ only: 'idEnumeration' });
  for (let index = 0; index < 700; index += 1) see(lookingUp(index, EVE, digestOf(`order-${index}`)));
  expect(findings[0]).toMatchObject({
    ...{ rule: 'idEnumeration', severity: 'medium', coordinate: 'Query.order' },
    counts: { different: expect.any(Number) },
  });
  expect(findings[0]?.events).toHaveLength(10);
  expect(JSON.stringify(findings)).not.toContain(digestOf('order-1'));
});

it('counts each member of a list of ids, so that few requests are enough to find it', () => {
  const { see, findings } = watched({ only: 'idEnumeration' });
  let asked = 0;
  while (findings.length === 0 && asked < 100) {
    const event = lookingUp(asked, EVE, digestOf(`list-${asked}`));
    const ids = Array.from({ length: 100 }, (_, index) => digestOf(`order-${asked * 100 + index}`));
    keepMembers(event.arguments ?? [], new Map([[0, ids]]));
    see(event);
    asked += 1;
  }
  expect(asked).toBeGreaterThan(4);
  expect(asked).toBeLessThan(9);
  expect(findings[0]).toMatchObject({ coordinate: 'Query.order', counts: { different: expect.any(Number) } });
});

it('counts an id once, however often it is asked', () => {
  const same = every(10, (at, index) => lookingUp(at, EVE, digestOf(`order-${index % 50}`)));
  expect(() => eventsUntil('idEnumeration', same)).toThrow('was not found');
});

it('counts callers apart, and what is spread over more than its window not together', () => {
  const { see, findings } = watched({ only: 'idEnumeration' });
  for (let index = 0; index < 2000; index += 1) {
    const caller = callerOf(`caller-${index % 10}`, 'globex');
    see(lookingUp(index, caller, digestOf(`order-${index}`)));
  }
  const slow = every(200, (at, index) => lookingUp(at, EVE, digestOf(`order-${index}`)), 3000);
  for (const event of slow) see(event);
  expect(findings).toEqual([]);
});

it.each([
  ['redacted', 'redacted'],
  ['oversized', 'oversized'],
  ['not given', null],
])('takes nothing for an id that is %s', (_, id) => {
  const { see, watch } = watched({ only: 'idEnumeration' });
  see(lookingUp(0, EVE, id));
  expect(watch.size).toBe(0);
  see(eventAt({ at: 1, principal: EVE }));
  expect(watch.size).toBe(0);
});

it('holds a bounded number of keys, whatever an attacker makes up', () => {
  const { see, watch } = watched({ only: 'idEnumeration', keysMax: 100 });
  for (let index = 0; index < 1000; index += 1) {
    see(lookingUp(index, callerOf(`s-${index}`, 'globex'), digestOf('1')));
    see(reading(index, callerOf(`s-${index}`, 'globex'), { missed: 1 }));
  }
  expect(watch.size).toBe(300);
});

it('is silent through an hour of two hundred callers', () => {
  expect(foundInNormalTraffic('idEnumeration')).toEqual([]);
});
