import { randomBytes } from 'node:crypto';
import { sql } from 'drizzle-orm';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Actor } from '../../src/control/actor.ts';
import { createControlPlane, SYSTEM } from '../../src/control/control-plane.ts';
import { localKeyWrapper, unseal } from '../../src/control/envelope.ts';
import { OutboxStore } from '../../src/control/outbox-store.ts';
import { sealedContext } from '../../src/control/sealed-context.ts';
import { admin, faultCodeOf, faultOf, member, type Seeded, STEP_UP, seed, WRAPPER } from './database-kit.ts';
import { useTestControl } from './use-test-control.ts';

const test = useTestControl();
let mine: Seeded;
let theirs: Seeded;

beforeAll(async () => {
  [mine, theirs] = [await seed(test), await seed(test)];
});

const SECRET = 'sk-very-secret-key-4711';
const NEW = { provider: 'openai', secret: SECRET, endpoint: null, priority: 0, weight: 1 };
const root = () => admin('root', test);
const fresh = () => ({ amr: ['mfa'], authTime: test.clock.now / 1000 });
const owner = (tenant = mine.tenant.id) => member(tenant, { role: 'owner', ...fresh() });
const store = () => test.control.providerCredentials;
const create = (actor: Actor, part: Partial<typeof NEW> & { tenantId?: string | null } = {}) =>
  store().create(actor, { tenantId: actor.tenantId, ...NEW, ...part });

/** What the AI subgraph opens. */
async function opened(id: string): Promise<string> {
  const sealed = (await store().sealed(SYSTEM)).find((entry) => entry.id === id);
  return sealed === undefined ? 'nothing' : unseal(sealed, sealedContext(sealed), WRAPPER);
}

describe('a key of a provider', () => {
  it('goes in and is opened by the master key alone; nothing shows more than its end', async () => {
    const made = await create(owner());
    expect(made).toMatchObject({
      tenantId: mine.tenant.id,
      provider: 'openai',
      last4: '4711',
      status: 'active',
    });
    expect(await opened(made.id)).toBe(SECRET);
    const { items } = await store().list(owner(), {});
    const history = await test.control.history.of(SYSTEM, made.id, {});
    expect(history.items.map(({ action }) => action)).toEqual(['providerCredential.create']);
    const told = await new OutboxStore(test.database).claim(100, test.clock.now, test.clock.now + 1);
    const rows = await test.database.transact(null, (tx) =>
      tx.execute(sql`SELECT to_jsonb(c) FROM provider_credentials c UNION ALL SELECT to_jsonb(e) FROM control_events e
        UNION ALL SELECT to_jsonb(k) FROM idempotency_keys k`),
    );
    const [sealed] = (await store().sealed(SYSTEM)).filter(({ id }) => id === made.id);
    for (const shown of [made, items, history, told, rows])
      expect(JSON.stringify(shown)).not.toContain(SECRET.slice(0, 12));
    for (const shown of [made, items, history, told])
      expect(JSON.stringify(shown)).not.toContain(sealed?.sealed ?? 'nothing');
  });

  it('is made once by one idempotency key, and another secret under it is refused', async () => {
    const asked = { tenantId: mine.tenant.id, ...NEW, idempotencyKey: 'create-1' };
    const [one, again] = [await store().create(owner(), asked), await store().create(owner(), asked)];
    expect(again.id).toBe(one.id);
    expect(await faultCodeOf(store().create(owner(), { ...asked, secret: `${SECRET}-other` }))).toBe(
      'CONFLICT',
    );
  });

  it('is rotated, put out of use, and used again', async () => {
    const { id } = await create(owner());
    const rotated = await store().rotate(owner(), { id, secret: 'sk-another-secret-0815' });
    expect(rotated).toMatchObject({ last4: '0815', version: 2, rotatedAt: test.clock.now });
    expect(await opened(id)).toBe('sk-another-secret-0815');
    await store().setStatus(owner(), { id, status: 'disabled', reason: 'It leaked.' });
    expect(await opened(id)).toBe('nothing');
    expect(await faultCodeOf(store().setStatus(owner(), { id, status: 'disabled', reason: 'x' }))).toBe(
      'INVALID_TRANSITION',
    );
    await store().setStatus(owner(), { id, status: 'active', reason: 'It did not.' });
    expect(await opened(id)).toBe('sk-another-secret-0815');
  });

  it('of the platform is for staff to change, and a tenant does not see it', async () => {
    const { id } = await create(root(), { tenantId: null });
    expect(await opened(id)).toBe(SECRET);
    expect(await faultCodeOf(create(owner(), { tenantId: null }))).toBe('FORBIDDEN');
    expect(await faultCodeOf(store().rotate(owner(), { id, secret: SECRET }))).toBe('NOT_FOUND');
    expect((await store().list(owner(), {})).items.map((item) => item.id)).not.toContain(id);
  });

  it('of another tenant does not exist', async () => {
    const { id } = await create(owner(theirs.tenant.id));
    expect(await faultCodeOf(create(owner(), { tenantId: theirs.tenant.id }))).toBe('NOT_FOUND');
    expect(await faultCodeOf(store().rotate(owner(), { id, secret: SECRET }))).toBe('NOT_FOUND');
    expect(await faultCodeOf(store().list(owner(), { tenantId: theirs.tenant.id }))).toBe('NOT_FOUND');
    expect((await store().list(owner(), {})).items.map((item) => item.id)).not.toContain(id);
  });

  it.each(['approver', 'developer', 'auditor', 'securityOfficer'] as const)(
    'is not for a %s to change',
    async (role) => {
      expect(await faultCodeOf(create(member(mine.tenant.id, { role, ...fresh() })))).toBe('FORBIDDEN');
    },
  );

  it('is changed only by who has proven a second factor lately', async () => {
    const stale = { ...owner(), authTime: test.clock.now / 1000 - STEP_UP.maxAgeSeconds - 1 };
    const { id } = await create(owner());
    for (const work of [
      () => create(stale),
      () => store().rotate(stale, { id, secret: SECRET }),
      () => store().setStatus(stale, { id, status: 'disabled', reason: 'x' }),
      () => store().rewrapAll({ ...SYSTEM }),
    ])
      expect(await faultCodeOf(work())).toBe('STEP_UP_REQUIRED');
  });

  it('is sealed for nobody but staff to fetch', async () => {
    await expect(async () => store().sealed(owner())).rejects.toMatchObject({ fault: { code: 'FORBIDDEN' } });
  });

  it.each([
    ['provider', { provider: 'Open AI' }],
    ['secret', { secret: 'short' }],
    ['secret', { secret: `${SECRET}\r\nx-evil: 1` }],
    ['priority', { priority: -1 }],
    ['weight', { weight: 1001 }],
    ['endpoint', { endpoint: 'http://eu.example.com' }],
    ['endpoint', { endpoint: 'https://a:b@eu.example.com' }],
    ['endpoint', { endpoint: 'https://eu.example.com/?x=1' }],
    ['endpoint', { endpoint: 'nowhere' }],
  ] as const)('is refused for its %s', async (field, part) => {
    expect(await faultOf(create(owner(), part as Partial<typeof NEW>))).toMatchObject({
      code: 'INVALID_INPUT',
      field,
    });
  });

  it('moves to a new master key with all others, after which the old one is not needed', async () => {
    const { id } = await create(owner());
    const next = { id: 'next', key: Buffer.alloc(32, 5) };
    const old = { id: 'test', key: Buffer.alloc(32, 9) };
    const { rewrapped } = await planeWith([next, old]).providerCredentials.rewrapAll(root());
    expect(rewrapped).toBeGreaterThan(0);
    expect((await planeWith([next, old]).providerCredentials.rewrapAll(root())).rewrapped).toBe(0);
    const sealed =
      (await store().sealed(SYSTEM)).find((entry) => entry.id === id) ?? expect.unreachable('it is there');
    expect(await unseal(sealed, sealedContext(sealed), localKeyWrapper([next], randomBytes))).toBe(SECRET);
    await expect(unseal(sealed, sealedContext(sealed), WRAPPER)).rejects.toThrow();
  });

  it('is not taken by a gateway that has no master key', async () => {
    expect(
      await faultCodeOf(planeWith([]).providerCredentials.create(root(), { tenantId: null, ...NEW })),
    ).toBe('CONFLICT');
  });
});

function planeWith(keys: readonly { readonly id: string; readonly key: Uint8Array }[]) {
  return createControlPlane({
    ...{ database: test.database, randomBytes, stepUp: STEP_UP, requestTtlMs: 1000, hasAuditIndex: false },
    ...{ pepper: Buffer.alloc(32, 7), now: () => test.clock.now, onChange: () => undefined },
    wrapper: keys.length === 0 ? null : localKeyWrapper(keys, randomBytes),
  });
}
