import { describe, expect, it } from 'vitest';
import { auditTampering } from '../../src/incidents/detectors/audit-tampering.ts';
import { IncidentWatch } from '../../src/incidents/incident-watch.ts';
import { badCredential, callerOf, DEFAULTS, eventAt, refused, START_MS, watched } from './incident-kit.ts';

const EVE = callerOf('eve', 'globex');

describe('the watch', () => {
  it('takes events without looking at them, and drops and counts what is too much', () => {
    const deferred: (() => void)[] = [];
    let reports = 0;
    const watch = new IncidentWatch({
      ...{ watches: DEFAULTS, queueMax: 100, repeatMs: 0, reportsPerHourMax: 1000, now: () => START_MS },
      defer: (work) => void deferred.push(work),
      report: () => {
        reports += 1;
      },
      onFlood: () => undefined,
      onFull: () => undefined,
    });
    for (let at = 0; at < 150; at += 1) watch.take(refused(at, EVE));
    expect([reports, watch.dropped, watch.size, deferred.length]).toEqual([0, 50, 0, 1]);
    deferred.shift()?.();
    // A hundred were taken; it was full from the sixty-first on.
    expect(reports).toBe(40);
    expect(deferred).toEqual([]);
  });

  it('lets requests have their turn after two hundred events', () => {
    const deferred: (() => void)[] = [];
    const watch = new IncidentWatch({
      ...{ watches: DEFAULTS, queueMax: 1000, repeatMs: 0, reportsPerHourMax: 1000, now: () => START_MS },
      ...{ defer: (work) => void deferred.push(work), report: () => undefined },
      ...{ onFlood: () => undefined, onFull: () => undefined },
    });
    for (let at = 0; at < 500; at += 1) watch.take(eventAt({ at }));
    let turns = 0;
    for (let work = deferred.shift(); work !== undefined; work = deferred.shift()) {
      turns += 1;
      work();
    }
    expect(turns).toBe(3);
  });

  it('reports the same once in ten seconds, and again at once where it could not be written down', () => {
    const { see, findings, watch } = watched({ only: 'refusalBurst' });
    for (let at = 0; at < 9000; at += 100) see(refused(at, EVE));
    expect(findings).toHaveLength(1);
    const [finding] = findings;
    if (finding === undefined) throw new Error('nothing was found');
    watch.forget(finding);
    see(refused(9000, EVE));
    expect(findings).toHaveLength(2);
    for (let at = 9100; at < 20_000; at += 100) see(refused(at, EVE));
    expect(findings).toHaveLength(3);
  });

  it('does not let the noise of one tenant hide the trouble of another', () => {
    const { see, findings, floods } = watched({ only: 'tenantIsolation' });
    const breach = (tenant: string, hash: string, at: number) => {
      const event = eventAt({ at, principal: callerOf('eve', tenant), foreignObjects: 1 });
      return see({ ...event, operation: event.operation === null ? null : { ...event.operation, hash } });
    };
    for (let index = 0; index < 300; index += 1) breach('globex', `hash-${index}`, index);
    expect(findings).toHaveLength(100);
    expect(floods).toEqual(['globex']);
    expect(breach('acme', 'hash', 400)).toEqual(['tenantIsolation']);
    expect(breach('globex', 'later', 3_600_400)).toEqual(['tenantIsolation']);
  });

  it('does not let one detector use up the reports of another, nor a finding that goes on those of new ones', () => {
    const { see, findings, floods } = watched();
    for (let at = 0; at < 3_500_000; at += 500) see(refused(at, EVE));
    expect(findings.length).toBeGreaterThan(300);
    expect(floods).toEqual([]);
    const mallory = callerOf('mallory', 'globex');
    const rules = new Set<string>();
    for (let at = 0; at < 70; at += 1)
      for (const rule of see(refused(3_500_000 + at, mallory))) rules.add(rule);
    expect([...rules]).toEqual(['refusalBurst']);
  });

  it('tells of a log that was tampered with, however many strangers are found at the same time', () => {
    const { see, findings, watch } = watched({ only: 'credentialStuffing' });
    for (let host = 0; host < 150; host += 1)
      for (let at = 0; at < 20; at += 1) see(badCredential(host, `198.51.100.${host}`));
    expect(findings).toHaveLength(100);
    const broken = auditTampering(1)({ timeMs: START_MS, breaks: 1, segments: null });
    if (broken === null) throw new Error('nothing was found');
    watch.found(broken);
    expect(findings.at(-1)?.rule).toBe('auditTampering');
  });

  it('says once that events are dropped, and again when that begins anew', () => {
    const deferred: (() => void)[] = [];
    let told = 0;
    const watch = new IncidentWatch({
      ...{ watches: DEFAULTS, queueMax: 100, repeatMs: 0, reportsPerHourMax: 1000, now: () => START_MS },
      ...{ defer: (work) => void deferred.push(work), report: () => undefined, onFlood: () => undefined },
      onFull: () => {
        told += 1;
      },
    });
    for (const expected of [1, 2]) {
      for (let at = 0; at < 150; at += 1) watch.take(eventAt({ at }));
      expect(told).toBe(expected);
      for (let work = deferred.shift(); work !== undefined; work = deferred.shift()) work();
    }
  });

  it('looks at nothing once it is closed', () => {
    const { see, findings, watch } = watched();
    watch.close();
    see(eventAt({ at: 0, principal: EVE, foreignObjects: 1 }));
    expect(findings).toEqual([]);
  });
});

describe('a check of the audit log', () => {
  const check = (part: Partial<Parameters<ReturnType<typeof auditTampering>>[0]>) => ({
    ...{ timeMs: START_MS, breaks: 0, segments: { first: 0, last: 3 } },
    ...part,
  });

  it('is silent while the log is as it was written, and grows', () => {
    const look = auditTampering(1);
    expect([look(check({})), look(check({ segments: { first: 1, last: 4 } }))]).toEqual([null, null]);
  });

  it('finds breaks, and segments that are gone', () => {
    const look = auditTampering(1);
    expect(look(check({ breaks: 2 }))).toMatchObject({
      severity: 'critical',
      counts: { breaks: 2, lost: 0 },
    });
    expect(look(check({ segments: { first: 0, last: 1 } }))).toMatchObject({
      counts: { breaks: 0, lost: 2 },
    });
    expect(look(check({ segments: null }))).toMatchObject({ counts: { lost: 4 } });
  });
});
