import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { ADMIN_TAG } from '../admin-subgraph.ts';
import { packageRoot } from '../commands/package-root.ts';
import type { Config } from '../config/config.ts';
import { SYSTEM } from '../control/actor.ts';
import { type ControlPlane, createControlPlane } from '../control/control-plane.ts';
import { type ControlDatabase, openDatabase } from '../control/database-pool.ts';
import { Entitlements } from '../control/entitlements.ts';
import type { KeyWrapper } from '../control/envelope.ts';
import { ChangeFollower } from '../control/follow-changes.ts';
import { keyWrapperOf } from '../control/key-command-client.ts';
import { KeyDirectory } from '../control/key-directory.ts';
import { migrate, pendingMigrations } from '../control/migrate.ts';
import { readMigrations } from '../control/migrations-source.ts';
import { keptPepper, readPepper } from '../control/pepper-store.ts';
import { CHANGES_CHANNEL } from '../control/unit-of-work.ts';
import { GatewayError } from '../errors.ts';
import { describeError, type Log } from '../telemetry/log-sink.ts';
import type { ControlDeps, RunningControl } from './running-control.ts';
import { startAdminSubgraph } from './start-admin.ts';
import { startNotifications } from './start-notifications.ts';

const DAY_MS = 86_400_000;
/** How often what time has ended is written down; no decision waits for it. */
const SWEEP_MS = 60_000;

/**
 * Opens the control plane, reads its first snapshot and follows its changes.
 * Throws: CONTROL_PLANE_UNAVAILABLE, CONFIG_INVALID.
 */
export async function startControl(config: Config, deps: ControlDeps): Promise<RunningControl> {
  const { approvals, admin } = config;
  const { clock, log } = deps;
  const opened = new AsyncDisposableStack();
  try {
    const database = await openControlDatabase(config, log);
    opened.defer(() => database.close());
    await prepareSchema(config, database);
    const open = { ...approvals.open, tags: [...approvals.open.tags, ...(admin.enabled ? [ADMIN_TAG] : [])] };
    const entitlements = new Entitlements(
      { ...approvals, open, tellsAllPlans: isByProduct(config) },
      clock.now,
    );
    const pepper = await pepperOf(config);
    const keys = new KeyDirectory(pepper, () => entitlements.isFresh);
    const notifications = startNotifications(config, { database, log, now: clock.now });
    opened.defer(() => notifications.close());
    let follower: ChangeFollower | null = null;
    const control = createControlPlane({
      ...{ database, randomBytes, now: clock.now, pepper },
      stepUp: config.state.stepUp,
      wrapper: wrapperOf(config),
      requestTtlMs: config.state.requestDays * DAY_MS,
      hasAuditIndex: config.audit.sinks.some(({ type }) => type === 'database'),
      onChange: () => {
        follower?.hear();
        notifications.hear();
      },
    });
    follower = await follow({ config, control, entitlements, keys }, deps);
    const following = follower;
    opened.defer(() => following.close());
    const deaf = await database.listen?.(CHANGES_CHANNEL, (isAnew) => following.hear(isAnew));
    if (deaf !== undefined) opened.defer(deaf);
    const sweeping = setInterval(() => void sweep(control, clock.now(), log), SWEEP_MS).unref();
    opened.defer(() => clearInterval(sweeping));
    const subgraph = admin.enabled ? await startAdminSubgraph(config, { ...deps, control }) : null;
    if (subgraph !== null) opened.defer(() => subgraph.close());
    return {
      ...{ control, keys, adminUrl: subgraph?.url ?? null, close: () => opened.disposeAsync() },
      entitlements: approvals.enforce ? entitlements : null,
      connections: () => database.connections,
      checks: () => (approvals.enforce ? { entitlements: entitlements.isFresh } : {}),
    };
  } catch (fault) {
    await opened.disposeAsync();
    throw fault;
  }
}

async function follow(
  parts: {
    readonly config: Config;
    readonly control: ControlPlane;
    readonly entitlements: Entitlements;
    readonly keys: KeyDirectory;
  },
  { clock, log, switches, restraints, onReplaced }: ControlDeps,
): Promise<ChangeFollower> {
  const { config, control, entitlements, keys } = parts;
  const follower = new ChangeFollower({
    ...{ snapshots: control.snapshots, entitlements, now: clock.now, pollMs: config.state.pollMs },
    onReplaced: (snapshot) => {
      keys.replace(snapshot);
      onReplaced();
      log.info('entitlements replaced', { version: snapshot.version });
    },
    onRestricted: (restricted) => {
      switches.replace(restricted.switches);
      restraints.replace(restricted.restraints);
      onReplaced();
      log.info('restrictions replaced', { version: restricted.version });
    },
    onFault: (fault) => {
      if (fault === null) log.info('the control plane answers again');
      else log.error('the control plane does not answer', describeError(fault));
    },
  });
  await follower.start();
  return follower;
}

/** Opens the configured database as it is. Throws: CONTROL_PLANE_UNAVAILABLE. */
export function openControlDatabase({ state }: Config, log: Log): Promise<ControlDatabase> {
  const { database: url, timeoutMs, connectionsMax } = state;
  const onFault = (fault: unknown) =>
    log.warn('a connection to the control plane broke', describeError(fault));
  return openDatabase({ url, timeoutMs, connectionsMax, onFault });
}

/** Applies the package's migrations to a database; returns the names of those that were missing. */
export async function migrateControl(database: ControlDatabase): Promise<readonly string[]> {
  return migrate(database, await readMigrations(join(packageRoot(), 'schema', 'migrations')));
}

/** The embedded database is brought up to date by itself; a shared one only when its operator says so. Throws: CONTROL_PLANE_UNAVAILABLE. */
export async function prepareSchema({ state }: Config, database: ControlDatabase): Promise<void> {
  if (isEmbedded(state.database)) {
    await migrateControl(database);
    return;
  }
  const pending = await pendingMigrations(
    database,
    await readMigrations(join(packageRoot(), 'schema', 'migrations')),
  );
  if (pending.length === 0) return;
  const message = `the database lacks ${pending.join(', ')}: run portcullis migrate`;
  throw new GatewayError('CONTROL_PLANE_UNAVAILABLE', { details: [{ message }] });
}

/** By the command or the master keys of the configuration; null where it has none. */
export function wrapperOf({ providerCredentials: { masterKeys, command } }: Config): KeyWrapper | null {
  const keys = masterKeys.map(({ id, key }) => ({ id, key: Buffer.from(key.trim(), 'base64') }));
  return keyWrapperOf({ masterKeys: keys, command }, randomBytes);
}

async function pepperOf({ state }: Config): Promise<Uint8Array> {
  if (state.pepperFile !== undefined) return readPepper(state.pepperFile);
  if (!isEmbedded(state.database)) {
    const message = 'state.pepperFile is required with PostgreSQL: all gateways need the same secret';
    throw new GatewayError('CONFIG_INVALID', { details: [{ message }] });
  }
  const path = state.database.slice('pglite://'.length);
  return path === 'memory' ? randomBytes(32) : keptPepper(`${path}.pepper`, randomBytes(32));
}

function isEmbedded(url: string): boolean {
  return url.startsWith('pglite://');
}

async function sweep(
  { subscriptions, killSwitches, incidents, history }: ControlPlane,
  nowMs: number,
  log: Log,
): Promise<void> {
  try {
    await history.forgetCalls(SYSTEM, nowMs - DAY_MS);
    if (await subscriptions.isSweepDue(SYSTEM)) await subscriptions.sweep(SYSTEM);
    // Some at a time: an incident that is found now must not wait for all that are over.
    while (await killSwitches.isSweepDue(SYSTEM)) await killSwitches.sweep(SYSTEM);
    while (await incidents.isSweepDue(SYSTEM)) await incidents.sweep(SYSTEM);
  } catch (fault) {
    log.warn('what has ended could not be written down', describeError(fault));
  }
}

/** Whether calls are told apart by product, whatever its plans limit. */
function isByProduct({ rateLimits: { limits, quotas, concurrency } }: Config): boolean {
  return [...limits, ...quotas, ...concurrency].some(({ by }) => by.some((part) => part === 'product'));
}
