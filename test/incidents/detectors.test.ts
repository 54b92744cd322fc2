import { describe, expect, it } from 'vitest';
import { DETECTORS } from '../../src/incidents/detectors.ts';
import { keyOf, RULES_OF_INCIDENTS } from '../../src/incidents/finding.ts';
import {
  badCredential,
  callerOf,
  costing,
  eventAt,
  misfit,
  refused,
  START_MS,
  watched,
} from './incident-kit.ts';
import { normalHour } from './normal-traffic.ts';

const EVE = callerOf('eve', 'globex');

describe('an hour of two hundred callers', () => {
  it('hides no attack within it, and shows nothing else', () => {
    const events = normalHour(1);
    expect(events.length).toBeGreaterThan(30_000);
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
