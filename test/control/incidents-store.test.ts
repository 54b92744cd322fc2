import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { SYSTEM } from '../../src/control/actor.ts';
import type { NewIncident } from '../../src/control/incident-rows.ts';
import type { Opened } from '../../src/control/incidents-store.ts';
import { OutboxStore } from '../../src/control/outbox-store.ts';
import type { Incident } from '../../src/control/tables.ts';
import { containmentOf, type IncidentAction } from '../../src/incidents/containment.ts';
import type { Finding } from '../../src/incidents/finding.ts';
import { admin, faultCodeOf, member, restrictedIn, type Seeded, seed, versionIn } from './database-kit.ts';
import { useTestControl } from './use-test-control.ts';

const test = useTestControl();
let mine: Seeded;
let theirs: Seeded;

beforeAll(async () => {
  [mine, theirs] = [await seed(test), await seed(test)];
});

let callers = 0;

/** A finding about somebody new of a tenant. */
function finding(tenant: string | null = mine.tenant.slug, part: Partial<Finding> = {}): Finding {
  callers += 1;
  return {
    ...{ rule: 'tokenReplay', severity: 'high', timeMs: test.clock.now },
    culprit: {
      ...{ kind: 'credential', credentialId: `jti-${callers}` },
      caller: {
        ...{ kind: 'user', tenant, issuer: 'https://idp.example', subject: `s-${callers}` },
        ...{ application: 'shop', credentialId: `jti-${callers}` },
      },
    },
    ...{ counts: { addresses: 8 }, events: ['r-1'], operation: 'ab'.repeat(32), coordinate: 'User.email' },
    ...part,
  };
}

const found = (
  of: Finding,
  action: IncidentAction = 'suspendCredential',
  part: Partial<NewIncident> = {},
): NewIncident => ({
  ...{ finding: of, action, containment: containmentOf(of, action), dryRun: false },
  ...{ actionMs: 60_000, muteMs: 3_600_000 },
  ...part,
});

async function opened(what: NewIncident): Promise<Incident> {
  const answer = await test.control.incidents.open(SYSTEM, what);
  if (answer.outcome === 'muted') throw new Error('muted');
  return answer.incident;
}

const root = () => admin('root', test);
const officer = (tenantId: string) =>
  member(tenantId, { role: 'securityOfficer', amr: ['mfa'], authTime: test.clock.now / 1000 });
const restraints = async () => (await restrictedIn(test)).restraints;
const heldBy = async ({ id }: Incident) =>
  (await test.control.incidents.actionsOf(SYSTEM, [id])).filter(({ liftedAt }) => liftedAt === null);
const outcomeOf = async (what: NewIncident): Promise<Opened['outcome']> =>
  (await test.control.incidents.open(SYSTEM, what)).outcome;

describe('an incident', () => {
  it('is opened with its evidence and contained, with history and notifications of both', async () => {
    const of = finding();
    const incident = await opened(found(of));
    expect(incident).toMatchObject({
      ...{ rule: 'tokenReplay', state: 'contained', severity: 'high', times: 1, dryRun: false },
      ...{ tenantId: mine.tenant.id, culprit: of.culprit, closedAt: null },
      evidence: { counts: { addresses: 8 }, events: ['r-1'], coordinate: 'User.email' },
    });
    const [action] = await heldBy(incident);
    expect(await restraints()).toContainEqual({
      ...{ id: action?.id, kind: 'suspend', sinceMs: test.clock.now, untilMs: test.clock.now + 60_000 },
      callers: { tenant: mine.tenant.slug, issuer: 'https://idp.example', credential: `jti-${callers}` },
    });
    const told = await new OutboxStore(test.database).claim(1000, test.clock.now, test.clock.now + 1);
    const topics = told.filter(({ payload }) => [incident.id, action?.id].includes(String(payload['id'])));
    expect(topics.map(({ topic }) => topic)).toEqual(['incident.open', 'incident.contain']);
    const { items } = await test.control.history.of(SYSTEM, incident.id, {});
    expect(items.map(({ action: what, actor }) => [what, actor])).toEqual([['incident.open', 'system']]);
  });

  it('is one for the same, however often and by however many gateways it is found', async () => {
    const of = finding();
    const before = await versionIn(test);
    const all = await Promise.all(
      Array.from({ length: 5 }, () => test.control.incidents.open(SYSTEM, found(of))),
    );
    expect(all.map(({ outcome }) => outcome).toSorted()).toEqual(['opened', ...Array(4).fill('seenAgain')]);
    await opened(found(of));
    const { items } = await test.control.incidents.list(root(), { rule: 'tokenReplay', first: 1 });
    expect(items[0]).toMatchObject({ times: 6, state: 'contained' });
    expect(await heldBy(items[0] as Incident)).toHaveLength(1);
    // What is only counted is no change for any gateway.
    const settled = await versionIn(test);
    await opened(found(of));
    expect([settled > before, await versionIn(test)]).toEqual([true, settled]);
  });

  it('is open again once its time is over, and contained anew where it goes on', async () => {
    const of = finding();
    const incident = await opened(found(of));
    test.clock.now += 59_999;
    expect((await restraints()).length).toBeGreaterThan(0);
    test.clock.now += 1;
    // Gateways hold nobody any more, whether or not anybody has written it down.
    expect(await restraints()).toEqual([]);
    expect(await test.control.incidents.isSweepDue(SYSTEM)).toBe(true);
    await test.control.incidents.sweep(SYSTEM);
    expect(await test.control.incidents.sweep(SYSTEM)).toBe(0);
    expect(await test.control.incidents.get(root(), incident.id)).toMatchObject({ state: 'open' });
    expect((await opened(found(of))).id).toBe(incident.id);
    expect(await restraints()).toHaveLength(1);
    await test.control.incidents.resolve(root(), { id: incident.id, reason: 'Over.' });
  });

  it('only says what it would do in a dry run', async () => {
    const incident = await opened(found(finding(), 'suspendCredential', { dryRun: true }));
    expect(incident).toMatchObject({ state: 'open', dryRun: true, action: 'suspendCredential' });
    expect([await heldBy(incident), await restraints()]).toEqual([[], []]);
  });

  it('blocks an operation or a field for the tenant of the culprit only', async () => {
    const ofOperation = await opened(found(finding(), 'blockOperation'));
    const ofField = await opened(found(finding('unregistered'), 'blockField'));
    const { switches } = await restrictedIn(test);
    expect(switches.map(({ kind, target, tenant }) => [kind, target, tenant])).toEqual(
      expect.arrayContaining([
        ['operation', 'ab'.repeat(32), mine.tenant.slug],
        ['field', 'User.email', 'unregistered'],
      ]),
    );
    for (const { id } of [ofOperation, ofField])
      await test.control.incidents.resolve(root(), { id, reason: 'Over.' });
    expect((await restrictedIn(test)).switches).toEqual([]);
  });

  it('that was a false positive lifts what it did, and is not opened again for a time', async () => {
    const of = finding();
    const { id } = await opened(found(of));
    await test.control.incidents.falsePositive(root(), { id, reason: 'Our own test.' });
    expect(await restraints()).toEqual([]);
    expect(await outcomeOf(found(of))).toBe('muted');
    test.clock.now += 3_600_000;
    expect(await outcomeOf(found(of))).toBe('opened');
  });

  it('that is resolved may be opened anew at once', async () => {
    const of = finding();
    const { id } = await opened(found(of));
    await test.control.incidents.acknowledge(root(), { id, reason: 'Looking.' });
    expect(await restraints()).not.toEqual([]);
    await test.control.incidents.resolve(root(), { id, reason: 'Fixed.' });
    expect((await opened(found(of))).id).not.toBe(id);
  });

  it.each(['resolve', 'falsePositive'] as const)('after %s takes no further step', async (last) => {
    const { incidents } = test.control;
    const { id } = await opened(found(finding()));
    await incidents[last](root(), { id, reason: 'Over.' });
    for (const step of ['acknowledge', 'resolve', 'falsePositive'] as const)
      expect(await faultCodeOf(incidents[step](root(), { id, reason: 'x' }))).toBe('INVALID_TRANSITION');
  });
});

describe('who handles incidents', () => {
  it('is of the tenant, a security officer or above, and has proven a second factor', async () => {
    const { incidents } = test.control;
    const { id } = await opened(found(finding()));
    const handle = async (actor: ReturnType<typeof root>) =>
      incidents.acknowledge(actor, { id, reason: 'x' });
    expect(await faultCodeOf(handle(officer(theirs.tenant.id)))).toBe('NOT_FOUND');
    expect(await faultCodeOf(handle({ ...officer(mine.tenant.id), role: 'auditor' }))).toBe('FORBIDDEN');
    expect(await faultCodeOf(handle({ ...officer(mine.tenant.id), amr: ['pwd'] }))).toBe('STEP_UP_REQUIRED');
    expect(await handle(officer(mine.tenant.id))).toMatchObject({ state: 'acknowledged' });
  });

  it('is not whom it is about, but for looking at it', async () => {
    const { incidents } = test.control;
    const incident = await opened(found(finding()));
    const { id } = incident;
    const himself = { ...officer(mine.tenant.id), role: 'owner' as const, subject: `s-${callers}` };
    for (const step of ['resolve', 'falsePositive'] as const)
      expect(await faultCodeOf(incidents[step](himself, { id, reason: 'x' }))).toBe('FORBIDDEN');
    expect(await heldBy(incident)).toHaveLength(1);
    expect(await incidents.acknowledge(himself, { id, reason: 'x' })).toMatchObject({
      state: 'acknowledged',
    });
    expect(await incidents.resolve(officer(mine.tenant.id), { id, reason: 'x' })).toMatchObject({
      state: 'resolved',
    });
  });

  it('ends what it blocks with the incident, and not as a kill switch', async () => {
    const { incidents, killSwitches } = test.control;
    const incident = await opened(found(finding(), 'blockField'));
    const [action] = await heldBy(incident);
    const id = action?.id ?? '';
    expect(await faultCodeOf(killSwitches.switchOn(root(), { id, reason: 'x' }))).toBe('NOT_FOUND');
    expect((await killSwitches.list(root(), { inForce: true })).items).toEqual([]);
    expect(await incidents.get(root(), incident.id)).toMatchObject({ state: 'contained' });
    await incidents.resolve(root(), { id: incident.id, reason: 'Over.' });
    expect(await heldBy(incident)).toEqual([]);
  });

  it.each(['developer', 'approver', null] as const)(
    'is not who is %s, who sees none either',
    async (role) => {
      const { incidents } = test.control;
      const { id, tenantId } = await opened(found(finding()));
      const actor = { ...officer(tenantId ?? ''), role, scopes: new Set(['portcullis:security']) };
      const tries = [incidents.get(actor, id), incidents.list(actor, {}), incidents.actionsOf(actor, [id])];
      for (const attempt of tries) expect(await faultCodeOf(attempt)).toBe('FORBIDDEN');
      for (const seeing of ['owner', 'admin', 'auditor', 'securityOfficer'] as const)
        expect((await incidents.get({ ...actor, role: seeing }, id))?.id).toBe(id);
    },
  );

  it('sees those of its tenant, and no action of others', async () => {
    const { incidents } = test.control;
    const ofMine = await opened(found(finding()));
    const ofTheirs = await opened(found(finding(theirs.tenant.slug)));
    const ofNobody = await opened(found(finding(null)));
    const seen = await incidents.list(officer(theirs.tenant.id), { first: 100 });
    expect(seen.items.map(({ id }) => id)).toEqual([ofTheirs.id]);
    expect(await incidents.get(officer(theirs.tenant.id), ofMine.id)).toBeNull();
    expect(await incidents.actionsOf(officer(theirs.tenant.id), [ofMine.id, ofNobody.id])).toEqual([]);
    expect(await faultCodeOf(incidents.list(officer(theirs.tenant.id), { tenantId: mine.tenant.id }))).toBe(
      'NOT_FOUND',
    );
    const all = await incidents.list(root(), { first: 2 });
    const more = await incidents.list(root(), { first: 1, after: all.next ?? '' });
    expect([...all.items, ...more.items].map(({ id }) => id)).toEqual([ofNobody.id, ofTheirs.id, ofMine.id]);
  });
});

describe('whatever happens to incidents', () => {
  const actions = fc.constantFrom<IncidentAction>(
    ...(['none', 'throttle', 'stepUp', 'suspendCredential', 'suspendApplication', 'blockOperation'] as const),
    'blockField',
  );
  const steps = fc.array(
    fc.oneof(
      fc.record({ do: fc.constant('open' as const), action: actions }),
      fc.record({
        do: fc.constantFrom('acknowledge' as const, 'resolve' as const, 'falsePositive' as const),
      }),
      fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 90_000 }) }),
      fc.record({ do: fc.constant('sweep' as const) }),
    ),
    { minLength: 3, maxLength: 8 },
  );

  it('nothing is revoked, and all is as it was once they are over', async () => {
    const { control, clock } = test;
    const restricted = async () => {
      const { version: _version, ...all } = await restrictedIn(test);
      return all;
    };
    clock.now += 60_000;
    await fc.assert(
      fc.asyncProperty(steps, async (history) => {
        // Its version, too: gateways need not read it anew.
        const before = await control.snapshots.load();
        const free = await restricted();
        const ids: string[] = [];
        for (const step of history) {
          const [id = ''] = ids.slice(-1);
          if (step.do === 'open') ids.push((await opened(found(finding(), step.action))).id);
          else if (step.do === 'wait') clock.now += step.ms;
          else if (step.do === 'sweep') await control.incidents.sweep(SYSTEM);
          else if (id !== '') {
            const row = await control.incidents.get(root(), id);
            if (row?.closedAt === null && !(step.do === 'acknowledge' && row.state === 'acknowledged'))
              await control.incidents[step.do](root(), { id, reason: 'As it goes.' });
          }
          // Restrictions stand beside what they restrict, which nothing touches.
          expect(await control.snapshots.load()).toEqual(before);
          expect(before.credentials.every(({ revokedAt }) => revokedAt === null)).toBe(true);
          const { switches, restraints: some } = await restricted();
          for (const { expiresAt } of switches) expect(expiresAt).not.toBeNull();
          for (const { untilMs } of some) expect(untilMs).toBeLessThanOrEqual(clock.now + 60_000);
        }
        clock.now += 60_000;
        expect(await restricted()).toEqual(free);
      }),
      { numRuns: 8 },
    );
  });
});
