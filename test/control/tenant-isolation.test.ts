import { beforeAll, describe, expect, it } from 'vitest';
import { type Actor, SYSTEM } from '../../src/control/actor.ts';
import { sql } from '../../src/control/drizzle.ts';
import { cursorOf } from '../../src/control/input.ts';
import type { Subscription } from '../../src/control/tables.ts';
import { faultCodeOf, faultOf, member, type Seeded, seed, submit } from './database-kit.ts';
import { useTestControl } from './use-test-control.ts';

const test = useTestControl();
let theirs: Seeded;
let mine: Seeded;
let row: Subscription;
let keyId: string;
/** The owner of one tenant, who tries everything on another. */
let eve: Actor;

beforeAll(async () => {
  [theirs, mine] = [await seed(test), await seed(test)];
  row = await submit(test, theirs);
  const { id } = theirs.application;
  keyId = (await test.control.credentials.createApiKey(SYSTEM, { applicationId: id, scopes: [] })).credential
    .id;
  await test.control.tenants.setMember(SYSTEM, {
    tenantId: theirs.tenant.id,
    subject: 'owner',
    role: 'owner',
  });
  eve = member(mine.tenant.id, { subject: 'eve', role: 'owner', scopes: new Set(['a']) });
});

const attempt = (work: () => Promise<unknown>) => faultCodeOf(Promise.resolve().then(work));

describe('the owner of another tenant', () => {
  it.each([
    ['list its members', () => test.control.tenants.listMembers(eve, theirs.tenant.id, {})],
    [
      'join it',
      () =>
        test.control.tenants.setMember(eve, { tenantId: theirs.tenant.id, subject: 'eve', role: 'owner' }),
    ],
    [
      'remove its owner',
      () => test.control.tenants.removeMember(eve, { tenantId: theirs.tenant.id, subject: 'owner' }),
    ],
    ['list its applications', () => test.control.applications.list(eve, theirs.tenant.id, {})],
    [
      'add an application',
      () =>
        test.control.applications.create(eve, {
          ...{ tenantId: theirs.tenant.id, name: 'mine', environment: 'sandbox' },
        }),
    ],
    [
      'archive its application',
      () => test.control.applications.step(eve, { id: theirs.application.id, step: 'archive', reason: 'x' }),
    ],
    ['list its keys', () => test.control.credentials.list(eve, theirs.application.id, {})],
    [
      'make a key',
      () => test.control.credentials.createApiKey(eve, { applicationId: theirs.application.id, scopes: [] }),
    ],
    [
      'register a client',
      () =>
        test.control.credentials.registerOauthClient(eve, {
          applicationId: theirs.application.id,
          clientId: 'c',
        }),
    ],
    ['rotate its key', () => test.control.credentials.rotate(eve, { id: keyId, graceSeconds: 0 })],
    ['revoke its key', () => test.control.credentials.revoke(eve, { id: keyId, reason: 'x' })],
    [
      'ask in its name',
      () =>
        test.control.requests.submit(eve, {
          ...{ applicationId: theirs.application.id, planId: mine.plan.id, reason: 'x' },
        }),
    ],
    [
      'edit its request',
      () => test.control.requests.edit(eve, { id: row.id, planId: theirs.plan.id, reason: 'x' }),
    ],
    ['withdraw its request', () => test.control.requests.withdraw(eve, { id: row.id, reason: 'x' })],
    ['cancel its subscription', () => test.control.subscriptions.cancel(eve, { id: row.id, reason: 'x' })],
    [
      'renew its subscription',
      () => test.control.requests.renew(eve, { id: row.id, planId: theirs.plan.id, reason: 'x' }),
    ],
  ])('cannot %s, and is told that there is none', async (_, work) => {
    expect(await attempt(work)).toBe('NOT_FOUND');
  });

  it.each([
    ['create a tenant', () => test.control.tenants.create(eve, { slug: 'x', name: 'x' })],
    ['suspend its own tenant', () => test.control.tenants.suspend(eve, mine.tenant.id, { reason: 'x' })],
    ['suspend another', () => test.control.tenants.suspend(eve, theirs.tenant.id, { reason: 'x' })],
    [
      'make a product',
      () =>
        test.control.products.create(eve, {
          ...{ name: 'x', coordinates: ['Query'], tags: [], visibility: 'public', approval: 'auto' },
        }),
    ],
    ['publish a product', () => test.control.products.step(eve, { id: theirs.product.id, step: 'publish' })],
    [
      'make a plan',
      () =>
        test.control.products.createPlan(eve, {
          productId: theirs.product.id,
          name: 'x',
          limits: {},
          termDays: null,
        }),
    ],
    [
      'resume its own application',
      () => test.control.applications.step(eve, { id: mine.application.id, step: 'resume', reason: 'x' }),
    ],
  ])('cannot %s, which is for administrators', async (_, work) => {
    expect(await attempt(work)).toBe('FORBIDDEN');
  });

  it('sees none of its rows, by id or in a list', async () => {
    const { control } = test;
    expect(await control.tenants.get(eve, theirs.tenant.id)).toBeNull();
    expect(await control.tenants.bySlug(eve, theirs.tenant.slug)).toBeNull();
    expect(await control.applications.get(eve, theirs.application.id)).toBeNull();
    expect(await control.subscriptions.get(eve, row.id)).toBeNull();
    expect((await control.tenants.list(eve, {})).items.map(({ id }) => id)).toEqual([mine.tenant.id]);
    expect((await control.subscriptions.list(eve, {})).items).toEqual([]);
    expect((await control.subscriptions.list(eve, { applicationId: theirs.application.id })).items).toEqual(
      [],
    );
    expect((await control.history.of(eve, row.id, {})).items).toEqual([]);
    expect(await control.history.approvals(eve, row.id)).toEqual([]);
  });

  it('sees nothing at all without a tenant', async () => {
    const nobody = { ...eve, tenantId: null };
    expect((await test.control.tenants.list(nobody, {})).items).toEqual([]);
    expect((await test.control.subscriptions.list(nobody, {})).items).toEqual([]);
  });
});

describe('the database', () => {
  const TABLES = [
    'tenants',
    'members',
    'applications',
    'credentials',
    'subscriptions',
    'approvals',
    'control_events',
    'outbox',
  ];

  it.each(TABLES)(
    'gives a tenant only its own rows of %s, though the statement forgets to ask',
    async (table) => {
      const owner = table === 'tenants' ? 'id' : 'tenant_id';
      const owners = await test.database.transact(mine.tenant.id, (tx) =>
        tx.execute(sql.raw(`SELECT DISTINCT ${owner} AS owner FROM ${table}`)),
      );
      for (const { owner: found } of owners.rows) expect(found).toBe(mine.tenant.id);
      const none = await test.database.transact('', (tx) => tx.execute(sql.raw(`SELECT 1 FROM ${table}`)));
      expect(none.rows).toEqual([]);
    },
  );

  it('lets no tenant write a row of another', async () => {
    const write = test.database.transact(mine.tenant.id, (tx) =>
      tx.execute(sql`INSERT INTO members VALUES (${theirs.tenant.id}, 'eve', 'owner', now())`),
    );
    await expect(write).rejects.toMatchObject({ cause: { code: '42501' } });
    const moved = await test.database.transact(mine.tenant.id, (tx) =>
      tx.execute(sql`UPDATE applications SET name = 'mine' WHERE id = ${theirs.application.id}`),
    );
    expect(moved.rowCount ?? 0).toBe(0);
  });

  it('ties no application to a credential or subscription of another tenant', async () => {
    const write = test.database.transact(null, (tx) =>
      tx.execute(
        sql`UPDATE subscriptions SET tenant_id = ${mine.tenant.id} WHERE application_id = ${theirs.application.id}`,
      ),
    );
    await expect(write).rejects.toMatchObject({ cause: { code: '23503' } });
  });

  it.each([
    "UPDATE control_events SET actor = 'nobody'",
    'DELETE FROM control_events',
    'TRUNCATE control_events',
    "UPDATE approvals SET decider = 'nobody'",
    'DELETE FROM approvals',
    'TRUNCATE approvals',
  ])('refuses to change history: %s', async (statement) => {
    await expect(test.database.transact(null, (tx) => tx.execute(sql.raw(statement)))).rejects.toMatchObject({
      cause: { code: '42501' },
    });
    await expect(test.database.asOwner((client) => client.query(statement))).rejects.toMatchObject({
      code: '42501',
    });
  });
});

describe('hostile input', () => {
  const NAMES = ['', '   ', 'a\u0000b', '\u202eevil', '\ud800', 'x'.repeat(201)];
  it.each(NAMES)('is no name of an application: %j', async (name) => {
    const work = () =>
      test.control.applications.create(SYSTEM, { tenantId: mine.tenant.id, name, environment: 'production' });
    expect(await faultOf(Promise.resolve().then(work))).toMatchObject({
      code: 'INVALID_INPUT',
      field: 'name',
    });
  });

  it.each([
    ['first', { first: 0 }],
    ['first', { first: 101 }],
    ['first', { first: 1.5 }],
    ['first', { first: Number.NaN }],
    ['after', { after: 'ten_1' + '\n' }],
    ['after', { after: cursorOf('a\u0000b') }],
    ['after', { after: 'x'.repeat(5000) }],
  ])('is no page: %s of %j', async (field, page) => {
    expect(await faultOf(test.control.tenants.list(SYSTEM, page))).toMatchObject({
      code: 'INVALID_INPUT',
      field,
    });
  });

  it('is no way out of a statement', async () => {
    const name = `'; DROP TABLE tenants; -- __proto__`;
    const made = await test.control.applications.create(SYSTEM, {
      ...{ tenantId: mine.tenant.id, name, environment: 'production' },
    });
    expect((await test.control.applications.get(SYSTEM, made.id))?.name).toBe(name);
    expect(await test.control.subscriptions.get(SYSTEM, `' OR true --`)).toBeNull();
    const after = cursorOf(`' OR true --`);
    expect(Array.isArray((await test.control.tenants.list(SYSTEM, { after })).items)).toBe(true);
  });

  it('pages through all rows once, in their order', async () => {
    const seen: string[] = [];
    let after: string | undefined;
    do {
      const page = await test.control.tenants.list(SYSTEM, {
        first: 1,
        ...(after === undefined ? {} : { after }),
      });
      seen.push(...page.items.map(({ id }) => id));
      after = page.next === null ? undefined : page.next;
    } while (after !== undefined);
    expect(seen).toEqual((await test.control.tenants.list(SYSTEM, { first: 100 })).items.map(({ id }) => id));
  });
});

describe('members', () => {
  it('keep an owner', async () => {
    const { id: tenantId } = theirs.tenant;
    expect(
      await attempt(() => test.control.tenants.removeMember(SYSTEM, { tenantId, subject: 'owner' })),
    ).toBe('CONFLICT');
    expect(
      await attempt(() =>
        test.control.tenants.setMember(SYSTEM, { tenantId, subject: 'owner', role: 'auditor' }),
      ),
    ).toBe('CONFLICT');
  });

  it('become and stop being owners only by owners', async () => {
    const { id: tenantId } = theirs.tenant;
    const boss = member(tenantId, { subject: 'boss', role: 'admin' });
    expect(
      await attempt(() => test.control.tenants.setMember(boss, { tenantId, subject: 'boss', role: 'owner' })),
    ).toBe('FORBIDDEN');
    expect(await attempt(() => test.control.tenants.removeMember(boss, { tenantId, subject: 'owner' }))).toBe(
      'FORBIDDEN',
    );
  });

  it.each(['auditor', 'approver', 'securityOfficer', null] as const)('write nothing as %s', async (role) => {
    const reader = member(theirs.tenant.id, { role });
    const { id: applicationId } = theirs.application;
    const works = [
      () =>
        test.control.applications.create(reader, {
          ...{ tenantId: theirs.tenant.id, name: 'x', environment: 'sandbox' },
        }),
      () => test.control.credentials.createApiKey(reader, { applicationId, scopes: [] }),
      () => test.control.requests.submit(reader, { applicationId, planId: mine.plan.id, reason: 'x' }),
      () => test.control.requests.withdraw(reader, { id: row.id, reason: 'x' }),
    ];
    for (const work of works) expect(await attempt(work as () => Promise<unknown>)).toBe('FORBIDDEN');
  });
});
