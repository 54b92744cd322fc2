import type { SQL } from 'drizzle-orm';
import { type Actor, requirePlatform } from './actor.ts';
import { type AiBody, BODY_COLUMNS, SEALED_COLUMNS, type SealedBodyRow } from './ai-bodies-store.ts';
import { aiBodyContext } from './ai-body-context.ts';
import { ControlError } from './control-error.ts';
import { or, sql } from './drizzle.ts';
import { type KeyWrapper, NotOpenedError, rewrap, unseal } from './envelope.ts';
import { text } from './input.ts';
import { tenants } from './tables.ts';
import { change, read, type UnitDeps } from './unit-of-work.ts';

export interface AiBodyCustodyDeps extends UnitDeps {
  readonly wrapper: KeyWrapper;
  readonly randomBytes: (length: number) => Uint8Array;
}

/** Which bodies. Units: milliseconds since the epoch; `untilMs` is not included. */
export interface AiBodyFilter {
  /** Id or slug of the tenant. */
  readonly tenant: string;
  /** One alone. */
  readonly id?: string | undefined;
  readonly sinceMs?: number | undefined;
  readonly untilMs?: number | undefined;
}

/** A body; its text is null where no master key at hand opens it. */
export type OpenedAiBody = AiBody & { readonly text: string | null };

/** Read together at most, and written down together before anybody sees them. */
const PAGE = 50;
const REWRAPPED_AT_ONCE = 500;

/**
 * Kept questions and answers in the hands of who runs the gateway: whoever has the master key and the database needs to prove nothing more.
 * Invariant: nothing is told before it is written down who reads it and why. No change of the control plane waits for a key service: what it
 * is asked for is had before the change begins.
 */
export class AiBodyCustodyStore {
  readonly #deps: AiBodyCustodyDeps;

  constructor(deps: AiBodyCustodyDeps) {
    this.#deps = deps;
  }

  /** Oldest first, without what they say. Throws: FORBIDDEN, NOT_FOUND. */
  async *list(actor: Actor, filter: AiBodyFilter): AsyncGenerator<AiBody, void, undefined> {
    requirePlatform(actor);
    const tenantId = await this.#tenantId(actor, filter.tenant);
    for (let after = ''; ; ) {
      const rows = await read(this.#deps, actor, async (tx) => {
        const query = sql`SELECT ${BODY_COLUMNS} FROM ai_bodies WHERE ${this.#conditionOf(tenantId, filter, after)} ORDER BY id LIMIT ${PAGE}`;
        return (await tx.execute<AiBody & Record<string, unknown>>(query)).rows;
      });
      yield* rows;
      const last = rows.at(-1);
      if (last === undefined || rows.length < PAGE) return;
      after = last.id;
    }
  }

  /**
   * Oldest first, with what they say: one alone, then twice as many, so that whoever stops reading leaves no more written down as read and
   * not seen than were seen. Throws: FORBIDDEN, NOT_FOUND, INVALID_INPUT.
   */
  async *open(
    actor: Actor,
    { reason: given, ...filter }: AiBodyFilter & { readonly reason: string },
  ): AsyncGenerator<OpenedAiBody, void, undefined> {
    requirePlatform(actor);
    const reason = text('reason', given, 2000);
    const tenantId = await this.#tenantId(actor, filter.tenant);
    for (let [after, limit] = ['', 1]; ; limit = Math.min(PAGE, limit * 2)) {
      const opened = await this.#openPage(
        actor,
        { condition: this.#conditionOf(tenantId, filter, after), limit },
        reason,
      );
      yield* opened;
      const last = opened.at(-1);
      if (last === undefined || opened.length < limit) return;
      after = last.id;
    }
  }

  /**
   * Puts all under the current master key, so that an older one can go; what does not open stays as it is, and is counted.
   * Throws: FORBIDDEN.
   */
  async rewrapAll(actor: Actor): Promise<{ readonly rewrapped: number; readonly failed: number }> {
    requirePlatform(actor);
    const { wrapper, randomBytes } = this.#deps;
    const { keyId: current } = await wrapper.wrap(randomBytes(32));
    let [rewrapped, failed] = [0, 0];
    for (let after = ''; ; ) {
      const done = await this.#rewrapSome(actor, { current, after });
      rewrapped += done.rewrapped;
      failed += done.failed;
      if (done.last === null) return { rewrapped, failed };
      after = done.last;
    }
  }

  async #openPage(
    actor: Actor,
    { condition, limit }: { readonly condition: SQL; readonly limit: number },
    reason: string,
  ): Promise<readonly OpenedAiBody[]> {
    const query = sql`SELECT ${BODY_COLUMNS}, ${SEALED_COLUMNS} FROM ai_bodies WHERE ${condition} ORDER BY id LIMIT ${limit}`;
    const opened: OpenedAiBody[] = [];
    for (const { keyId, wrappedKey, sealed, ...body } of await this.#rows(actor, query)) {
      const opening = unseal({ keyId, wrappedKey, sealed }, aiBodyContext(body), this.#deps.wrapper);
      opened.push({ ...body, text: await opening.catch(whereClosed) });
    }
    const seen = opened.filter(({ text: said }) => said !== null);
    const wanted = { action: 'aiBody.read', input: null, idempotencyKey: undefined };
    if (seen.length > 0)
      await change(this.#deps, actor, wanted, async ({ record }) => {
        for (const { id, tenantId } of seen)
          await record({ action: 'aiBody.read', entity: 'aiBody', id, tenantId, after: { reason } });
      });
    return opened;
  }

  async #rewrapSome(actor: Actor, { current, after }: { readonly current: string; readonly after: string }) {
    const query = sql`SELECT ${BODY_COLUMNS}, ${SEALED_COLUMNS} FROM ai_bodies WHERE key_id <> ${current} AND id > ${after}
      ORDER BY id LIMIT ${REWRAPPED_AT_ONCE}`;
    const rows = await this.#rows(actor, query);
    const moved: Pick<SealedBodyRow, 'id' | 'keyId' | 'wrappedKey'>[] = [];
    for (const row of rows) {
      const made = await rewrap(row, this.#deps.wrapper).catch(whereClosed);
      if (made !== null) moved.push({ ...made, id: row.id });
    }
    const rewrapped = moved.length;
    if (rewrapped > 0) await this.#keepMoved(actor, moved, current);
    const last = rows.length < REWRAPPED_AT_ONCE ? null : (rows.at(-1)?.id ?? null);
    return { rewrapped, failed: rows.length - rewrapped, last };
  }

  /** What ended meanwhile stays away. */
  #keepMoved(
    actor: Actor,
    moved: readonly Pick<SealedBodyRow, 'id' | 'keyId' | 'wrappedKey'>[],
    current: string,
  ): Promise<void> {
    const action = 'aiBody.rewrap';
    const wanted = { action, input: null, idempotencyKey: undefined };
    return change(this.#deps, actor, wanted, async ({ tx, record }) => {
      for (const { id, keyId, wrappedKey } of moved)
        await tx.execute(
          sql`UPDATE ai_bodies SET key_id = ${keyId}, wrapped_key = ${wrappedKey} WHERE id = ${id}`,
        );
      const after = { rewrapped: moved.length };
      await record({ action, entity: 'aiBodies', id: current, tenantId: null, after });
    });
  }

  async #rows(actor: Actor, query: SQL): Promise<readonly SealedBodyRow[]> {
    return read(this.#deps, actor, async (tx) => {
      return (await tx.execute<SealedBodyRow & Record<string, unknown>>(query)).rows;
    });
  }

  #conditionOf(tenantId: string, { id, sinceMs, untilMs }: AiBodyFilter, after: string): SQL {
    const timeOf = (ms: number): string => new Date(ms).toISOString();
    return sql.join(
      [
        sql`tenant_id = ${tenantId} AND id > ${after} AND expires_at > ${timeOf(this.#deps.now())}`,
        ...(id === undefined ? [] : [sql`id = ${id}`]),
        ...(sinceMs === undefined ? [] : [sql`at >= ${timeOf(sinceMs)}`]),
        ...(untilMs === undefined ? [] : [sql`at < ${timeOf(untilMs)}`]),
      ],
      sql` AND `,
    );
  }

  async #tenantId(actor: Actor, tenant: string): Promise<string> {
    const [row] = await read(this.#deps, actor, (tx) =>
      tx
        .select({ id: tenants.id })
        .from(tenants)
        .where(or(sql`${tenants.id} = ${tenant}`, sql`${tenants.slug} = ${tenant}`))
        .limit(1),
    );
    if (row === undefined) throw new ControlError({ code: 'NOT_FOUND', entity: 'tenant' });
    return row.id;
  }
}

/** One that no master key at hand opens is told of and passed over; a key service that fails ends what is done. */
function whereClosed(error: unknown): null {
  if (error instanceof NotOpenedError) return null;
  throw error;
}
