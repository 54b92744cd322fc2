import { randomBytes, randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { type Actor, SYSTEM } from '../../src/control/actor.ts';
import { ControlError } from '../../src/control/control-error.ts';
import { type ControlPlane, createControlPlane } from '../../src/control/control-plane.ts';
import { type ControlDatabase, openDatabase } from '../../src/control/database-pool.ts';
import { type KeyWrapper, localKeyWrapper } from '../../src/control/envelope.ts';
import { migrate } from '../../src/control/migrate.ts';
import { readMigrations } from '../../src/control/migrations-source.ts';
import type { RestrictionSnapshot } from '../../src/control/snapshot.ts';
import type { Application, Plan, Product, Subscription, Tenant } from '../../src/control/tables.ts';

export const MIGRATIONS = fileURLToPath(new URL('../../schema/migrations', import.meta.url));
export const REQUEST_TTL_MS = 30 * 86_400_000;
export const STEP_UP = { factors: ['mfa'], maxAgeSeconds: 300 };
/** Opens what was sealed in tests. */
export const WRAPPER = localKeyWrapper([{ id: 'test', key: Buffer.alloc(32, 9) }], randomBytes);
/** A key service that is done only once another change of the control plane is. */
export function slowWrapper(
  { control }: Pick<TestControl, 'control'>,
  wrapper: KeyWrapper = WRAPPER,
): KeyWrapper {
  const another = async () => {
    const slug = `meanwhile-${randomUUID()}`;
    await control.tenants.create(SYSTEM, { slug, name: 'Made meanwhile' });
  };
  return {
    wrap: async (dataKey) => another().then(() => wrapper.wrap(dataKey)),
    unwrap: async (keyId, wrapped) => another().then(() => wrapper.unwrap(keyId, wrapped)),
  };
}

export const START_MS = 1_800_000_000_000;

/** A control plane on an empty database, and a clock that the test moves. */
export interface TestControl {
  readonly control: ControlPlane;
  readonly database: ControlDatabase;
  readonly clock: { now: number };
  readonly versions: number[];
  readonly url: string;
  /** The same control plane on another way to its database. */
  controlOn(database: ControlDatabase): ControlPlane;
  close(): Promise<void>;
}

/** On a database that nobody else uses. */
export async function startTestControl(url: string): Promise<TestControl> {
  const database = await openDatabase({
    // A bound against hanging, not a mark.
    ...{ url, timeoutMs: 60_000, connectionsMax: 4 },
    onFault: (fault) => {
      throw fault;
    },
  });
  await migrate(database, await readMigrations(MIGRATIONS));
  const clock = { now: START_MS };
  const versions: number[] = [];
  const controlOn = (reached: ControlDatabase) =>
    createControlPlane({
      ...{
        database: reached,
        randomBytes,
        stepUp: STEP_UP,
        requestTtlMs: REQUEST_TTL_MS,
        hasAuditIndex: true,
      },
      pepper: Buffer.alloc(32, 7),
      wrapper: WRAPPER,
      now: () => clock.now,
      onChange: (version) => versions.push(version),
    });
  const control = controlOn(database);
  return { control, database, clock, versions, url, controlOn, close: () => database.close() };
}

/** The URL of an empty database with a name of its own. */
export async function freshDatabase(server: string): Promise<string> {
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  const client = new pg.Client({ connectionString: server });
  await client.connect();
  await client.query(`CREATE DATABASE ${name}`);
  await client.end();
  return new URL(`/${name}`, server).href;
}

/** A platform administrator who has just proven a second factor. */
export function admin(subject: string, { clock }: Pick<TestControl, 'clock'>): Actor {
  return { ...SYSTEM, subject, amr: ['pwd', 'mfa'], authTime: clock.now / 1000 };
}

/** A member of a tenant. */
export function member(tenantId: string, part: Partial<Actor> = {}): Actor {
  return { ...SYSTEM, subject: 'dev', isPlatform: false, tenantId, role: 'developer', ...part };
}

export interface Seeded {
  readonly tenant: Tenant;
  readonly application: Application;
  readonly product: Product;
  readonly plan: Plan;
}

let seeds = 0;

/** A tenant with an application, and a published product with a plan; every name is new. */
export async function seed(
  { control }: Pick<TestControl, 'control'>,
  part: Partial<Pick<Product, 'approval' | 'visibility'>> & {
    readonly termDays?: number | null;
    /** Makes names of its own. */
    readonly name?: string;
  } = {},
): Promise<Seeded> {
  seeds += 1;
  const { approval = 'single', visibility = 'public', termDays = null, name = String(seeds) } = part;
  const tenant = await control.tenants.create(SYSTEM, { slug: `tenant-${name}`, name: 'A tenant' });
  const application = await control.applications.create(SYSTEM, {
    ...{ tenantId: tenant.id, name: 'An application', environment: 'production' },
  });
  const draft = await control.products.create(SYSTEM, {
    ...{ name: `Product ${name}`, coordinates: ['Query.a'], tags: [], approval, visibility },
  });
  const product = await control.products.step(SYSTEM, { id: draft.id, step: 'publish' });
  const { id } = await control.products.createPlan(SYSTEM, {
    ...{ productId: product.id, name: 'Plan', limits: {}, termDays },
  });
  const plan = await control.products.publishPlan(SYSTEM, { id });
  return { tenant, application, product, plan };
}

/** A request by the tenant's developer. */
export function submit({ control }: Pick<TestControl, 'control'>, seeded: Seeded): Promise<Subscription> {
  const { tenant, application, plan } = seeded;
  return control.requests.submit(member(tenant.id), {
    ...{ applicationId: application.id, planId: plan.id, reason: 'We need it.' },
  });
}

/** The version of the last change. */
export async function versionIn({ control }: Pick<TestControl, 'control'>): Promise<number> {
  return (await control.snapshots.changesSince(null)).versions.restrictions;
}

/** All that is restricted. */
export async function restrictedIn({ control }: Pick<TestControl, 'control'>): Promise<RestrictionSnapshot> {
  const { restricted } = await control.snapshots.changesSince(null);
  if (restricted === null) throw new Error('What is restricted was not read.');
  return restricted;
}

/** The code of the refusal that work ends with; fails where it ends otherwise. */
export async function faultOf(work: Promise<unknown>): Promise<ControlError['fault']> {
  try {
    await work;
  } catch (error) {
    if (error instanceof ControlError) return error.fault;
    throw error;
  }
  throw new Error('nothing was refused');
}

export async function faultCodeOf(work: Promise<unknown>): Promise<string> {
  return (await faultOf(work)).code;
}
