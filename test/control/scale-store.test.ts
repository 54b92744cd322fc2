import { beforeAll, describe, expect, inject, it } from 'vitest';
import type { ProductGraph } from '../../src/control/coordinate-index.ts';
import { Entitlements } from '../../src/control/entitlements.ts';
import type { ControlSnapshot } from '../../src/control/snapshot.ts';
import { collectGarbage } from '../collect-garbage.ts';
import { folder, startTestGateway } from '../gateway/gateway-kit.ts';
import { startTinySubgraph } from '../gateway/tiny-subgraph.ts';
import { compose } from '../operation/graph-kit.ts';
import { CLOSED, caller } from './control-kit.ts';
import { useTestControl } from './use-test-control.ts';

const TENANTS = 100;
const APPLICATIONS = 10_000;
const PRODUCTS = 500;
const SUBSCRIPTIONS_EACH = 5;
const FIELDS = Array.from({ length: PRODUCTS }, (_, index) => `f${index + 1}`);
/** Two cores that do nothing else are through in this time. */
const START_MS_MAX = 2000;
const CORES = 2;
const STARTS_MAX = 6;
const MB_MAX = 60;

const test = useTestControl();
beforeAll(async () => {
  await test.database.asOwner(async (client) => {
    for (const [statement, ...values] of [
      [
        `INSERT INTO tenants SELECT 'ten_' || n, 'tenant-' || n, 'T', 'active', 30, 'off', 1, now() FROM generate_series(1, $1::int) n`,
        TENANTS,
      ],
      [
        `INSERT INTO applications SELECT 'app_' || n, 'ten_' || (1 + n % $2::int), 'A' || n, 'o', 'production', 'active', 1, now()
         FROM generate_series(1, $1::int) n`,
        APPLICATIONS,
        TENANTS,
      ],
      [
        `INSERT INTO products SELECT 'prd_' || n, 'P' || n, 1, '', ARRAY['Query.f' || n], '{}', 'public', 'auto', 'published', now()
         FROM generate_series(1, $1::int) n`,
        PRODUCTS,
      ],
      [
        `INSERT INTO plans SELECT 'pln_' || n, 'prd_' || n, 'Plan', 1, '{}', NULL, 'published', now() FROM generate_series(1, $1::int) n`,
        PRODUCTS,
      ],
      [
        `INSERT INTO subscriptions SELECT 'sub_' || n || '_' || k, 'ten_' || (1 + n % $4::int), 'app_' || n,
           'prd_' || (1 + (n + k * 97) % $2::int), 'pln_' || (1 + (n + k * 97) % $2::int), 'ACTIVE', 'r', 'x', 1,
           now() - interval '1 day', NULL, now(), NULL, 1, now()
         FROM generate_series(1, $1::int) n, generate_series(1, $3::int) k`,
        APPLICATIONS,
        PRODUCTS,
        SUBSCRIPTIONS_EACH,
        TENANTS,
      ],
    ] as const)
      await client.query(statement, [...values]);
  });
  test.clock.now = Date.now();
});

const GRAPH: ProductGraph = compose(`type Query { ${FIELDS.map((name) => `${name}: String`).join(' ')} }`);

/** What is held after a collection. Units: megabytes. */
function heapMb(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed / 2 ** 20;
}

/** What all threads of this process computed since, whatever else the machine did. Units: milliseconds. */
function computedMs(since: NodeJS.CpuUsage): number {
  return msOf(process.cpuUsage(since));
}

function msOf({ user, system }: NodeJS.CpuUsage): number {
  return (user + system) / 1000;
}

/** Time of one decision, the least of several rounds. Units: microseconds. */
function decisionUs(entitlements: Entitlements, application: string, tenant: string): number {
  const principal = caller(tenant, application);
  const operation = { coordinates: FIELDS.slice(0, 40).map((name) => `Query.${name}`) };
  let leastUs = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 20; round += 1) {
    const startedMs = performance.now();
    for (let call = 0; call < 2000; call += 1) entitlements.grantOf(principal, GRAPH).coversAll(operation);
    leastUs = Math.min(leastUs, ((performance.now() - startedMs) * 1000) / 2000);
  }
  return leastUs;
}

function held(snapshot: ControlSnapshot): Entitlements {
  const entitlements = new Entitlements({ ...CLOSED, staleMs: 60_000 }, () => test.clock.now);
  entitlements.replace(snapshot, test.clock.now);
  return entitlements;
}

describe(`a control plane with ${APPLICATIONS} applications and ${PRODUCTS} products`, () => {
  it('is in force in less than two seconds, and decides as fast as one with a single application', async () => {
    const before = heapMb();
    const start = async () => {
      const began = process.cpuUsage();
      const snapshot = await test.control.snapshots.load();
      const many = held(snapshot);
      many.grantOf(caller('tenant-8', 'app_7'), GRAPH);
      return { snapshot, many, tookMs: computedMs(began) };
    };
    const { snapshot, many, tookMs: firstMs } = await start();
    const tookMb = heapMb() - before;
    // The best of several, until one is in time: the first compiles what it runs, and other tests run beside this one.
    let tookMs = firstMs;
    for (let turn = 1; turn < STARTS_MAX && tookMs >= START_MS_MAX; turn += 1)
      tookMs = Math.min(tookMs, (await start()).tookMs);
    expect(snapshot.applications).toHaveLength(APPLICATIONS);
    expect(snapshot.subscriptions).toHaveLength(APPLICATIONS * SUBSCRIPTIONS_EACH);
    expect(tookMs).toBeLessThan(START_MS_MAX);
    expect(tookMb).toBeLessThan(MB_MAX);

    const of = ({ applicationId }: { readonly applicationId: string }) => applicationId === 'app_7';
    const few = held({
      ...snapshot,
      applications: snapshot.applications.filter(({ id }) => id === 'app_7'),
      subscriptions: snapshot.subscriptions.filter(of),
    });
    const [manyUs, fewUs] = [decisionUs(many, 'app_7', 'tenant-8'), decisionUs(few, 'app_7', 'tenant-8')];
    process.stdout.write(
      `in force after ${Math.round(tookMs)} ms, ${Math.round(tookMb)} MB; one decision ${(manyUs / fewUs).toFixed(2)} times that of one application\n`,
    );
    // A search through ten thousand would be far above.
    expect(manyUs).toBeLessThan(fewUs * 3 + 0.5);
  });

  it('grants each application its own products and no other', async () => {
    const snapshot = await test.control.snapshots.load();
    const { subscriptions } = snapshot;
    const entitlements = held(snapshot);
    for (const id of ['app_1', 'app_5000', 'app_10000']) {
      const mine = subscriptions.filter(({ applicationId }) => applicationId === id);
      const tenant = (mine[0]?.tenantId ?? '').replace('ten_', 'tenant-');
      const grant = entitlements.grantOf(caller(tenant, id), GRAPH);
      const reached = FIELDS.filter((name) => grant.covers(`Query.${name}`)).sort();
      expect(reached).toEqual(mine.map(({ productId }) => productId.replace('prd_', 'f')).sort());
      // The same application, claimed by another tenant.
      expect(entitlements.grantOf(caller('tenant-50', id), GRAPH).covers(`Query.${reached[0]}`)).toBe(false);
    }
  });

  it.skipIf(inject('postgres') == null)('lets a gateway start in less than two seconds', async () => {
    const where = folder();
    const shop = await startTinySubgraph('shop', 'type Query { f1: String }', { Query: { f1: () => 'one' } });
    const pepperFile = where.write('pepper', 'p'.repeat(32));
    // A process has its modules compiled when it starts; the test runner compiles them when they are first asked for.
    await import('../../src/start/start-control.ts');
    const start = async (): Promise<number> => {
      const [began, threadBegan] = [process.cpuUsage(), process.threadCpuUsage()];
      const gateway = await startTestGateway([shop], {
        state: { database: test.url, pepperFile },
        approvals: { enforce: true },
      });
      // Its own thread is on the way all the time; those that plan and compile go on beside it.
      const tookMs = Math.max(msOf(process.threadCpuUsage(threadBegan)), computedMs(began) / CORES);
      try {
        expect((await fetch(new URL('/health/ready', gateway.url))).status).toBe(200);
      } finally {
        await gateway.close();
      }
      return tookMs;
    };
    try {
      // The best of several, until one is in time, since other tests run beside this one.
      let tookMs = await start();
      for (let turn = 1; turn < STARTS_MAX && tookMs >= START_MS_MAX; turn += 1)
        tookMs = Math.min(tookMs, await start());
      process.stdout.write(`a gateway starts in ${Math.round(tookMs)} ms of two cores\n`);
      expect(tookMs).toBeLessThan(START_MS_MAX);
    } finally {
      await shop.close();
      where.remove();
    }
  });
});
