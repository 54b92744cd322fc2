import { createHash } from 'node:crypto';
import type { Actor, Change } from './actor.ts';
import { ControlError, invalidInput } from './control-error.ts';
import type { ControlDatabase, Transaction } from './database-pool.ts';
import { and, eq, sql } from './drizzle.ts';
import { controlEvents, controlVersion, idempotencyKeys, outbox } from './tables.ts';

export interface UnitDeps {
  readonly database: ControlDatabase;
  /** Units: milliseconds since the epoch. */
  now(): number;
  newId(prefix: string): string;
  /** Told after each change, once it is committed. */
  onChange(version: number): void;
}

/** One change of the control plane: everything it writes becomes true together, or nothing does. */
export interface Unit {
  readonly tx: Transaction;
  readonly actor: Actor;
  /** The one time of the whole change. */
  readonly now: number;
  newId(prefix: string): string;
  /** Writes the history of a change and the notification of it. */
  record(change: Change): Promise<void>;
}

/** A change that is asked for. */
export interface Wanted<T> {
  readonly action: string;
  /** What was asked: the same key with another input is refused. */
  readonly input: unknown;
  readonly idempotencyKey: string | undefined;
  /** Whether it touches nothing that gateways need but what is restricted, which they then read alone. */
  readonly onlyRestricts?: boolean;
  /** What a repeated call is answered, where that differs: a secret is shown once. */
  readonly replayed?: (result: T) => T;
}

/** Channel on which other processes hear of changes. */
export const CHANGES_CHANNEL = 'portcullis_control';
const KEY_CHARS_MAX = 128;
/** Source: PostgreSQL's error codes, unique_violation. */
const UNIQUE_VIOLATION = '23505';

/**
 * Runs one change. Changes take turns on the row of the version, so that each sees what the one before wrote and a
 * version tells all changes up to it.
 * Throws: ControlError; CONFLICT where the database finds a duplicate.
 */
export async function change<T>(
  deps: UnitDeps,
  actor: Actor,
  wanted: Wanted<T>,
  work: (unit: Unit) => Promise<T>,
): Promise<T> {
  const { database, onChange } = deps;
  let version: number | null = null;
  const changes: Change[] = [];
  const result = await database
    .transact(scopeOf(actor), async (tx) => {
      // Taken first: changes wait for each other here.
      await tx.execute(sql`SELECT 1 FROM ${controlVersion} FOR UPDATE`);
      const now = deps.now();
      const unit = unitOf({ tx, actor, now, deps, changes });
      const known = await takeKey<T>(unit, wanted);
      if (known !== null) return known.result;
      const result = await work(unit);
      await keepResult(unit, wanted, result);
      version = await nextVersion(tx, wanted.onlyRestricts === true);
      await tx.execute(sql`SELECT pg_notify(${CHANGES_CHANNEL}, ${String(version)})`);
      return result;
    })
    .catch((fault: unknown) => {
      throw duplicateOf(fault) ?? fault;
    });
  if (version !== null) onChange(version);
  for (const each of changes) actor.onChange?.(each);
  return result;
}

/** Reads as one actor: rows of other tenants do not exist for it. */
export function read<T>(
  { database }: Pick<UnitDeps, 'database'>,
  actor: Actor,
  work: (tx: Transaction) => Promise<T>,
): Promise<T> {
  return database.transact(scopeOf(actor), work);
}

function scopeOf({ isPlatform, tenantId }: Actor): string | null {
  if (isPlatform) return null;
  // No tenant has the empty id, so that nothing is seen.
  return tenantId ?? '';
}

async function nextVersion(tx: Transaction, onlyRestricts: boolean): Promise<number> {
  const [row] = await tx
    .update(controlVersion)
    .set({
      version: sql`${controlVersion.version} + 1`,
      ...(onlyRestricts ? { restricting: sql`${controlVersion.restricting} + 1` } : {}),
    })
    .returning({ version: controlVersion.version });
  if (row === undefined) throw new Error('the control plane has lost its version');
  return row.version;
}

function unitOf({
  tx,
  actor,
  now,
  deps,
  changes,
}: Pick<Unit, 'tx' | 'actor' | 'now'> & { deps: UnitDeps; changes: Change[] }): Unit {
  return {
    tx,
    actor,
    now,
    newId: deps.newId,
    record: async (made) => {
      const { action, entity, id, tenantId, before, after } = made;
      await tx.insert(controlEvents).values({
        id: deps.newId('evt'),
        tenantId,
        actor: actor.subject,
        action,
        entity,
        entityId: id,
        before: before ?? null,
        after: after ?? null,
        at: now,
      });
      const payload = { action, entity, id, actor: actor.subject };
      await tx.insert(outbox).values({ id: deps.newId('out'), tenantId, topic: action, payload, at: now });
      changes.push(made);
    },
  };
}

async function takeKey<T>(
  { tx, actor, now }: Unit,
  { action, input, idempotencyKey: key }: Wanted<T>,
): Promise<{ readonly result: T } | null> {
  if (key === undefined) return null;
  if (key === '' || key.length > KEY_CHARS_MAX)
    throw invalidInput('idempotencyKey', `must have 1 to ${KEY_CHARS_MAX} characters`);
  const scope = keyScope(actor);
  const digest = createHash('sha256').update(JSON.stringify(input)).digest('base64url');
  const inserted = await tx
    .insert(idempotencyKeys)
    .values({ scope, key, action, digest, at: now })
    .onConflictDoNothing()
    .returning({ key: idempotencyKeys.key });
  if (inserted.length > 0) return null;
  const [known] = await tx
    .select()
    .from(idempotencyKeys)
    .where(and(eq(idempotencyKeys.scope, scope), eq(idempotencyKeys.key, key)));
  if (known?.action !== action || known.digest !== digest)
    throw new ControlError({ code: 'CONFLICT', reason: 'the idempotency key was used for another call' });
  return { result: known.result as T };
}

async function keepResult<T>({ tx, actor }: Unit, wanted: Wanted<T>, result: T): Promise<void> {
  const { idempotencyKey: key, replayed = (same: T) => same } = wanted;
  if (key === undefined) return;
  await tx
    .update(idempotencyKeys)
    .set({ result: replayed(result) })
    .where(and(eq(idempotencyKeys.scope, keyScope(actor)), eq(idempotencyKeys.key, key)));
}

/** Keys of one caller never meet those of another. */
function keyScope({ subject, tenantId }: Actor): string {
  return JSON.stringify([tenantId, subject]);
}

function duplicateOf(fault: unknown): ControlError | null {
  for (let cause = fault; cause instanceof Error; cause = cause.cause) {
    if ((cause as { code?: unknown }).code === UNIQUE_VIOLATION)
      return new ControlError({ code: 'CONFLICT', reason: 'it exists already' }, { cause: fault });
  }
  return null;
}
