import { describe, expect, it } from 'vitest';
import { SYSTEM } from '../../src/control/actor.ts';
import type { Subscription } from '../../src/control/tables.ts';
import {
  admin,
  faultCodeOf,
  faultOf,
  member,
  REQUEST_TTL_MS,
  type Seeded,
  START_MS,
  STEP_UP,
  seed,
  submit,
  versionIn,
} from './database-kit.ts';
import { useTestControl } from './use-test-control.ts';

const test = useTestControl();

const decide = (
  row: Pick<Subscription, 'id' | 'requestVersion'>,
  by: string,
  decision: 'approve' | 'reject' = 'approve',
) =>
  test.control.requests.decide(admin(by, test), {
    ...{ id: row.id, decision, comment: 'Seen.', requestVersion: row.requestVersion },
  });
const get = (id: string) => test.control.subscriptions.get(SYSTEM, id);
const actionsOf = async (id: string) =>
  (await test.control.history.of(SYSTEM, id, { first: 100 })).items.map(({ action }) => action);
const edit = (row: Subscription, seeded: Seeded) =>
  test.control.requests.edit(member(seeded.tenant.id), {
    ...{ id: row.id, planId: seeded.plan.id, reason: 'We need it even more.' },
  });

describe('a request', () => {
  it('waits for one approval and then runs', async () => {
    const asked = await submit(test, await seed(test));
    expect(asked.state).toBe('PENDING');
    const active = await decide(asked, 'ada');
    expect(active).toMatchObject({ state: 'ACTIVE', startsAt: test.clock.now, endsAt: null });
    expect(await actionsOf(asked.id)).toEqual(['subscription.submit', 'subscription.approve']);
  });

  it('runs at once where the product asks for no approval', async () => {
    expect((await submit(test, await seed(test, { approval: 'auto' }))).state).toBe('ACTIVE');
  });

  it('waits for two different subjects where the product says so', async () => {
    const asked = await submit(test, await seed(test, { approval: 'dual' }));
    const half = await decide(asked, 'ada');
    expect(half.state).toBe('PARTIALLY_APPROVED');
    expect(await faultCodeOf(decide(half, 'ada'))).toBe('CONFLICT');
    expect((await get(asked.id))?.state).toBe('PARTIALLY_APPROVED');
    expect((await decide(half, 'grace')).state).toBe('ACTIVE');
  });

  it('is decided by nobody who made it, whatever they may otherwise do', async () => {
    const seeded = await seed(test, { approval: 'dual' });
    const { application, plan } = seeded;
    const asked = await test.control.requests.submit(admin('ada', test), {
      ...{ applicationId: application.id, planId: plan.id, reason: 'For them.' },
    });
    expect(await faultCodeOf(decide(asked, 'ada'))).toBe('FORBIDDEN');
    const half = await decide(asked, 'grace');
    expect(await faultCodeOf(decide(half, 'ada'))).toBe('FORBIDDEN');
  });

  it.each([
    ['without a second factor', { amr: ['pwd'] }],
    ['with a factor proven too long ago', { authTime: START_MS / 1000 - STEP_UP.maxAgeSeconds - 1 }],
    ['without a time of authentication', { authTime: null }],
    ['with a time that is none', { authTime: Number.NaN }],
    ['with a factor proven in a time to come', { authTime: START_MS / 1000 + 61 }],
  ])('is not decided %s', async (_, part) => {
    const asked = await submit(test, await seed(test));
    const decider = { ...admin('ada', test), ...part };
    const input = { id: asked.id, decision: 'approve' as const, comment: '', requestVersion: 1 };
    expect(await faultOf(Promise.resolve().then(() => test.control.requests.decide(decider, input)))).toEqual(
      {
        code: 'STEP_UP_REQUIRED',
        maxAgeSeconds: STEP_UP.maxAgeSeconds,
      },
    );
    expect((await get(asked.id))?.state).toBe('PENDING');
  });

  it.each(['owner', 'admin', 'approver'] as const)('is not decided by the %s of the tenant', async (role) => {
    const seeded = await seed(test);
    const asked = await submit(test, seeded);
    const decider = { ...admin('ada', test), isPlatform: false, role, tenantId: seeded.tenant.id };
    const input = { id: asked.id, decision: 'approve' as const, comment: '', requestVersion: 1 };
    expect(
      await faultCodeOf(Promise.resolve().then(() => test.control.requests.decide(decider, input))),
    ).toBe('FORBIDDEN');
  });

  it('that is edited voids what was approved, and is approved anew as it now is', async () => {
    const seeded = await seed(test, { approval: 'dual' });
    const asked = await submit(test, seeded);
    await decide(asked, 'ada');
    const edited = await edit(asked, seeded);
    expect([edited.state, edited.requestVersion]).toEqual(['PENDING', 2]);
    expect(await faultOf(decide(asked, 'grace'))).toEqual({ code: 'VERSION_CONFLICT', current: 2 });
    expect((await decide(edited, 'ada')).state).toBe('PARTIALLY_APPROVED');
    expect((await decide(edited, 'grace')).state).toBe('ACTIVE');
  });

  it('that is rejected is over, and can be made again', async () => {
    const seeded = await seed(test);
    const asked = await submit(test, seeded);
    expect((await decide(asked, 'ada', 'reject')).state).toBe('REJECTED');
    expect(await faultOf(decide(asked, 'grace'))).toMatchObject({
      code: 'INVALID_TRANSITION',
      state: 'REJECTED',
    });
    expect((await submit(test, seeded)).state).toBe('PENDING');
  });

  it('that is withdrawn cannot be approved', async () => {
    const seeded = await seed(test);
    const asked = await submit(test, seeded);
    await test.control.requests.withdraw(member(seeded.tenant.id), { id: asked.id, reason: 'No.' });
    expect(await faultOf(decide(asked, 'ada'))).toMatchObject({
      code: 'INVALID_TRANSITION',
      state: 'WITHDRAWN',
    });
  });

  it('is withdrawn by who made it or manages the tenant, and by no other developer', async () => {
    const seeded = await seed(test);
    const asked = await submit(test, seeded);
    const withdraw = (subject: string, role: 'developer' | 'admin') =>
      test.control.requests.withdraw(member(seeded.tenant.id, { subject, role }), {
        ...{ id: asked.id, reason: 'No.' },
      });
    expect(await faultCodeOf(withdraw('eve', 'developer'))).toBe('FORBIDDEN');
    expect((await withdraw('boss', 'admin')).state).toBe('WITHDRAWN');
  });

  it('is refused beside another one and beside a subscription', async () => {
    const seeded = await seed(test);
    const asked = await submit(test, seeded);
    expect(await faultCodeOf(submit(test, seeded))).toBe('CONFLICT');
    await decide(asked, 'ada');
    expect(await faultCodeOf(submit(test, seeded))).toBe('CONFLICT');
  });

  it('lapses at its instant, and makes room for another', async () => {
    const seeded = await seed(test);
    const asked = await submit(test, seeded);
    const started = test.clock.now;
    test.clock.now = started + REQUEST_TTL_MS - 1;
    expect((await get(asked.id))?.state).toBe('PENDING');
    test.clock.now += 1;
    expect((await get(asked.id))?.state).toBe('LAPSED');
    expect(await faultOf(decide(asked, 'ada'))).toMatchObject({
      code: 'INVALID_TRANSITION',
      state: 'LAPSED',
    });
    expect((await submit(test, seeded)).state).toBe('PENDING');
    expect(await actionsOf(asked.id)).toEqual(['subscription.submit', 'subscription.lapse']);
  });

  it.each([
    [
      'of a draft',
      'NOT_FOUND',
      async (seeded: Seeded) => {
        const draft = await test.control.products.createPlan(SYSTEM, {
          ...{ productId: seeded.product.id, name: 'Draft', limits: {}, termDays: null },
        });
        return { ...seeded, plan: draft };
      },
    ],
    [
      'of a retired product',
      'CONFLICT',
      async (seeded: Seeded) => {
        await test.control.products.step(SYSTEM, { id: seeded.product.id, step: 'retire' });
        return seeded;
      },
    ],
    [
      'for an archived application',
      'CONFLICT',
      async (seeded: Seeded) => {
        const { id } = seeded.application;
        await test.control.applications.step(SYSTEM, { id, step: 'archive', reason: 'Old.' });
        return seeded;
      },
    ],
  ] as const)('for a plan %s is refused', async (_, code, prepare) => {
    expect(await faultCodeOf(submit(test, await prepare(await seed(test))))).toBe(code);
  });

  it('for a private product is answered as if there were none', async () => {
    expect(await faultOf(submit(test, await seed(test, { visibility: 'private' })))).toEqual({
      code: 'NOT_FOUND',
      entity: 'plan',
    });
  });
});

describe('a subscription', () => {
  const active = async (termDays: number | null = null) => {
    const seeded = await seed(test, { termDays });
    return { seeded, row: await decide(await submit(test, seeded), 'ada') };
  };

  it('is suspended, resumed and revoked by administrators with a reason, in the snapshot too', async () => {
    const { row } = await active();
    const inSnapshot = async () =>
      (await test.control.snapshots.load()).subscriptions.find(({ id }) => id === row.id)?.state ?? null;
    const step = (name: 'suspend' | 'resume' | 'revoke') =>
      test.control.subscriptions[name](admin('ada', test), { id: row.id, reason: 'Because.' });
    expect(await inSnapshot()).toBe('ACTIVE');
    await step('suspend');
    expect(await inSnapshot()).toBe('SUSPENDED');
    expect(await faultCodeOf(step('suspend'))).toBe('INVALID_TRANSITION');
    await step('resume');
    expect(await inSnapshot()).toBe('ACTIVE');
    await step('revoke');
    expect(await inSnapshot()).toBeNull();
    for (const name of ['suspend', 'resume', 'revoke'] as const)
      expect(await faultCodeOf(step(name))).toBe('INVALID_TRANSITION');
  });

  it.each(['suspend', 'resume', 'revoke'] as const)(
    'is not touched by %s of its own tenant',
    async (name) => {
      const { seeded, row } = await active();
      const owner = member(seeded.tenant.id, { role: 'owner' });
      const work = Promise.resolve().then(() =>
        test.control.subscriptions[name](owner, { id: row.id, reason: 'x' }),
      );
      expect(await faultCodeOf(work)).toBe('FORBIDDEN');
    },
  );

  it('ends at its instant, forwards and backwards, before anything was written down', async () => {
    const { row } = await active(1);
    const end = row.endsAt ?? 0;
    expect(end).toBe(test.clock.now + 86_400_000);
    const at = async (now: number) => {
      test.clock.now = now;
      return (await get(row.id))?.state;
    };
    expect(await at(end - 1)).toBe('ACTIVE');
    expect(await at(end)).toBe('EXPIRED');
    expect(await at(end - 1)).toBe('ACTIVE');
    await at(end);
    const suspend = test.control.subscriptions.suspend(admin('ada', test), { id: row.id, reason: 'Late.' });
    expect(await faultOf(suspend)).toMatchObject({ code: 'INVALID_TRANSITION', state: 'EXPIRED' });
    expect(await test.control.subscriptions.isSweepDue(SYSTEM)).toBe(true);
    expect(await test.control.subscriptions.sweep(SYSTEM)).toBeGreaterThan(0);
    expect(await at(end - 1)).toBe('EXPIRED');
  });

  it('is renewed by a new one that takes its place in one moment', async () => {
    const { seeded, row } = await active();
    const renewal = await test.control.requests.renew(member(seeded.tenant.id), {
      ...{ id: row.id, planId: seeded.plan.id, reason: 'Another year.' },
    });
    expect([renewal.state, renewal.supersedes, (await get(row.id))?.state]).toEqual([
      'PENDING',
      row.id,
      'ACTIVE',
    ]);
    expect((await decide(renewal, 'ada')).state).toBe('ACTIVE');
    expect((await get(row.id))?.state).toBe('EXPIRED');
  });

  it('is not renewed once it is over', async () => {
    const { seeded, row } = await active();
    await test.control.subscriptions.cancel(member(seeded.tenant.id, { role: 'admin' }), {
      id: row.id,
      reason: 'Done.',
    });
    const renew = test.control.requests.renew(member(seeded.tenant.id), {
      ...{ id: row.id, planId: seeded.plan.id, reason: 'Back.' },
    });
    expect(await faultCodeOf(renew)).toBe('INVALID_TRANSITION');
  });
});

describe('at the same time', () => {
  it('two approvals of a request for one leave one', async () => {
    const asked = await submit(test, await seed(test));
    const results = await Promise.allSettled([decide(asked, 'ada'), decide(asked, 'grace')]);
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(await actionsOf(asked.id)).toEqual(['subscription.submit', 'subscription.approve']);
    expect(await test.control.history.approvals(SYSTEM, asked.id)).toHaveLength(1);
  });

  it('two approvals of a request for two both count', async () => {
    const asked = await submit(test, await seed(test, { approval: 'dual' }));
    await Promise.all([decide(asked, 'ada'), decide(asked, 'grace')]);
    expect((await get(asked.id))?.state).toBe('ACTIVE');
  });

  it('the same subject approving twice counts once', async () => {
    const asked = await submit(test, await seed(test, { approval: 'dual' }));
    const results = await Promise.allSettled([decide(asked, 'ada'), decide(asked, 'ada')]);
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect((await get(asked.id))?.state).toBe('PARTIALLY_APPROVED');
  });

  it('an edit and an approval never approve what was not seen', async () => {
    const seeded = await seed(test);
    const asked = await submit(test, seeded);
    const [edited, approved] = await Promise.allSettled([edit(asked, seeded), decide(asked, 'ada')]);
    const row = await get(asked.id);
    expect([edited.status, approved.status].filter((status) => status === 'fulfilled')).toHaveLength(1);
    expect(row?.state).toBe(approved.status === 'fulfilled' ? 'ACTIVE' : 'PENDING');
  });

  it('a withdrawal and an approval leave one of the two', async () => {
    const seeded = await seed(test);
    const asked = await submit(test, seeded);
    const results = await Promise.allSettled([
      test.control.requests.withdraw(member(seeded.tenant.id), { id: asked.id, reason: 'No.' }),
      decide(asked, 'ada'),
    ]);
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  });

  it('two requests for one product leave one', async () => {
    const seeded = await seed(test);
    const results = await Promise.allSettled([submit(test, seeded), submit(test, seeded)]);
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  });
});

describe('a repeated call', () => {
  const request = (seeded: Seeded, reason: string, subject = 'dev') =>
    test.control.requests.submit(member(seeded.tenant.id, { subject }), {
      ...{ applicationId: seeded.application.id, planId: seeded.plan.id, reason, idempotencyKey: 'key-1' },
    });

  it('with the same key is the same call', async () => {
    const seeded = await seed(test);
    const [one, other] = await Promise.all([request(seeded, 'a'), request(seeded, 'a')]);
    expect(other).toEqual(one);
    expect(await actionsOf(one.id)).toEqual(['subscription.submit']);
    const version = await versionIn(test);
    await request(seeded, 'a');
    expect(await versionIn(test)).toBe(version);
  });

  it('with the same key and another input is refused', async () => {
    const seeded = await seed(test);
    await request(seeded, 'a');
    expect(await faultCodeOf(request(seeded, 'b'))).toBe('CONFLICT');
  });

  it('with the key of another caller is a call of its own', async () => {
    const [one, other] = [await seed(test), await seed(test)];
    const mine = await request(one, 'a');
    expect((await request(other, 'a')).id).not.toBe(mine.id);
    expect(await faultCodeOf(request(one, 'a', 'eve'))).toBe('CONFLICT');
  });

  it('after a refusal is not bound by it', async () => {
    const seeded = await seed(test);
    const { id } = seeded.application;
    await test.control.applications.step(SYSTEM, { id, step: 'suspend', reason: 'x' });
    expect(await faultCodeOf(request(seeded, 'a'))).toBe('CONFLICT');
    await test.control.applications.step(SYSTEM, { id, step: 'resume', reason: 'x' });
    expect((await request(seeded, 'a')).state).toBe('PENDING');
  });
});

it('a list of one state leaves out what time has ended, before anything wrote that down', async () => {
  const seeded = await seed(test, { termDays: 1 });
  const row = await decide(await submit(test, seeded), 'ada');
  const active = async () => {
    const { id: applicationId } = seeded.application;
    const { items } = await test.control.subscriptions.list(SYSTEM, { applicationId, state: 'ACTIVE' });
    return items.map(({ id }) => id);
  };
  expect(await active()).toEqual([row.id]);
  test.clock.now = row.endsAt ?? 0;
  expect(await active()).toEqual([]);
});

it('a key of a call is forgotten in time, and is then a new call', async () => {
  const seeded = await seed(test);
  const create = () =>
    test.control.applications.create(SYSTEM, {
      ...{ tenantId: seeded.tenant.id, name: 'Twice', environment: 'sandbox', idempotencyKey: 'forgotten' },
    });
  const first = await create();
  await test.control.history.forgetCalls(SYSTEM, test.clock.now);
  expect((await create()).id).toBe(first.id);
  await test.control.history.forgetCalls(SYSTEM, test.clock.now + 1);
  expect(await faultCodeOf(create())).toBe('CONFLICT');
});

it('every change grows the version by one and is told once it is true', async () => {
  const before = await versionIn(test);
  const told = test.versions.length;
  const asked = await submit(test, await seed(test));
  const changes = test.versions.slice(told);
  expect(await versionIn(test)).toBe(before + changes.length);
  expect(changes).toEqual(changes.map((_, index) => before + index + 1));
  await faultCodeOf(decide({ ...asked, requestVersion: 9 }, 'ada'));
  expect(await versionIn(test)).toBe(before + changes.length);
  expect(test.versions.length).toBe(told + changes.length);
});
