import { beforeAll, describe, expect, it } from 'vitest';
import { SYSTEM } from '../../src/control/actor.ts';
import { sql } from '../../src/control/drizzle.ts';
import type { SwitchOff } from '../../src/control/kill-switches-store.ts';
import { OutboxStore } from '../../src/control/outbox-store.ts';
import {
  admin,
  faultCodeOf,
  faultOf,
  member,
  restrictedIn,
  type Seeded,
  seed,
  versionIn,
} from './database-kit.ts';
import { useTestControl } from './use-test-control.ts';

const test = useTestControl();
let mine: Seeded;
let theirs: Seeded;

beforeAll(async () => {
  [mine, theirs] = [await seed(test), await seed(test)];
});

const MUTATIONS: SwitchOff = {
  ...{ kind: 'mutations', target: '', tenantId: null, reason: 'Under attack.', seconds: null },
};
const root = () => admin('root', test);
const fresh = () => ({ amr: ['mfa'], authTime: test.clock.now / 1000 });
const inForce = async () => (await restrictedIn(test)).switches.map(({ id }) => id);

describe('a kill switch', () => {
  it('is in the snapshot of gateways until it is switched on, with its history and its notifications', async () => {
    const { control } = test;
    const before = await versionIn({ control });
    const entitlements = await control.snapshots.load();
    const { id, createdBy } = await control.killSwitches.switchOff(root(), MUTATIONS);
    expect(createdBy).toBe('root');
    expect((await restrictedIn({ control })).switches).toContainEqual({
      ...{ id, kind: 'mutations', target: '', tenant: null, expiresAt: null },
    });
    await control.killSwitches.switchOn(root(), { id, reason: 'It is over.' });
    expect(await inForce()).not.toContain(id);
    expect(await versionIn({ control })).toBe(before + 2);
    // All else is as it was, and gateways need not read it anew.
    expect(await control.snapshots.load()).toEqual(entitlements);
    const { items } = await control.history.of(SYSTEM, id, {});
    expect(items.map(({ action, actor, after }) => [action, actor, after?.['reason']])).toEqual([
      ['killSwitch.off', 'root', 'Under attack.'],
      ['killSwitch.on', 'root', 'It is over.'],
    ]);
    const told = await new OutboxStore(test.database).claim(100, test.clock.now, test.clock.now + 1);
    expect(told.filter(({ payload }) => payload['id'] === id).map(({ topic }) => topic)).toEqual([
      ...['killSwitch.off', 'killSwitch.on'],
    ]);
  });

  it('is switched on once', async () => {
    const { id } = await test.control.killSwitches.switchOff(root(), MUTATIONS);
    const on = () => test.control.killSwitches.switchOn(root(), { id, reason: 'x' });
    await on();
    expect(await faultCodeOf(on())).toBe('INVALID_TRANSITION');
  });

  it('leaves the snapshot when it expires, and that is written down once', async () => {
    const { control, clock } = test;
    const { id, expiresAt } = await control.killSwitches.switchOff(root(), { ...MUTATIONS, seconds: 60 });
    expect(expiresAt).toBe(clock.now + 60_000);
    clock.now += 59_999;
    expect(await inForce()).toContain(id);
    expect(await control.killSwitches.isSweepDue(SYSTEM)).toBe(false);
    clock.now += 1;
    expect(await inForce()).not.toContain(id);
    expect(await faultCodeOf(control.killSwitches.switchOn(root(), { id, reason: 'x' }))).toBe(
      'INVALID_TRANSITION',
    );
    expect(await control.killSwitches.isSweepDue(SYSTEM)).toBe(true);
    expect([await control.killSwitches.sweep(SYSTEM), await control.killSwitches.sweep(SYSTEM)]).toEqual([
      1, 0,
    ]);
    const { items } = await control.history.of(SYSTEM, id, {});
    expect(items.map(({ action }) => action)).toEqual(['killSwitch.off', 'killSwitch.expire']);
  });

  it.each([
    ['operation', 'not a name'],
    ['operation', ''],
    ['operation', 'a'.repeat(257)],
    ['field', 'Query.a.b'],
    ['field', 'Query.'],
    ['subgraph', '../admin'],
    ['mutations', 'Query'],
  ] as const)('of the kind %s does not stand for %j', async (kind, target) => {
    expect(await faultOf(attempt({ kind, target }))).toMatchObject({
      code: 'INVALID_INPUT',
      field: 'target',
    });
  });

  it.each([
    ['the hash of an operation', 'operation', 'a'.repeat(64)],
    ['the name of an operation', 'operation', 'Report'],
    ['a type', 'field', 'Order'],
    ['a field', 'field', 'Order.total'],
    ['a subgraph', 'subgraph', 'my-shop'],
  ] as const)('stands for %s', async (_, kind, target) => {
    const { id } = await attempt({ kind, target });
    expect(await inForce()).toContain(id);
    await test.control.killSwitches.switchOn(root(), { id, reason: 'x' });
  });

  it.each([0, -1, 1.5, 366 * 86_400])('does not end after %s seconds', async (seconds) => {
    expect(await faultOf(attempt({ seconds }))).toMatchObject({ code: 'INVALID_INPUT', field: 'seconds' });
  });

  it('needs a fresh second factor, to switch off and to switch on', async () => {
    const { killSwitches } = test.control;
    const { id } = await killSwitches.switchOff(root(), MUTATIONS);
    const stale = { ...root(), authTime: test.clock.now / 1000 - 301 };
    for (const actor of [{ ...root(), amr: ['pwd'] }, stale]) {
      expect(await faultCodeOf(attempt({}, actor))).toBe('STEP_UP_REQUIRED');
      const on = async () => killSwitches.switchOn(actor, { id, reason: 'x' });
      expect(await faultCodeOf(on())).toBe('STEP_UP_REQUIRED');
    }
    await killSwitches.switchOn(root(), { id, reason: 'x' });
  });
});

const attempt = (part: Partial<SwitchOff>, actor = root()) =>
  Promise.resolve().then(() => test.control.killSwitches.switchOff(actor, { ...MUTATIONS, ...part }));
const ofRole = (role: 'owner' | 'admin' | 'securityOfficer' | 'developer' | 'auditor' | 'approver' | null) =>
  member(mine.tenant.id, { role, ...fresh() });

describe('in a tenant', () => {
  it.each(['owner', 'admin', 'securityOfficer'] as const)('who is %s switches off for it', async (role) => {
    const { id } = await attempt({ tenantId: mine.tenant.id }, ofRole(role));
    expect((await restrictedIn(test)).switches).toContainEqual(
      expect.objectContaining({ id, tenant: mine.tenant.slug }),
    );
    await test.control.killSwitches.switchOn(ofRole(role), { id, reason: 'x' });
    expect(await inForce()).not.toContain(id);
  });

  it.each(['developer', 'auditor', 'approver', null] as const)('who is %s does not', async (role) => {
    expect(await faultCodeOf(attempt({ tenantId: mine.tenant.id }, ofRole(role)))).toBe('FORBIDDEN');
  });

  it('owners, admins, auditors and security officers see them, and nobody else, by whatever scope', async () => {
    const seen = (role: Parameters<typeof ofRole>[0]) =>
      test.control.killSwitches.list({ ...ofRole(role), scopes: new Set(['portcullis:admin']) }, {});
    for (const role of ['owner', 'admin', 'auditor', 'securityOfficer'] as const) await seen(role);
    for (const role of ['developer', 'approver', null] as const)
      expect(await faultCodeOf(seen(role))).toBe('FORBIDDEN');
  });

  it('nobody switches off for everybody, or for another tenant', async () => {
    expect(await faultCodeOf(attempt({ tenantId: null }, ofRole('owner')))).toBe('FORBIDDEN');
    expect(await faultCodeOf(attempt({ tenantId: theirs.tenant.id }, ofRole('owner')))).toBe('NOT_FOUND');
  });

  it('nobody sees or lifts the switches of others', async () => {
    const { killSwitches } = test.control;
    const { id: ofAll } = await attempt({});
    const { id: ofTheirs } = await attempt({ tenantId: theirs.tenant.id });
    const { id: ofMine } = await attempt({ tenantId: mine.tenant.id });
    const owner = ofRole('owner');
    const seen = async (tenantId?: string) =>
      (await killSwitches.list(owner, { tenantId, inForce: true })).items.map(({ id }) => id);
    expect(await seen()).toEqual([ofMine]);
    expect(await faultCodeOf(seen(theirs.tenant.id))).toBe('NOT_FOUND');
    for (const id of [ofAll, ofTheirs])
      expect(await faultCodeOf(killSwitches.switchOn(owner, { id, reason: 'x' }))).toBe('NOT_FOUND');
    for (const id of [ofAll, ofTheirs, ofMine]) await killSwitches.switchOn(root(), { id, reason: 'x' });
  });
});

describe('the list', () => {
  it('is paged by cursors, and has what ended only where that is asked for', async () => {
    const { killSwitches } = test.control;
    const made = [await attempt({}), await attempt({}), await attempt({ seconds: 1 })].map(({ id }) => id);
    test.clock.now += 1000;
    const first = await killSwitches.list(root(), { first: 1, inForce: true });
    const rest = await killSwitches.list(root(), { first: 10, after: first.next ?? '', inForce: true });
    expect([...first.items, ...rest.items].map(({ id }) => id)).toEqual(made.slice(0, 2));
    const all = await killSwitches.list(root(), { first: 100 });
    expect(all.items.map(({ id }) => id)).toEqual(expect.arrayContaining(made));
    for (const id of made.slice(0, 2)) await killSwitches.switchOn(root(), { id, reason: 'x' });
  });

  it('has a bound for each tenant and for what holds for all', async () => {
    const row = sql`INSERT INTO restrictions (id, tenant_id, kind, target, reason, created_by, created_at)
      SELECT 'swt_x' || n, ${mine.tenant.id}, 'mutations', '', 'x', 'x', now() FROM generate_series(1, 100) n`;
    await test.database.transact(null, (tx) => tx.execute(row));
    expect(await faultCodeOf(attempt({ tenantId: mine.tenant.id }))).toBe('CONFLICT');
    await test.control.killSwitches.switchOn(root(), { id: (await attempt({})).id, reason: 'x' });
    await test.database.transact(null, (tx) =>
      tx.execute(sql`UPDATE restrictions SET lifted_at = now() WHERE id LIKE 'swt_x%'`),
    );
    await attempt({ tenantId: mine.tenant.id });
  });
});
