import { expect, it } from 'vitest';
import { auditTampering } from '../../../src/incidents/detectors/audit-tampering.ts';

const intact = (timeMs: number, last: number) => ({ timeMs, breaks: 0, segments: { first: 0, last } });

it('finds a break at the next look', () => {
  const look = auditTampering(1);
  expect(look(intact(0, 3))).toBeNull();
  expect(look({ ...intact(1, 4), breaks: 2 })).toMatchObject({
    ...{ rule: 'auditTampering', severity: 'critical', culprit: { kind: 'audit' }, timeMs: 1 },
    counts: { breaks: 2, lost: 0 },
  });
});

it('finds segments that are gone from the end, and all of them', () => {
  const look = auditTampering(1);
  expect(look(intact(0, 5))).toBeNull();
  expect(look(intact(1, 3))?.counts).toEqual({ breaks: 0, lost: 2 });
  expect(look({ timeMs: 2, breaks: 0, segments: null })?.counts).toEqual({ breaks: 0, lost: 6 });
});

it('finds nothing below its threshold', () => {
  const look = auditTampering(2);
  expect(look({ ...intact(0, 1), breaks: 1 })).toBeNull();
  expect(look({ ...intact(0, 1), breaks: 2 })).not.toBeNull();
});

it('is silent through an hour in which the log grows, and its oldest segments go', () => {
  const look = auditTampering(1);
  for (let minute = 0; minute < 60; minute += 10) {
    const last = minute / 5;
    expect(look({ timeMs: minute * 60_000, breaks: 0, segments: { first: last / 2, last } })).toBeNull();
  }
});
