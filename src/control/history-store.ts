import { type Actor, requirePlatform } from './actor.ts';
import type { ControlDatabase } from './database-pool.ts';
import { and, asc, eq, gt, lt } from './drizzle.ts';
import { type Page, type PageInput, paged, pageOf } from './input.ts';
import { type Approval, approvals, type ControlEvent, controlEvents, idempotencyKeys } from './tables.ts';
import { read } from './unit-of-work.ts';

/** What was done to whom and by whom. */
export class HistoryStore {
  readonly #database: ControlDatabase;

  constructor(database: ControlDatabase) {
    this.#database = database;
  }

  /** Events of one entity in their order. Throws: INVALID_INPUT. */
  async of(actor: Actor, entityId: string, page: PageInput): Promise<Page<ControlEvent>> {
    const { limit, after } = pageOf(page);
    const rows = await read({ database: this.#database }, actor, (tx) =>
      tx
        .select()
        .from(controlEvents)
        .where(and(eq(controlEvents.entityId, entityId), gt(controlEvents.id, after)))
        .orderBy(asc(controlEvents.id))
        .limit(limit),
    );
    return paged(rows, limit, ({ id }) => id);
  }

  /** Decisions on a subscription, those that an edit has voided included. */
  approvals(actor: Actor, subscriptionId: string): Promise<readonly Approval[]> {
    return read({ database: this.#database }, actor, (tx) =>
      tx
        .select()
        .from(approvals)
        .where(eq(approvals.subscriptionId, subscriptionId))
        .orderBy(asc(approvals.id))
        .limit(1000),
    );
  }

  /** Forgets the keys of calls that nobody repeats any more. */
  async forgetCalls(actor: Actor, beforeMs: number): Promise<void> {
    requirePlatform(actor);
    await read({ database: this.#database }, actor, (tx) =>
      tx.delete(idempotencyKeys).where(lt(idempotencyKeys.at, beforeMs)),
    );
  }
}
