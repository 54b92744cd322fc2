import type { Recorded } from './actor.ts';
import type { ControlDatabase } from './database-pool.ts';
import { and, asc, eq, inArray, isNull, lt, or, sql } from './drizzle.ts';
import { outbox } from './tables.ts';

/** One notification that waits to be delivered. */
export interface Notification {
  readonly id: string;
  readonly tenantId: string | null;
  readonly topic: string;
  readonly payload: Recorded;
  /** Units: milliseconds since the epoch. */
  readonly at: number;
  /** How often it was sent in vain. */
  readonly attempts: number;
}

/** Notifications of changes: written with them, delivered at least once, forgotten in the end. */
export class OutboxStore {
  readonly #database: ControlDatabase;

  constructor(database: ControlDatabase) {
    this.#database = database;
  }

  /** Takes the oldest that nobody else delivers, until a time at which others may try. Units: milliseconds since the epoch. */
  claim(max: number, nowMs: number, untilMs: number): Promise<readonly Notification[]> {
    return this.#database.transact(null, async (tx) => {
      const free = await tx
        .select({ id: outbox.id })
        .from(outbox)
        .where(
          and(isNull(outbox.deliveredAt), or(isNull(outbox.claimedUntil), lt(outbox.claimedUntil, nowMs))),
        )
        .orderBy(asc(outbox.id))
        .limit(max)
        .for('update', { skipLocked: true });
      if (free.length === 0) return [];
      const claimed = await tx
        .update(outbox)
        .set({ claimedUntil: untilMs })
        .where(
          inArray(
            outbox.id,
            free.map(({ id }) => id),
          ),
        )
        .returning();
      return claimed.sort((one, other) => (one.id < other.id ? -1 : 1));
    });
  }

  /** Notes that one has arrived. */
  async delivered(id: string, atMs: number): Promise<void> {
    await this.#database.transact(null, (tx) =>
      tx.update(outbox).set({ deliveredAt: atMs }).where(eq(outbox.id, id)),
    );
  }

  /** Notes that one has not arrived, and when it is tried again. */
  async failed(id: string, againAtMs: number): Promise<void> {
    await this.#database.transact(null, (tx) =>
      tx
        .update(outbox)
        .set({ claimedUntil: againAtMs, attempts: sql`${outbox.attempts} + 1` })
        .where(eq(outbox.id, id)),
    );
  }

  /** Forgets what is older than a time, delivered or not; tells how many had never arrived. */
  async forget(beforeMs: number): Promise<number> {
    const gone = await this.#database.transact(null, (tx) =>
      tx.delete(outbox).where(lt(outbox.at, beforeMs)).returning({ deliveredAt: outbox.deliveredAt }),
    );
    return gone.filter(({ deliveredAt }) => deliveredAt === null).length;
  }
}
