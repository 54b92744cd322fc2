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
/** Within which a change counts in every gateway: the middle of some rounds, since a busy machine may hold one up. */
const AGREED_MS = 1000;
/** Each round. A gateway that is not told asks by itself, and then takes four times as long. */
const TOLD_MS = 15_000;
const POLL_MS = 60_000;
const MANY = { orders: 'many' };

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
    shop = await startTinySubgraph('shop', 'type Query { orders: String missing: String }', {
      Query: { orders: () => 'many', missing: () => null },
    });
    const url = await freshDatabase(SERVER);
    const sections: Sections = {
      subgraphs: { shop: { identity: 'none' } },
      // Only a word from PostgreSQL is in time.
      state: { database: url, pepperFile: first.write('pepper', PEPPER), pollMs: POLL_MS },
      approvals: { enforce: true },
      incidents: {
        mode: 'act',
        detectors: {
          schemaProbing: { threshold: 10, action: 'suspendApplication', actionSeconds: HELD_SECONDS },
          idEnumeration: { threshold: 10, action: 'throttle' },
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

  /** What somebody gets of a gateway: data, and undefined where nothing ran. */
  const reach = async (gateway: Served): Promise<unknown> =>
    (await ask(await gateway.url, '{ orders }', { token: await issuer.token() })).body.data;
  /** How long after a time, which is now unless given, until every gateway answers so. Units: milliseconds. */
  const agreeOn = async (expected: unknown, sinceMs = Date.now(), see = reach): Promise<number> => {
    for (const gateway of gateways)
      await vi.waitFor(async () => expect(await see(gateway)).toEqual(expected), {
        ...{ timeout: TOLD_MS, interval: 5 },
      });
    return Date.now() - sinceMs;
  };
  const officer = () => ({ ...SYSTEM, amr: ['mfa'], authTime: Date.now() / 1000 });
  const subscribe = async (): Promise<string> => {
    const { id } = await control.requests.submit(SYSTEM, { applicationId, planId, reason: 'x' });
    await agreeOn(MANY);
    return id;
  };
  const inTime = (what: string, tookMs: readonly number[]): void => {
    process.stdout.write(`${what} in both after ${tookMs.map(Math.round).join(', ')} ms\n`);
    expect(tookMs.toSorted((a, b) => a - b)[Math.floor(tookMs.length / 2)]).toBeLessThan(AGREED_MS);
    expect(Math.max(...tookMs)).toBeLessThan(TOLD_MS);
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
      const id = await subscribe();
      await control.subscriptions.revoke(SYSTEM, { id, reason: 'Gone.' });
      tookMs.push(await agreeOn(null));
    }
    inTime('a revocation was in force', tookMs);
  });

  it('switch a field off and on again within a second, and at its end', async () => {
    const id = await subscribe();
    const field = { kind: 'field', target: 'Query.orders', tenantId: null, reason: 'x' } as const;
    const [offMs, onMs]: [number[], number[]] = [[], []];
    for (let round = 0; round < ROUNDS; round += 1) {
      const off = await control.killSwitches.switchOff(officer(), { ...field, seconds: null });
      offMs.push(await agreeOn(null, off.createdAt));
      const on = await control.killSwitches.switchOn(officer(), { id: off.id, reason: 'x' });
      onMs.push(await agreeOn(MANY, on.liftedAt ?? 0));
    }
    inTime('a field was off', offMs);
    inTime('a field was on again', onMs);
    const { expiresAt } = await control.killSwitches.switchOff(officer(), { ...field, seconds: 5 });
    await agreeOn(null);
    await isOver(expiresAt ?? 0);
    expect(await agreeOn(MANY)).toBeLessThan(TOLD_MS);
    await control.subscriptions.revoke(SYSTEM, { id, reason: 'Gone.' });
    await agreeOn(null);
  });

  const isOver = (atMs: number) =>
    vi.waitFor(() => expect(Date.now()).toBeGreaterThanOrEqual(atMs), {
      timeout: (HELD_SECONDS + 2) * 1000,
    });
  /** Asks one gateway for what is an incident when it goes on, until what it does about it is written down. */
  const attack = async (gateway: Served, rule: 'schemaProbing' | 'idEnumeration', sub: string) => {
    const token = await issuer.token({ sub });
    const text = rule === 'schemaProbing' ? '{ nonsense }' : '{ missing }';
    for (let probe = 0; probe < 12; probe += 1) await ask(await gateway.url, text, { token });
    return vi.waitFor(
      async () => {
        const { items } = await control.incidents.list(SYSTEM, { state: 'contained', rule });
        const [incident, ...others] = items.filter(
          ({ culprit }) => 'caller' in culprit && culprit.caller.subject === sub,
        );
        expect(others).toEqual([]);
        const [action] = await control.incidents.actionsOf(SYSTEM, [incident?.id ?? '']);
        if (incident === undefined || action?.expiresAt == null) throw new Error('It is not contained.');
        return { id: incident.id, sinceMs: action.createdAt, untilMs: action.expiresAt };
      },
      { timeout: TOLD_MS, interval: 5 },
    );
  };
  /** When it was over. Units: milliseconds since the epoch. */
  const dismiss = async (id: string): Promise<number> =>
    (await control.incidents.falsePositive(officer(), { id, reason: 'It was a test.' })).closedAt ?? 0;

  it('hold whom one of them caught within a second, and let go when somebody says so', async () => {
    const id = await subscribe();
    const [one] = gateways;
    if (one === undefined) throw new Error('no gateways');
    const [heldMs, freeMs]: [number[], number[]] = [[], []];
    for (let round = 0; round < ROUNDS; round += 1) {
      const incident = await attack(one, 'schemaProbing', `eve-${round}`);
      heldMs.push(await agreeOn(undefined, incident.sinceMs));
      freeMs.push(await agreeOn(MANY, await dismiss(incident.id)));
    }
    inTime('an application was suspended', heldMs);
    inTime('an application was let go', freeMs);
    await control.subscriptions.revoke(SYSTEM, { id, reason: 'Gone.' });
    await agreeOn(null);
  });

  it.skipIf(!redisInstalled)('throttle whom one of them caught within a second, and let go', async () => {
    const id = await subscribe();
    const [one] = gateways;
    if (one === undefined) throw new Error('no gateways');
    const [heldMs, freeMs]: [number[], number[]] = [[], []];
    for (let round = 0; round < ROUNDS; round += 1) {
      const token = await issuer.token({ sub: `mallory-${round}` });
      const limitOf = async (gateway: Served) => {
        const { headers } = await ask(await gateway.url, '{ orders }', { token });
        return /;q=(\d+)/u.exec(headers.get('ratelimit-policy') ?? '')?.[1];
      };
      const incident = await attack(one, 'idEnumeration', `mallory-${round}`);
      heldMs.push(await agreeOn('1000', incident.sinceMs, limitOf));
      freeMs.push(await agreeOn('10000', await dismiss(incident.id), limitOf));
    }
    inTime('a caller was throttled', heldMs);
    inTime('a caller was let go', freeMs);
    await control.subscriptions.revoke(SYSTEM, { id, reason: 'Gone.' });
    await agreeOn(null);
  });

  it.each([
    ['stepUp', { kind: 'stepUp', target: { tenant: 'acme', subject: 'ada' } }, undefined],
    ['blockField', { kind: 'field', target: 'Query.orders', tenant: 'acme' }, null],
  ] as const)(
    'hold to %s what was found elsewhere within a second, and let go',
    async (...[action, containment, refused]) => {
      const id = await subscribe();
      const [heldMs, freeMs]: [number[], number[]] = [[], []];
      for (let round = 0; round < ROUNDS; round += 1) {
        const caller = {
          kind: 'user',
          tenant: 'acme',
          issuer: 'elsewhere',
          subject: `bob-${round}`,
        } as const;
        const opened = await control.incidents.open(SYSTEM, {
          finding: {
            ...{ rule: 'sensitiveVolume', severity: 'high', timeMs: Date.now(), counts: {}, events: [] },
            culprit: { kind: 'caller', caller: { ...caller, application: null, credentialId: null } },
            ...{ operation: null, coordinate: null },
          },
          ...{ action, containment, dryRun: false, actionMs: 3_600_000, muteMs: 0 },
        });
        if (opened.outcome === 'muted') throw new Error('It is no incident.');
        heldMs.push(await agreeOn(refused, opened.incident.seenAt));
        freeMs.push(await agreeOn(MANY, await dismiss(opened.incident.id)));
      }
      inTime(`${action} was in force`, heldMs);
      inTime(`${action} was undone`, freeMs);
      await control.subscriptions.revoke(SYSTEM, { id, reason: 'Gone.' });
      await agreeOn(null);
    },
  );

  it('goes on in the other when one is killed, and lets go on time', async () => {
    const [other, one] = gateways;
    if (one === undefined || other === undefined) throw new Error('no gateways');
    const id = await subscribe();
    const { untilMs } = await attack(one, 'schemaProbing', 'eve');
    await agreeOn(undefined);
    await one.stop();
    gateways = [other];
    expect(await reach(other)).toBeUndefined();
    // Nobody is left who caught it; the other lets go all the same.
    await isOver(untilMs);
    expect(await agreeOn(MANY)).toBeLessThan(TOLD_MS);
    await control.subscriptions.revoke(SYSTEM, { id, reason: 'Gone.' });
    expect(await agreeOn(null)).toBeLessThan(TOLD_MS);
  });
});
