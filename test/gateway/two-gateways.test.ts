import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { SYSTEM } from '../../src/control/control-plane.ts';
import { portcullis } from '../commands/command-line.ts';
import {
  ask,
  type Folder,
  folder,
  type Sections,
  startTestGateway,
  type TestGateway,
  writeConfig,
} from './gateway-kit.ts';
import { startTinySubgraph, type TinySubgraph } from './tiny-subgraph.ts';

/** A PostgreSQL server to make databases on; without it there is nothing that two processes could share. */
const SERVER = process.env['PORTCULLIS_TEST_POSTGRES'];

describe.skipIf(SERVER === undefined)('two gateways on one PostgreSQL', () => {
  let where: Folder;
  let shop: TinySubgraph;
  let sections: Sections;
  let gateways: TestGateway[] = [];

  beforeAll(async () => {
    where = folder();
    const name = `test_${randomUUID().replaceAll('-', '')}`;
    const client = new pg.Client({ connectionString: SERVER });
    await client.connect();
    await client.query(`CREATE DATABASE ${name}`);
    await client.end();
    const state = {
      database: new URL(`/${name}`, SERVER).href,
      pepperFile: where.write('pepper', 'p'.repeat(32)),
      // Only a word from PostgreSQL is in time.
      pollMs: 30_000,
    };
    shop = await startTinySubgraph('shop', 'type Query { orders: String }', {
      Query: { orders: () => 'many' },
    });
    sections = { subgraphs: { shop: { identity: 'none' } }, state, approvals: { enforce: true } };
  }, 60_000);

  afterAll(async () => {
    for (const gateway of gateways) await gateway.close();
    await shop?.close();
    where?.remove();
  });

  it('start only once the database was brought up to date', { timeout: 60_000 }, async () => {
    const refused = await startTestGateway([shop], sections).catch((fault: unknown) => fault);
    expect(refused).toMatchObject({ code: 'CONTROL_PLANE_UNAVAILABLE' });
    const migrate = () => portcullis(['migrate', '--config', writeConfig(where, [shop], sections)]);
    expect(await migrate()).toMatchObject({ code: 0, stdout: 'applied 0001_control_plane\n' });
    expect(await migrate()).toMatchObject({ code: 0, stdout: 'the database is up to date\n' });
    gateways = [await startTestGateway([shop], sections), await startTestGateway([shop], sections)];
  });

  it('agree on an approval and a revocation within a second, whichever of them was told', async () => {
    const [one, other] = gateways;
    if (one?.control == null || other?.control == null) throw new Error('no control plane');
    const { control } = one;
    const { id: tenantId } = await control.tenants.create(SYSTEM, { slug: 'acme', name: 'Acme' });
    const { id: applicationId } = await control.applications.create(SYSTEM, {
      ...{ tenantId, name: 'Shop', environment: 'production' },
    });
    await control.credentials.registerOauthClient(SYSTEM, { applicationId, clientId: 'shop' });
    const { id: productId } = await control.products.create(SYSTEM, {
      ...{ name: 'Orders', coordinates: ['Query'], tags: [], visibility: 'public', approval: 'auto' },
    });
    await control.products.step(SYSTEM, { id: productId, step: 'publish' });
    const plan = await control.products.createPlan(SYSTEM, {
      productId,
      name: 'P',
      limits: {},
      termDays: null,
    });
    await control.products.publishPlan(SYSTEM, { id: plan.id });

    const reach = async (gateway: TestGateway) =>
      (await ask(gateway.url, '{ orders }', { token: await gateway.issuer.token() })).body.data;
    const agree = async (expected: unknown) => {
      const startedMs = performance.now();
      for (const gateway of gateways)
        await vi.waitFor(async () => expect(await reach(gateway)).toEqual(expected), {
          timeout: 1000,
          interval: 5,
        });
      return performance.now() - startedMs;
    };
    const { id } = await control.requests.submit(SYSTEM, { applicationId, planId: plan.id, reason: 'x' });
    await agree({ orders: 'many' });
    await other.control.subscriptions.revoke(SYSTEM, { id, reason: 'Gone.' });
    expect(await agree(null)).toBeLessThan(1000);
  });
});
