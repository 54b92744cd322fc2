import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { authorize } from '../../src/authorization/authorize.ts';
import { KillSwitches } from '../../src/control/kill-switches.ts';
import { Restraints } from '../../src/control/restraints.ts';
import type { RestraintFacts } from '../../src/control/snapshot.ts';
import { ANONYMOUS, type Principal } from '../../src/identity/principal.ts';
import { type Containment, containmentOf, type IncidentAction } from '../../src/incidents/containment.ts';
import type { Culprit, Finding } from '../../src/incidents/finding.ts';
import { Throttles } from '../../src/metering/throttles.ts';
import { compiled, compose } from '../operation/graph-kit.ts';
import { callerOf } from './incident-kit.ts';

const GRAPH = compose('type Query { a: String b: String }');
const ACTIONS: readonly IncidentAction[] = [
  ...(['none', 'throttle', 'stepUp', 'suspendCredential', 'suspendApplication', 'blockOperation'] as const),
  'blockField',
];
const OPERATION = 'ab'.repeat(32);

const about = (culprit: Culprit): Finding => ({
  ...{ rule: 'tokenReplay', severity: 'high', culprit, timeMs: 0, counts: {}, events: [] },
  ...{ operation: OPERATION, coordinate: 'Query.a' },
});
const culprits = (by: Principal): Culprit[] => [
  { kind: 'address', address: '203.0.113.9' },
  { kind: 'caller', caller: by },
  { kind: 'credential', caller: by, credentialId: by.credentialId ?? '' },
  { kind: 'operation', tenant: by.tenant, hash: OPERATION },
  { kind: 'subgraph', subgraph: 'a' },
  { kind: 'audit' },
];

/** Whether a caller notices anything of a containment. */
async function isHeld(
  containment: Containment,
  principal: Principal,
  remoteAddress: string,
): Promise<boolean> {
  const throttles = new Throttles(() => 0);
  const restraints = new Restraints({
    ...{ factors: ['mfa'], share: 0.1, now: () => 0 },
    throttle: (callers, share, untilMs) => throttles.set(callers, share, untilMs),
  });
  const switches = new KillSwitches({ admin: null, fixed: [], now: () => 0, onUnknown: () => undefined });
  if ('tenant' in containment) switches.replace([{ ...containment, id: 's', expiresAt: 1 }]);
  else {
    const { kind, target: callers } = containment;
    restraints.replace([{ id: 'r', kind, callers, sinceMs: 0, untilMs: 1 }]);
  }
  const operation = { ...compiled(GRAPH, '{ a b }'), hash: OPERATION };
  const decision = await authorize(
    {
      ...{ operation, principal, variables: {}, grant: null, nowMs: 0 },
      ...{ switches: switches.of(principal, GRAPH), restraint: restraints.of(principal) },
    },
    { mode: 'filter', dryRun: false, introspection: 'permit' },
    { allows: () => false },
  );
  return decision.effect !== 'permit' || throttles.of({ principal, remoteAddress }).length > 0;
}

describe('what an incident restricts', () => {
  const names = fc.constantFrom('a', 'b', 'anonymous');
  const principals = fc
    .record({
      subject: names,
      tenant: fc.constantFrom('acme', 'globex', null),
      issuer: fc.constantFrom('https://idp.example', 'https://other.example', null),
      application: names,
      credentialId: names,
    })
    .map(({ subject, tenant, ...part }) => callerOf(subject, tenant, part));

  it('is never a caller of another tenant, whoever shares its names or its address', async () => {
    await fc.assert(
      fc.asyncProperty(
        ...([principals, principals, fc.constantFrom(...ACTIONS), fc.nat(5)] as const),
        async (eve, victim, action, at) => {
          fc.pre(eve.tenant !== victim.tenant && victim.subject !== 'anonymous');
          const culprit = culprits(eve)[at];
          const containment = culprit === undefined ? null : containmentOf(about(culprit), action);
          if (containment === null) return;
          expect(await isHeld(containment, victim, '203.0.113.9')).toBe(false);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('is only who has no tenant where the culprit has none, and only what its issuer names so', async () => {
    const eve = callerOf('eve', null, { application: null, issuer: null });
    const suspended = containmentOf(
      about({ kind: 'credential', caller: eve, credentialId: 'k' }),
      'suspendCredential',
    );
    const throttled = containmentOf(about({ kind: 'caller', caller: eve }), 'throttle');
    if (suspended === null || throttled === null) throw new Error('nothing is restricted');
    const named = { ...eve, credentialId: 'k' };
    for (const containment of [suspended, throttled]) {
      expect(await isHeld(containment, named, '203.0.113.9')).toBe(true);
      expect(await isHeld(containment, { ...named, tenant: 'acme' }, '203.0.113.9')).toBe(false);
      expect(await isHeld(containment, { ...named, issuer: 'https://other.example' }, '203.0.113.9')).toBe(
        false,
      );
    }
  });

  it.each([
    ['throttle', 0, ANONYMOUS],
    ['throttle', 1, callerOf('eve', 'globex')],
    ['throttle', 2, callerOf('eve', 'globex')],
    ['stepUp', 1, callerOf('eve', 'globex')],
    ['suspendCredential', 2, callerOf('eve', 'globex')],
    ['suspendApplication', 1, callerOf('eve', 'globex')],
    ['blockOperation', 3, callerOf('eve', 'globex')],
    ['blockField', 1, callerOf('eve', 'globex')],
  ] as const)('by %s is the culprit (%s)', async (action, at, eve) => {
    const [culprit] = culprits(eve).slice(at);
    const containment = culprit === undefined ? null : containmentOf(about(culprit), action);
    if (containment === null) throw new Error('nothing is restricted');
    expect(await isHeld(containment, eve, '203.0.113.9')).toBe(true);
  });

  it('is nothing where the action can do nothing about it', () => {
    const robot = callerOf('robot', 'globex', { kind: 'service' });
    const homeless = callerOf('eve', null);
    const none = [
      containmentOf(about({ kind: 'caller', caller: robot }), 'stepUp'),
      containmentOf(about({ kind: 'caller', caller: homeless }), 'blockOperation'),
      containmentOf(about({ kind: 'caller', caller: homeless }), 'suspendApplication'),
      containmentOf(about({ kind: 'subgraph', subgraph: 'a' }), 'throttle'),
      containmentOf(about({ kind: 'address', address: '2001:db8:1:2::/64' }), 'throttle'),
      containmentOf(about({ kind: 'audit' }), 'blockField'),
    ];
    expect(none).toEqual(none.map(() => null));
  });
});

describe('restraints', () => {
  const EVE = callerOf('eve', 'globex', { amr: ['pwd', 'mfa'], authTime: 100 });
  const clock = { now: 0 };
  const set: [unknown, number, number][] = [];
  const restraints = new Restraints({
    ...{ factors: ['mfa'], share: 0.1, now: () => clock.now },
    throttle: (...call) => void set.push(call),
  });
  const fact = (kind: RestraintFacts['kind'], part: Partial<RestraintFacts> = {}): RestraintFacts => ({
    ...{ id: kind, kind, callers: { tenant: 'globex', subject: 'eve' }, sinceMs: 200_000, untilMs: 300_000 },
    ...part,
  });
  const decide = (principal: Principal) =>
    authorize(
      {
        ...{ operation: compiled(GRAPH, '{ a }'), principal, variables: {}, grant: null, nowMs: clock.now },
        restraint: restraints.of(principal),
      },
      { mode: 'filter', dryRun: true, introspection: 'permit' },
      { allows: () => false },
    );

  it('ask for an authentication that is newer than they are, with a second factor', async () => {
    restraints.replace([fact('stepUp')]);
    clock.now = 210_000;
    expect(await decide(EVE)).toMatchObject({
      effect: 'deny',
      reasons: [{ rule: 'incident', code: 'STEP_UP_REQUIRED', stepUps: [{ maxAgeSeconds: 10 }] }],
    });
    expect((await decide({ ...EVE, authTime: 200, amr: ['pwd'] })).effect).toBe('deny');
    expect((await decide({ ...EVE, authTime: 200 })).effect).toBe('permit');
    expect((await decide({ ...EVE, subject: 'ada' })).effect).toBe('permit');
  });

  it('end in the millisecond in which their time is over', async () => {
    restraints.replace([fact('suspend')]);
    clock.now = 299_999;
    expect(await decide(EVE)).toMatchObject({ reasons: [{ code: 'ACCESS_SUSPENDED' }] });
    clock.now = 300_000;
    expect((await decide(EVE)).effect).toBe('permit');
    expect(restraints.of(EVE)).toBeNull();
  });

  it('throttle until the latest end, and let go who is no longer among them', () => {
    clock.now = 0;
    const callers = { tenant: 'globex', subject: 'eve' };
    restraints.replace([fact('throttle'), fact('throttle', { untilMs: 400_000 })]);
    restraints.replace([]);
    expect(set).toEqual([
      [callers, 0.1, 400_000],
      [callers, 1, 0],
    ]);
  });
});
