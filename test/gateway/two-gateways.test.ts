import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest';
import { SYSTEM } from '../../src/control/actor.ts';
import { type ControlPlane, createControlPlane } from '../../src/control/control-plane.ts';
import { type ControlDatabase, openDatabase } from '../../src/control/database-pool.ts';
import { portcullis } from '../commands/command-line.ts';
import { freshDatabase, REQUEST_TTL_MS, STEP_UP } from '../control/database-kit.ts';
import { freePort } from '../free-port.ts';
import { RedisKit, redisInstalled } from '../metering/redis-kit.ts';
import {
  ask,
  createIssuer,
  type Folder,
  folder,
  type Issuer,
  type Sections,
  trusting,
  writeConfig,
} from './gateway-kit.ts';
import { type Served, serve } from './serve-kit.ts';
import { startTinySubgraph, type TinySubgraph } from './tiny-subgraph.ts';

const SERVER = inject('postgres');
const PEPPER = 'p'.repeat(32);
const ROUNDS = 5;
/** How long an incident holds an application. */
const HELD_SECONDS = 6;
/** How long a change takes to count in every gateway: the middle of some rounds, since a busy machine may hold one up. */
const AGREED_MS = 1000;
/** Far less than they take that ask by themselves. */
const TOLD_MS = 15_000;

describe.skipIf(SERVER == null)('two gateway processes on one PostgreSQL', () => {
  const where: Folder[] = [];
  let issuer: Issuer;
  let shop: TinySubgraph;
  let redis: RedisKit | null = null;
  let database: ControlDatabase;
  let control: ControlPlane;
  let configs: string[];
  let gateways: Served[] = [];
  let planId: string;
  let applicationId: string;

  beforeAll(async () => {
    where.push(folder(), folder());
    const [first] = where;
    if (first === undefined || SERVER == null) throw new Error('There is no server.');
    issuer = await createIssuer(first);
    const redisPort = await freePort();
    redis = redisInstalled ? await RedisKit.create(redisPort) : null;
    shop = await startTinySubgraph('shop', 'type Query { orders: String }', {
      Query: { orders: () => 'many' },
    });
    const url = await freshDatabase(SERVER);
    const sections: Sections = {
      subgraphs: { shop: { identity: 'none' } },
      // Only a word from PostgreSQL is in time.
      state: { database: url, pepperFile: first.write('pepper', PEPPER), pollMs: 30_000 },
      approvals: { enforce: true },
      incidents: {
        mode: 'act',
        detectors: {
          schemaProbing: { threshold: 10, action: 'suspendApplication', actionSeconds: HELD_SECONDS },
        },
      },
      identity: trusting(issuer),
      ...(redis === null
        ? {}
        : {
            rateLimits: {
              limits: [{ name: 'calls', by: ['tenant'], points: 10_000, perSeconds: 60 }],
              redis: { url: `redis://127.0.0.1:${redisPort}` },
            },
          }),
    };
    configs = where.map((each) => writeConfig(each, [shop], sections));
    database = await openDatabase({ url, timeoutMs: 10_000, connectionsMax: 2, onFault: () => undefined });
    control = createControlPlane({
      ...{ database, randomBytes, stepUp: STEP_UP, requestTtlMs: REQUEST_TTL_MS, hasAuditIndex: true },
      ...{ pepper: Buffer.from(PEPPER), now: Date.now, onChange: () => undefined },
    });
  });

  afterAll(async () => {
    for (const gateway of gateways) await gateway.stop();
    await database?.close();
    await shop?.close();
    await redis?.remove();
    for (const each of where) each.remove();
  });

  const reach = async (gateway: Served) =>
    (await ask(await gateway.url, '{ orders }', { token: await issuer.token() })).body.data;
  /** How long until every gateway answers so. Units: milliseconds. */
  const agreeOn = async (expected: unknown): Promise<number> => {
    const startedMs = performance.now();
    for (const gateway of gateways)
      await vi.waitFor(async () => expect(await reach(gateway)).toEqual(expected), {
        interval: 5,
      });
    return performance.now() - startedMs;
  };

  it('start only once the database was brought up to date', async () => {
    const [config = ''] = configs;
    const early = await portcullis(['serve', '--config', config]);
    expect(early.code).toBe(1);
    expect(early.stderr).toContain('run portcullis migrate');
    const migrate = () => portcullis(['migrate', '--config', config]);
    expect(await migrate()).toMatchObject({ code: 0 });
    expect(await migrate()).toMatchObject({ code: 0, stdout: 'the database is up to date\n' });
    gateways = configs.map((each) => serve(each));
    await Promise.all(gateways.map(({ url }) => url));
  });

  it('agree on each approval and each revocation within a second', async () => {
    const { id: tenantId } = await control.tenants.create(SYSTEM, { slug: 'acme', name: 'Acme' });
    ({ id: applicationId } = await control.applications.create(SYSTEM, {
      ...{ tenantId, name: 'Shop', environment: 'production' },
    }));
    await control.credentials.registerOauthClient(SYSTEM, { applicationId, clientId: 'shop' });
    const { id: productId } = await control.products.create(SYSTEM, {
      ...{ name: 'Orders', coordinates: ['Query'], tags: [], visibility: 'public', approval: 'auto' },
    });
    await control.products.step(SYSTEM, { id: productId, step: 'publish' });
    ({ id: planId } = await control.products.createPlan(SYSTEM, {
      ...{ productId, name: 'P', limits: {}, termDays: null },
    }));
    await control.products.publishPlan(SYSTEM, { id: planId });
    const tookMs: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const { id } = await control.requests.submit(SYSTEM, { applicationId, planId, reason: 'x' });
      await agreeOn({ orders: 'many' });
      await control.subscriptions.revoke(SYSTEM, { id, reason: 'Gone.' });
      tookMs.push(await agreeOn(null));
    }
    process.stdout.write(`a revocation was in force in both after ${tookMs.map(Math.round).join(', ')} ms\n`);
    expect(tookMs.toSorted((a, b) => a - b)[Math.floor(ROUNDS / 2)]).toBeLessThan(AGREED_MS);
    expect(Math.max(...tookMs)).toBeLessThan(TOLD_MS);
  });

  it('switch a field off and on again within a second, and at its end', async () => {
    const { id } = await control.requests.submit(SYSTEM, { applicationId, planId, reason: 'x' });
    await agreeOn({ orders: 'many' });
    const officer = { ...SYSTEM, amr: ['mfa'], authTime: Date.now() / 1000 };
    const field = { kind: 'field', target: 'Query.orders', tenantId: null, reason: 'x' } as const;
    const killSwitch = await control.killSwitches.switchOff(officer, { ...field, seconds: null });
    expect(await agreeOn(null)).toBeLessThan(TOLD_MS);
    await control.killSwitches.switchOn(officer, { id: killSwitch.id, reason: 'x' });
    expect(await agreeOn({ orders: 'many' })).toBeLessThan(TOLD_MS);
    const { expiresAt } = await control.killSwitches.switchOff(officer, { ...field, seconds: 5 });
    await agreeOn(null);
    await vi.waitFor(() => expect(Date.now()).toBeGreaterThanOrEqual(expiresAt ?? 0));
    expect(await agreeOn({ orders: 'many' })).toBeLessThan(TOLD_MS);
    await control.subscriptions.revoke(SYSTEM, { id, reason: 'Gone.' });
    await agreeOn(null);
  });

  /** Probes the schema through one gateway until the application is held; the time at which that ends. */
  const attack = async (gateway: Served): Promise<number> => {
    const token = await issuer.token();
    for (let probe = 0; probe < 12; probe += 1) await ask(await gateway.url, '{ nonsense }', { token });
    const [incident] = await vi.waitFor(
      async () => {
        const { items } = await control.incidents.list(SYSTEM, { state: 'contained' });
        expect(items).toHaveLength(1);
        return items;
      },
      { interval: 5 },
    );
    // The newest: the same incident may have been contained before.
    const actions = await control.incidents.actionsOf(SYSTEM, [incident?.id ?? '']);
    return actions.at(-1)?.expiresAt ?? 0;
  };
  const isOver = (atMs: number) =>
    vi.waitFor(() => expect(Date.now()).toBeGreaterThanOrEqual(atMs), {
      timeout: (HELD_SECONDS + 2) * 1000,
    });

  it('hold whom one of them caught within a second, and until the end', async () => {
    const { id } = await control.requests.submit(SYSTEM, { applicationId, planId, reason: 'x' });
    await agreeOn({ orders: 'many' });
    const [one] = gateways;
    if (one === undefined) throw new Error('no gateways');
    const endsAt = await attack(one);
    expect(await agreeOn(undefined)).toBeLessThan(TOLD_MS);
    await isOver(endsAt);
    expect(await agreeOn({ orders: 'many' })).toBeLessThan(TOLD_MS);
    await control.incidents.sweep(SYSTEM);
    await control.subscriptions.revoke(SYSTEM, { id, reason: 'Gone.' });
    await agreeOn(null);
  });

  it('goes on in the other when one is killed', async () => {
    const [other, one] = gateways;
    if (one === undefined || other === undefined) throw new Error('no gateways');
    const { id } = await control.requests.submit(SYSTEM, { applicationId, planId, reason: 'x' });
    await agreeOn({ orders: 'many' });
    const endsAt = await attack(one);
    await agreeOn(undefined);
    await one.stop();
    gateways = [other];
    expect(await reach(other)).toBeUndefined();
    // Nobody is left who caught it; the other lets go all the same.
    await isOver(endsAt);
    expect(await agreeOn({ orders: 'many' })).toBeLessThan(TOLD_MS);
    await control.subscriptions.revoke(SYSTEM, { id, reason: 'Gone.' });
    expect(await agreeOn(null)).toBeLessThan(TOLD_MS);
  });
});
