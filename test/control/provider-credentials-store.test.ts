import { randomBytes } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Actor, SYSTEM } from '../../src/control/actor.ts';
import { createControlPlane } from '../../src/control/control-plane.ts';
import { sql } from '../../src/control/drizzle.ts';
import { type KeyWrapper, localKeyWrapper, unseal } from '../../src/control/envelope.ts';
import { OutboxStore } from '../../src/control/outbox-store.ts';
import type { NewProviderCredential } from '../../src/control/provider-credentials-store.ts';
import { sealedContext } from '../../src/control/sealed-context.ts';
import { demandsOf } from '../../subgraphs/ai/budget/budget-demands.ts';
import {
  admin,
  faultCodeOf,
  faultOf,
  member,
  type Seeded,
  STEP_UP,
  seed,
  slowWrapper,
  WRAPPER,
} from './database-kit.ts';
import { useTestControl } from './use-test-control.ts';

type NewProviderCredentialPart = Omit<NewProviderCredential, 'tenantId' | 'idempotencyKey'>;

const test = useTestControl();
let mine: Seeded;
let theirs: Seeded;

beforeAll(async () => {
  [mine, theirs] = [await seed(test), await seed(test)];
});

const SECRET = 'sk-very-secret-key-4711';
const NEW: NewProviderCredentialPart = {
  provider: 'openai',
  secret: SECRET,
  endpoint: null,
  priority: 0,
  weight: 1,
  spendCap: null,
};
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

  describe('with a spend cap', () => {
    const cap = { microUsd: 5_000_000, per: 'day' as const };
    const shown = async (actor: Actor, id: string) =>
      (await store().list(actor, { first: 100 })).items.find((item) => item.id === id);

    it('tells the AI subgraph the cap, and administrators what was spent of it in the window of now', async () => {
      const { id } = await create(owner(), { spendCap: cap });
      expect((await store().sealed(SYSTEM)).find((entry) => entry.id === id)?.spendCap).toEqual(cap);
      expect(await shown(owner(), id)).toMatchObject({ spendCap: cap, spentMicroUsd: 0 });
      const [demand] = demandsOf(
        { tenant: 't', application: null, credential: null, subscription: null },
        { plan: null, budgets: [], key: { provider: 'openai', key: id, cap } },
        test.clock.now,
      );
      await test.database.asOwner((client) =>
        client.query(`INSERT INTO ai_windows VALUES ($1, 1234567, now())`, [demand?.key]),
      );
      expect(await shown(owner(), id)).toMatchObject({ spentMicroUsd: 1_234_567 });
      // Of a month nothing was counted yet.
      const monthly = { microUsd: 1, per: 'month' as const };
      expect(await store().setSpendCap(owner(), { id, spendCap: monthly, reason: 'dear' })).toMatchObject({
        ...{ spendCap: monthly, spentMicroUsd: 0, version: 2 },
      });
      test.clock.now += 86_400_000;
      await store().setSpendCap(owner(), { id, spendCap: cap, reason: 'cheap' });
      expect(await shown(owner(), id)).toMatchObject({ spentMicroUsd: 0 });
      const { items } = await test.control.history.of(SYSTEM, id, {});
      expect(items.find(({ action }) => action === 'providerCredential.setSpendCap')).toMatchObject({
        ...{ before: { spendCap: cap }, after: { spendCap: monthly, reason: 'dear' } },
      });
      expect(await store().setSpendCap(owner(), { id, spendCap: null, reason: 'trust' })).toMatchObject({
        ...{ spendCap: null, spentMicroUsd: null },
      });
    });

    it('is changed by nobody else, and told to no other tenant by the database either', async () => {
      const { id } = await create(owner(theirs.tenant.id), { spendCap: cap });
      const set = (actor: Actor) => store().setSpendCap(actor, { id, spendCap: null, reason: 'mine' });
      expect(await faultCodeOf(set(owner()))).toBe('NOT_FOUND');
      expect(await faultCodeOf(set(member(theirs.tenant.id, { role: 'auditor', ...fresh() })))).toBe(
        'FORBIDDEN',
      );
      const stale = { ...owner(theirs.tenant.id), authTime: 1 };
      expect(await faultCodeOf(set(stale))).toBe('STEP_UP_REQUIRED');
      const day = new Date(test.clock.now).toISOString();
      await test.database.asOwner((client) =>
        client.query(`INSERT INTO ai_windows VALUES ($1, 7, now())`, [
          `["key","openai","${id}","microUsd","${day.slice(0, 10)}"]`,
        ]),
      );
      const told = async (tenant: string) =>
        (
          await test.database.transact(tenant, (tx) =>
            tx.execute(sql`SELECT micro_usd::int AS used FROM ai_key_spend(${sql.param([id])}, ${day})`),
          )
        ).rows;
      expect(await told(mine.tenant.id)).toEqual([]);
      expect(await told(theirs.tenant.id)).toEqual([{ used: 7 }]);
    });

    it.each([
      { microUsd: 0, per: 'day' },
      { microUsd: 1.5, per: 'day' },
      { microUsd: 2 ** 53, per: 'day' },
      { microUsd: 5, per: 'minute' },
    ])('of $microUsd per $per is refused', async (spendCap) => {
      const part = { spendCap } as Partial<typeof NEW>;
      expect(await faultOf(create(owner(), part))).toMatchObject({
        code: 'INVALID_INPUT',
        field: 'spendCap',
      });
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

  it('waits for a key service while other changes do not', async () => {
    const last = { id: 'last', key: Buffer.alloc(32, 3) };
    const slow = planeBy(slowWrapper(test)).providerCredentials;
    const { id } = await slow.create(owner(), { tenantId: mine.tenant.id, ...NEW });
    await slow.rotate(owner(), { id, secret: 'sk-another-secret-0815' });
    expect(await opened(id)).toBe('sk-another-secret-0815');
    const all = [last, { id: 'next', key: Buffer.alloc(32, 5) }, { id: 'test', key: Buffer.alloc(32, 9) }];
    const moving = planeBy(slowWrapper(test, localKeyWrapper(all, randomBytes)));
    expect((await moving.providerCredentials.rewrapAll(root())).rewrapped).toBeGreaterThan(0);
  });

  it('that is rotated while all move to another master key keeps its new secret', async () => {
    const { id } = await create(owner());
    const keyOf = (name: string, byte: number) => ({ id: name, key: Buffer.alloc(32, byte) });
    const keys = [keyOf('latest', 4), keyOf('last', 3), keyOf('test', 9)];
    const wrapper = localKeyWrapper(keys, randomBytes);
    let isRotated = false;
    const moving = planeBy({
      ...wrapper,
      unwrap: async (keyId, wrapped) => {
        if (!isRotated) {
          isRotated = true;
          await planeBy(wrapper).providerCredentials.rotate(owner(), { id, secret: 'sk-meanwhile-secret' });
        }
        return wrapper.unwrap(keyId, wrapped);
      },
    }).providerCredentials;
    await moving.rewrapAll(root());
    const sealed = (await store().sealed(SYSTEM)).find((entry) => entry.id === id);
    expect(sealed && (await unseal(sealed, sealedContext(sealed), wrapper))).toBe('sk-meanwhile-secret');
  });

  it('is not taken by a gateway that has no master key', async () => {
    expect(
      await faultCodeOf(planeWith([]).providerCredentials.create(root(), { tenantId: null, ...NEW })),
    ).toBe('CONFLICT');
  });
});

function planeWith(keys: readonly { readonly id: string; readonly key: Uint8Array }[]) {
  return planeBy(keys.length === 0 ? null : localKeyWrapper(keys, randomBytes));
}

function planeBy(wrapper: KeyWrapper | null) {
  return createControlPlane({
    ...{ database: test.database, randomBytes, stepUp: STEP_UP, requestTtlMs: 1000, hasAuditIndex: false },
    ...{ pepper: Buffer.alloc(32, 7), now: () => test.clock.now, onChange: () => undefined },
    wrapper,
  });
}
