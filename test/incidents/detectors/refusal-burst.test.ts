import { expect, it } from 'vitest';
import { callerOf, eventsUntil, every, refused, watched } from '../incident-kit.ts';
import { foundInNormalTraffic } from '../normal-traffic.ts';

const EVE = callerOf('eve', 'globex');

it('finds a burst of refusals, within seven seconds at ten a second', () => {
  const refusals = every(100, (at, index) => refused(at, EVE, `User.field${index}`));
  const { count, ms } = eventsUntil('refusalBurst', refusals);
  expect([count, ms < 7000]).toEqual([67, true]);
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

it('is silent through an hour of two hundred callers', () => {
  expect(foundInNormalTraffic('refusalBurst')).toEqual([]);
});
