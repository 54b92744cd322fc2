import { describe, expect, it } from 'vitest';
import { SYSTEM } from '../../src/control/actor.ts';
import { secretDigest } from '../../src/control/credentials-store.ts';
import { sql } from '../../src/control/drizzle.ts';
import { faultCodeOf, member, type Seeded, seed } from './database-kit.ts';
import { useTestControl } from './use-test-control.ts';

const test = useTestControl();

const create = (
  seeded: Seeded,
  part: { scopes?: string[]; expiresAt?: number; idempotencyKey?: string } = {},
) =>
  test.control.credentials.createApiKey(member(seeded.tenant.id, { scopes: new Set(['orders:read']) }), {
    ...{ applicationId: seeded.application.id, scopes: [], ...part },
  });
const factsOf = async (id: string) =>
  (await test.control.snapshots.load()).credentials.find((credential) => credential.id === id) ?? null;
const attempt = (work: () => Promise<unknown>) => faultCodeOf(Promise.resolve().then(work));

describe('an API key', () => {
  it('is shown once and kept only as a keyed digest', async () => {
    const { credential, secret } = await create(await seed(test));
    expect(secret).toMatch(/^pk_[0-9a-f]{16}_[\w-]{43}$/u);
    expect(secret?.startsWith(`pk_${credential.prefix}_`)).toBe(true);
    expect(credential).not.toHaveProperty('hash');
    expect((await factsOf(credential.id))?.hash).toBe(secretDigest(secret ?? '', Buffer.alloc(32, 7)));
    expect((await factsOf(credential.id))?.hash).not.toBe(secretDigest(secret ?? '', Buffer.alloc(32, 8)));
  });

  it('is nowhere in the database, whole or its random part', async () => {
    const seeded = await seed(test);
    const { credential, secret } = await create(seeded, { idempotencyKey: 'once' });
    const [, , random = ''] = (secret ?? '').split('_');
    const { rows } = await test.database.asOwner((client) =>
      client.query(`SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'`),
    );
    const tables = rows.map(({ table_name: name }) => String(name));
    expect(tables).toContain('idempotency_keys');
    for (const table of tables) {
      const found = await test.database.asOwner((client) =>
        client.query(`SELECT count(*)::int AS n FROM ${table} t WHERE position($1 in t::text) > 0`, [random]),
      );
      expect([table, found.rows[0]?.n]).toEqual([table, 0]);
    }
    const replay = await create(seeded, { idempotencyKey: 'once' });
    expect([replay.secret, replay.credential.id]).toEqual([null, credential.id]);
  });

  it('gets no scope that its maker lacks, and none of the control plane', async () => {
    const seeded = await seed(test);
    expect((await create(seeded, { scopes: ['orders:read'] })).credential.scopes).toEqual(['orders:read']);
    expect(await attempt(() => create(seeded, { scopes: ['orders:write'] }))).toBe('FORBIDDEN');
    const { id: applicationId } = seeded.application;
    const forAdmins = () =>
      test.control.credentials.createApiKey(SYSTEM, { applicationId, scopes: ['portcullis:admin'] });
    expect(await attempt(forAdmins)).toBe('FORBIDDEN');
    expect(await attempt(() => create(seeded, { scopes: ['a b'] }))).toBe('INVALID_INPUT');
  });

  it('is one of two at most, also where two are asked for at the same time', async () => {
    const seeded = await seed(test);
    await create(seeded);
    const results = await Promise.allSettled([create(seeded), create(seeded)]);
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(await faultCodeOf(create(seeded))).toBe('CONFLICT');
  });

  it('does not expire in the past', async () => {
    const seeded = await seed(test);
    expect(await faultCodeOf(create(seeded, { expiresAt: test.clock.now }))).toBe('INVALID_INPUT');
    expect((await create(seeded, { expiresAt: test.clock.now + 1 })).credential.expiresAt).toBe(
      test.clock.now + 1,
    );
  });

  it('is followed by another while it has its time of grace, and not twice', async () => {
    const seeded = await seed(test);
    const { credential: old } = await create(seeded);
    const actor = member(seeded.tenant.id);
    const rotate = () => test.control.credentials.rotate(actor, { id: old.id, graceSeconds: 60 });
    const { credential, secret } = await rotate();
    expect([secret === null, credential.graceUntil]).toEqual([false, null]);
    expect((await factsOf(old.id))?.graceUntil).toBe(test.clock.now + 60_000);
    expect(await faultCodeOf(rotate())).toBe('CONFLICT');
  });

  it('is gone from the snapshot once it is revoked, and not revoked twice', async () => {
    const seeded = await seed(test);
    const { credential } = await create(seeded);
    const revoke = () =>
      test.control.credentials.revoke(member(seeded.tenant.id), { id: credential.id, reason: 'Leaked.' });
    expect((await revoke()).revokedAt).toBe(test.clock.now);
    expect(await factsOf(credential.id)).toBeNull();
    expect(await faultCodeOf(revoke())).toBe('INVALID_TRANSITION');
  });

  it('is not rotated with scopes that the actor lacks', async () => {
    const seeded = await seed(test);
    const { credential } = await create(seeded, { scopes: ['orders:read'] });
    const rotate = test.control.credentials.rotate(member(seeded.tenant.id), {
      id: credential.id,
      graceSeconds: 0,
    });
    expect(await faultCodeOf(rotate)).toBe('FORBIDDEN');
  });
});

it('a client id names one application of a tenant, and may name one of another', async () => {
  const [one, other] = [await seed(test), await seed(test)];
  const register = ({ application }: Seeded, clientId: string) =>
    test.control.credentials.registerOauthClient(SYSTEM, { applicationId: application.id, clientId });
  await register(one, 'shop');
  expect((await register(other, 'shop')).prefix).toBe('shop');
  const second = await test.control.applications.create(SYSTEM, {
    ...{ tenantId: one.tenant.id, name: 'Second', environment: 'sandbox' },
  });
  expect(await faultCodeOf(register({ ...one, application: second }, 'shop'))).toBe('CONFLICT');
  const leak = await test.database.transact(null, (tx) =>
    tx.execute(sql`SELECT count(*)::int AS n FROM credentials`),
  );
  expect(leak.rows[0]?.['n']).toBeGreaterThan(1);
});
