import { randomBytes } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { SYSTEM } from '../../src/control/actor.ts';
import { aiBodyContext } from '../../src/control/ai-body-context.ts';
import { AiBodyCustodyStore } from '../../src/control/ai-body-custody-store.ts';
import { createControlPlane } from '../../src/control/control-plane.ts';
import { type KeyWrapper, localKeyWrapper, seal } from '../../src/control/envelope.ts';
import type { Tenant } from '../../src/control/tables.ts';
import { ulids } from '../../src/control/ulid.ts';
import type { SealedBody } from '../../subgraphs/ai/bodies/body-log.ts';
import { DatabaseBodyStore } from '../../subgraphs/ai/bodies/database-body-store.ts';
import { faultCodeOf, member, type Seeded, STEP_UP, seed, slowWrapper, WRAPPER } from './database-kit.ts';
import { useTestControl } from './use-test-control.ts';

const test = useTestControl();
let mine: Seeded;
let theirs: Seeded;

beforeAll(async () => {
  // The database tells by its own clock what has ended.
  test.clock.now = Date.now();
  [mine, theirs] = [await seed(test), await seed(test)];
});

const DAY_MS = 86_400_000;
const fresh = () => ({ amr: ['mfa'], authTime: test.clock.now / 1000 });
const owner = (seeded = mine) => member(seeded.tenant.id, { role: 'owner', ...fresh() });
const kept = () =>
  new DatabaseBodyStore({
    query: (text, values) =>
      test.database.asOwner(async (client) => {
        await client.query('SET ROLE portcullis_ai');
        try {
          return await client.query(text, [...values]);
        } finally {
          await client.query('RESET ROLE');
        }
      }),
    close: async () => undefined,
  });
const setMode = (logBodies: Tenant['logBodies'], actor = owner()) =>
  test.control.aiBodies.setMode(actor, { tenantId: mine.tenant.id, logBodies, reason: 'an inquiry' });
const read = (id: string, actor = owner()) => test.control.aiBodies.open(actor, { id, reason: 'case 4711' });

async function keep(id: string, part: Partial<SealedBody> = {}): Promise<boolean> {
  const { tenant = mine.tenant.id, at = test.clock.now } = part;
  const sealed = await seal('{"question":"a secret recipe"}', aiBodyContext({ id, tenantId: tenant, at }), {
    ...{ wrapper: WRAPPER, randomBytes },
  });
  const about = { application: 'web', subject: 'ada', field: 'Mutation.chat', model: 'house/m' };
  return kept().keep({ ...about, ...sealed, id, tenant, at, mode: 'full', ...part });
}

describe('questions and answers', () => {
  it('are kept only while their tenant wants them, and in the form that it wants', async () => {
    expect(await keep('bdy_before')).toBe(false);
    expect((await setMode('redacted')).logBodies).toBe('redacted');
    expect(await keep('bdy_full')).toBe(false);
    await setMode('full');
    expect(await keep('bdy_theirs', { tenant: theirs.tenant.id })).toBe(false);
    expect(await keep('bdy_1')).toBe(true);
    const { id, slug } = mine.tenant;
    expect(await kept().tenants()).toContainEqual({ id, slug, mode: 'full' });
    expect((await kept().tenants()).some((tenant) => tenant.id === theirs.tenant.id)).toBe(false);
  });

  it('are read by who may, and each reading is written down with its reason', async () => {
    await setMode('full');
    await keep('bdy_2');
    const page = await test.control.aiBodies.list(owner(), { tenantId: mine.tenant.id });
    expect(page.items).toContainEqual(expect.objectContaining({ id: 'bdy_2', subject: 'ada', mode: 'full' }));
    expect(JSON.stringify(page)).not.toMatch(/recipe|sealed|wrapped/u);
    expect((await read('bdy_2')).text).toBe('{"question":"a secret recipe"}');
    await read('bdy_2', member(mine.tenant.id, { role: 'securityOfficer', ...fresh() }));
    const { items } = await test.control.history.of(SYSTEM, 'bdy_2', {});
    expect(items.map(({ action, after }) => [action, after])).toEqual([
      ['aiBody.read', { reason: 'case 4711' }],
      ['aiBody.read', { reason: 'case 4711' }],
    ]);
    expect(JSON.stringify(items)).not.toContain('recipe');
  });

  it('are not read by others', async () => {
    await setMode('full');
    await keep('bdy_3');
    const of = (role: 'auditor' | 'developer' | 'approver') => member(mine.tenant.id, { role, ...fresh() });
    for (const role of ['auditor', 'developer', 'approver'] as const)
      expect(await faultCodeOf(read('bdy_3', of(role)))).toBe('FORBIDDEN');
    expect(await faultCodeOf(read('bdy_3', owner(theirs)))).toBe('NOT_FOUND');
    expect(await faultCodeOf(read('bdy_3', member(mine.tenant.id, { role: 'owner' })))).toBe(
      'STEP_UP_REQUIRED',
    );
    expect(await faultCodeOf(test.control.aiBodies.open(owner(), { id: 'bdy_3', reason: ' ' }))).toBe(
      'INVALID_INPUT',
    );
    expect(await faultCodeOf(test.control.aiBodies.list(of('auditor'), { tenantId: mine.tenant.id }))).toBe(
      'FORBIDDEN',
    );
    expect(await faultCodeOf(setMode('full', of('developer')))).toBe('FORBIDDEN');
    expect((await test.control.history.of(SYSTEM, 'bdy_3', {})).items).toEqual([]);
  });

  it('open under no other tenant or time, and not without the master key', async () => {
    await setMode('full');
    await keep('bdy_4');
    await keep('bdy_5');
    await test.database.asOwner((client) =>
      client.query(`UPDATE ai_bodies SET at = at - interval '1 second' WHERE id = 'bdy_4'`),
    );
    expect(await faultCodeOf(read('bdy_4'))).toBe('CONFLICT');
    const without = createControlPlane({
      ...{ database: test.database, pepper: randomBytes(32), stepUp: STEP_UP, requestTtlMs: DAY_MS },
      ...{ hasAuditIndex: false, now: () => test.clock.now, randomBytes, onChange: () => undefined },
    });
    expect(await faultCodeOf(without.aiBodies.open(owner(), { id: 'bdy_5', reason: 'case 1' }))).toBe(
      'CONFLICT',
    );
    expect((await test.control.history.of(SYSTEM, 'bdy_5', {})).items).toEqual([]);
  });

  it('end with the retention of their tenant', async () => {
    await setMode('full');
    const at = test.clock.now - mine.tenant.retentionDays * DAY_MS;
    await keep('bdy_ended', { at });
    await keep('bdy_last', { at: at + 60_000 });
    expect(await faultCodeOf(read('bdy_ended'))).toBe('NOT_FOUND');
    expect((await read('bdy_last')).id).toBe('bdy_last');
    await kept().forget();
    const { rows } = await test.database.asOwner((client) =>
      client.query(`SELECT id FROM ai_bodies WHERE id IN ('bdy_ended', 'bdy_last')`),
    );
    expect(rows).toEqual([{ id: 'bdy_last' }]);
  });

  it('are seen by the process that keeps them in no table', async () => {
    await expect(
      test.database.asOwner(async (client) => {
        await client.query('SET ROLE portcullis_ai');
        try {
          return await client.query('SELECT 1 FROM ai_bodies');
        } finally {
          await client.query('RESET ROLE');
        }
      }),
    ).rejects.toThrow(/permission denied/u);
  });
});

describe('the clock of the process that keeps them', () => {
  const rows = async (id: string) =>
    (
      await test.database.asOwner((client) =>
        client.query(
          `SELECT expires_at <= now() + interval '${mine.tenant.retentionDays} days' AS ends FROM ai_bodies WHERE id = $1`,
          [id],
        ),
      )
    ).rows;

  it('ahead keeps nothing for longer than the tenant wants', async () => {
    await setMode('full');
    await keep('bdy_ahead', { at: test.clock.now + 400 * DAY_MS });
    expect(await rows('bdy_ahead')).toEqual([{ ends: true }]);
  });

  it('takes nothing away before its time, whatever it says', async () => {
    await setMode('full');
    await keep('bdy_young');
    await test.database.asOwner((client) =>
      client.query('SELECT ai_forget_bodies($1)', [new Date(test.clock.now + 4000 * DAY_MS)]),
    );
    expect(await rows('bdy_young')).toHaveLength(1);
  });
});

describe('the operator of the gateway', () => {
  const next = { id: 'next', key: Buffer.alloc(32, 5) };
  const old = { id: 'test', key: Buffer.alloc(32, 9) };
  const custody = (...keys: readonly { readonly id: string; readonly key: Uint8Array }[]) =>
    custodyWith(localKeyWrapper(keys, randomBytes));
  const custodyWith = (wrapper: KeyWrapper) => {
    const newId = ulids(() => test.clock.now, randomBytes);
    const { database, clock } = test;
    return new AiBodyCustodyStore({
      ...{ database, wrapper, randomBytes, newId, now: () => clock.now, onChange: () => undefined },
    });
  };
  const operator = { ...SYSTEM, subject: 'operator:olga' };
  const all = async <T>(told: AsyncIterable<T>): Promise<T[]> => {
    const items: T[] = [];
    for await (const item of told) items.push(item);
    return items;
  };

  it('reads those of one tenant, of a time, page by page, and each is written down', async () => {
    await setMode('full');
    const at = test.clock.now - DAY_MS;
    for (let index = 0; index < 101; index += 1)
      await keep(`bdy_many_${String(index).padStart(3, '0')}`, { at: at + index });
    const filter = { tenant: mine.tenant.slug, sinceMs: at, untilMs: at + 101 };
    const listed = await all(custody(old).list(operator, filter));
    expect(listed).toHaveLength(101);
    expect(JSON.stringify(listed)).not.toMatch(/recipe|sealed|wrapped/u);
    const read = await all(custody(old).open(operator, { ...filter, sinceMs: at + 1, reason: 'case 4711' }));
    expect(read.map(({ id }) => id)).toEqual(listed.slice(1).map(({ id }) => id));
    expect(new Set(read.map(({ text }) => text))).toEqual(new Set(['{"question":"a secret recipe"}']));
    const historyOf = async (id: string) => (await test.control.history.of(SYSTEM, id, {})).items;
    expect(await historyOf('bdy_many_100')).toMatchObject([
      { action: 'aiBody.read', actor: 'operator:olga', after: { reason: 'case 4711' } },
    ]);
    expect(await historyOf('bdy_many_000')).toEqual([]);
  });

  it('who stops reading leaves fewer written down unseen than were seen', async () => {
    await setMode('full');
    const at = test.clock.now - 2 * DAY_MS;
    const ids = Array.from({ length: 20 }, (_, index) => `bdy_some_${String(index).padStart(2, '0')}`);
    for (const [index, id] of ids.entries()) await keep(id, { at: at + index });
    const filter = { tenant: mine.tenant.slug, sinceMs: at, untilMs: at + 20, reason: 'case 9' };
    let seen = 0;
    for await (const { id } of custody(old).open(operator, filter)) {
      expect(id).toBe(ids[seen]);
      seen += 1;
      if (seen === 5) break;
    }
    const histories = await Promise.all(ids.map((id) => test.control.history.of(SYSTEM, id, {})));
    const written = histories.filter(({ items }) => items.length > 0).length;
    expect(written).toBeGreaterThanOrEqual(5);
    expect(written).toBeLessThan(10);
  });

  it('reads nothing without a reason, of another tenant, or with another master key; nothing is written down then', async () => {
    await setMode('full');
    await keep('bdy_closed');
    const one = { tenant: mine.tenant.id, id: 'bdy_closed', reason: 'case 1' };
    expect(await faultCodeOf(all(custody(old).open(operator, { ...one, reason: ' ' })))).toBe(
      'INVALID_INPUT',
    );
    expect(await faultCodeOf(all(custody(old).open(owner(), one)))).toBe('FORBIDDEN');
    expect(await faultCodeOf(all(custody(old).open(operator, { ...one, tenant: 'nobody' })))).toBe(
      'NOT_FOUND',
    );
    expect(await all(custody(old).open(operator, { ...one, tenant: theirs.tenant.id }))).toEqual([]);
    expect(await all(custody(next).open(operator, one))).toMatchObject([{ id: 'bdy_closed', text: null }]);
    expect((await test.control.history.of(SYSTEM, 'bdy_closed', {})).items).toEqual([]);
  });

  it('puts all under a new master key, after which the old one is not needed', async () => {
    await setMode('full');
    await keep('bdy_rewrapped');
    await keep('bdy_foreign', { keyId: 'gone' });
    const { rewrapped, failed } = await custody(next, old).rewrapAll(operator);
    expect([rewrapped > 1, failed]).toEqual([true, 1]);
    expect(await custody(next, old).rewrapAll(operator)).toEqual({ rewrapped: 0, failed: 1 });
    const one = { tenant: mine.tenant.id, id: 'bdy_rewrapped', reason: 'case 1' };
    expect(await all(custody(next).open(operator, one))).toMatchObject([
      { text: '{"question":"a secret recipe"}' },
    ]);
    expect(await all(custody(old).open(operator, one))).toMatchObject([{ text: null }]);
    expect(await faultCodeOf(custody(next).rewrapAll(owner()))).toBe('FORBIDDEN');
    const { items } = await test.control.history.of(SYSTEM, 'next', {});
    expect(items).toMatchObject([{ action: 'aiBody.rewrap', after: { rewrapped } }]);
  });

  it('and readers of a tenant wait for a key service while other changes do not', async () => {
    await setMode('full');
    await keep('bdy_slow');
    const { database, clock } = test;
    const plane = createControlPlane({
      ...{ database, pepper: randomBytes(32), stepUp: STEP_UP, requestTtlMs: DAY_MS, randomBytes },
      ...{
        hasAuditIndex: false,
        now: () => clock.now,
        onChange: () => undefined,
        wrapper: slowWrapper(test),
      },
    });
    const one = { id: 'bdy_slow', reason: 'case 1' };
    expect((await plane.aiBodies.open(owner(), one)).text).toBe('{"question":"a secret recipe"}');
    const slow = custodyWith(slowWrapper(test, localKeyWrapper([next, old], randomBytes)));
    expect(await all(slow.open(operator, { ...one, tenant: mine.tenant.id }))).toHaveLength(1);
    expect((await slow.rewrapAll(operator)).rewrapped).toBeGreaterThan(0);
    const { items } = await test.control.history.of(SYSTEM, 'bdy_slow', {});
    expect(items.map(({ action }) => action)).toEqual(['aiBody.read', 'aiBody.read']);
  });

  it('does not take a key service that fails for a key that is gone', async () => {
    await setMode('full');
    await keep('bdy_waiting');
    const { wrap } = localKeyWrapper([next], randomBytes);
    const failing = custodyWith({ wrap, unwrap: () => Promise.reject(new Error('the service is away')) });
    const one = { tenant: mine.tenant.id, id: 'bdy_waiting', reason: 'case 1' };
    await expect(all(failing.open(operator, one))).rejects.toThrow('the service is away');
    await expect(failing.rewrapAll(operator)).rejects.toThrow('the service is away');
    expect((await test.control.history.of(SYSTEM, 'bdy_waiting', {})).items).toEqual([]);
  });
});
