import { describe, expect, it } from 'vitest';
import type { AuditEvent } from '../../src/audit/event.ts';
import { ANONYMOUS } from '../../src/identity/principal.ts';
import { DETECTORS } from '../../src/incidents/detectors.ts';
import { keyOf, RULES_OF_INCIDENTS } from '../../src/incidents/finding.ts';
import {
  badCredential,
  callerOf,
  costing,
  eventAt,
  eventsUntil,
  misfit,
  reading,
  refused,
  START_MS,
  watched,
} from './incident-kit.ts';
import { normalHour } from './normal-traffic.ts';

const EVE = callerOf('eve', 'globex');

/** Events one after the other. */
function* every(stepMs: number, make: (at: number, index: number) => AuditEvent, max = 5000) {
  for (let index = 0; index < max; index += 1) yield make(index * stepMs, index);
}

/** An attack from now on, after the usual. */
function* spike(): Generator<AuditEvent> {
  for (let minute = 0; minute < 15; minute += 1) yield costing(minute * 60_000, EVE, 3000);
  yield* every(100, (at) => costing(15 * 60_000 + at, EVE, 2000));
}

describe('each attack is found', () => {
  it('credential stuffing, by the twenty-first guess', () => {
    const guesses = every(100, (at) => badCredential(at, '203.0.113.9'));
    expect(eventsUntil('credentialStuffing', guesses)).toEqual({ count: 21, ms: 2000 });
  });

  it('a token that is replayed, by its eighth address', () => {
    const replays = every(1000, (at, index) =>
      eventAt({ at, principal: EVE, address: `203.0.113.${index}` }),
    );
    expect(eventsUntil('tokenReplay', replays)).toEqual({ count: 8, ms: 7000 });
  });

  it('ids that are tried out, by the hundredth that is not there, whatever the aliases', () => {
    const lookups = every(50, (at) => reading(at, EVE, { missed: 1 }));
    const { count, ms } = eventsUntil('idEnumeration', lookups);
    expect([count, ms < 6000]).toEqual([109, true]);
    const aliased = every(50, (at) => reading(at, EVE, { missed: 30 }));
    expect(eventsUntil('idEnumeration', aliased).count).toBe(4);
  });

  it('sensitive values that are taken away, with the field that most were taken of', () => {
    const pages = every(1000, (at) => reading(at, EVE, { users: 100 }));
    expect(eventsUntil('sensitiveVolume', pages)).toEqual({ count: 55, ms: 54_000 });
    const { see, findings } = watched({ only: 'sensitiveVolume' });
    for (let at = 0; at < 60; at += 1) see(reading(at, EVE, { users: 100 }));
    expect(findings[0]).toMatchObject({ coordinate: 'User.email', counts: { values: 5000 } });
    // What the schema marks is counted without being named here.
    const marked = every(1000, (at) => reading(at, EVE, { seen: 1000 }));
    expect(eventsUntil('sensitiveVolume', marked).count).toBe(6);
  });

  it('probing of the schema, by the thirty-second operation that does not fit', () => {
    const probes = every(500, (at) => misfit(at, EVE));
    expect(eventsUntil('schemaProbing', probes)).toEqual({ count: 32, ms: 15_500 });
  });

  it('a burst of refusals, within seven seconds at ten a second', () => {
    const refusals = every(100, (at, index) => refused(at, EVE, `User.field${index}`));
    const { count, ms } = eventsUntil('refusalBurst', refusals);
    expect([count, ms < 7000]).toEqual([67, true]);
  });

  it('a cost ten times the usual, in the minute in which it is reached', () => {
    const { count, ms } = eventsUntil('costSpike', spike());
    // Fifteen usual minutes of 3000 points, then 2000 at a time up to 30,000.
    expect(count).toBe(15 + 15);
    expect(ms - 15 * 60_000).toBeLessThan(2000);
  });

  it('an object of another tenant, at once', () => {
    const breach = [eventAt({ at: 0, principal: EVE, foreignObjects: 1 })];
    expect(eventsUntil('tenantIsolation', breach)).toEqual({ count: 1, ms: 0 });
  });

  it('a storm of errors of a subgraph, by the hundredth call', () => {
    const fetches = (status: number) => [
      { subgraph: 'catalog', durationUs: 1, status, errors: 1, planned: 0 },
    ];
    const storm = every(50, (at) => eventAt({ at, fetches: fetches(503) }));
    expect(eventsUntil('subgraphErrors', storm)).toEqual({ count: 100, ms: 4950 });
    const mixed = every(50, (at, index) => eventAt({ at, fetches: fetches(index % 4 === 0 ? 0 : 200) }), 500);
    expect(() => eventsUntil('subgraphErrors', mixed)).toThrow('was not found');
  });
});

describe('an hour of two hundred callers', () => {
  it('is silent, and hides no attack within it', () => {
    const quiet = watched();
    const events = normalHour(1);
    for (const event of events) quiet.see(event);
    expect(events.length).toBeGreaterThan(30_000);
    expect(quiet.findings).toEqual([]);
    const { see, findings } = watched();
    for (const [index, event] of events.entries()) {
      see(event);
      if (index > 10_000 && index < 10_100) see(refused(Date.parse(event.time) - START_MS, EVE));
    }
    expect(findings.map(({ rule, culprit }) => [rule, keyOf(culprit).includes('eve')])).toEqual([
      ['refusalBurst', true],
    ]);
  });
});

describe('a detector', () => {
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
    const roaming = every(60_000, (at, index) =>
      eventAt({ at, principal: EVE, address: `203.0.113.${index % 250}` }),
    );
    expect(() => eventsUntil('tokenReplay', roaming)).toThrow('was not found');
  });

  it('takes a network of IPv6 for one address, and addresses of IPv4 for themselves', () => {
    const hosts = every(10, (at, index) => badCredential(at, `2001:db8:1:2::${index.toString(16)}`));
    expect(eventsUntil('credentialStuffing', hosts).count).toBe(21);
    const token = every(
      10,
      (at, index) => eventAt({ at, principal: EVE, address: `2001:db8:1:2:${index}::` }),
      500,
    );
    expect(() => eventsUntil('tokenReplay', token)).toThrow('was not found');
  });

  it('counts callers apart: by tenant, issuer, subject and application', () => {
    const { see, findings } = watched({ only: 'refusalBurst' });
    const callers = [
      callerOf('eve', 'globex'),
      callerOf('eve', 'acme'),
      callerOf('eve', 'globex', { issuer: 'https://other.example' }),
      callerOf('eve', 'globex', { application: 'other' }),
      callerOf('ada', 'globex'),
    ];
    for (let at = 0; at < 50; at += 1) for (const caller of callers) see(refused(at, caller));
    expect(findings).toEqual([]);
    for (let at = 50; at < 80; at += 1) see(refused(at, EVE));
    expect(findings).toHaveLength(1);
  });

  it('takes a caller for the same under another credential', () => {
    const { see, findings } = watched({ only: 'refusalBurst' });
    for (let at = 0; at < 80; at += 1)
      see(refused(at, callerOf('eve', 'globex', { credentialId: `jti-${at}` })));
    expect(findings).toHaveLength(1);
  });

  it('tells counts and ids of events, and no more than ten of them', () => {
    const { see, findings } = watched({ only: 'refusalBurst' });
    for (let at = 0; at < 65; at += 1) see(refused(at, EVE));
    expect(findings[0]).toMatchObject({
      counts: { refusals: 60 },
      coordinate: 'User.salary',
      severity: 'medium',
    });
    expect(findings[0]?.events).toHaveLength(10);
  });

  it('finds no breach where the caller has no tenant, since then every object is foreign', () => {
    const { see } = watched({ only: 'tenantIsolation' });
    expect(see(eventAt({ at: 0, principal: ANONYMOUS, foreignObjects: 3 }))).toEqual([]);
  });

  it('is slow to get used to a spike', () => {
    const { see, findings } = watched({ only: 'costSpike' });
    for (let minute = 0; minute < 30; minute += 1) see(costing(minute * 60_000, EVE, 3000));
    for (let minute = 30; minute < 33; minute += 1)
      for (let call = 0; call < 20; call += 1) see(costing(minute * 60_000 + call * 1000, EVE, 3000));
    expect(new Set(findings.map(({ timeMs }) => Math.floor(timeMs / 60_000))).size).toBe(3);
  });

  it('holds a bounded number of keys, whatever an attacker makes up', () => {
    const { see, watch } = watched({ keysMax: 100 });
    for (let index = 0; index < 3000; index += 1) {
      const principal = callerOf(`s-${index}`, `t-${index}`);
      see(refused(index, principal));
      see(misfit(index, principal, `203.0.${index % 256}.${index >> 8}`));
      see(badCredential(index, `198.51.${index % 256}.${index >> 8}`));
      see(costing(index, principal, 5));
      see(eventAt({ at: index, principal, foreignObjects: 0, address: `10.0.${index % 256}.${index >> 8}` }));
    }
    expect(watch.size).toBeLessThanOrEqual(100 * DETECTORS.length);
  });

  it('is listed once, under a name that findings have', () => {
    const listed = DETECTORS.map(([rule]) => rule);
    expect([...listed, 'auditTampering'].toSorted()).toEqual([...RULES_OF_INCIDENTS].toSorted());
  });
});
