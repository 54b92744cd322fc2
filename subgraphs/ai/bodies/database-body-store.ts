import { z } from 'zod';
import type { BudgetDatabase } from '../budget/database-budget-store.ts';
import type { BodyStore, BodyTenant, SealedBody } from './body-log.ts';

const tenantsSchema = z.array(
  z.object({ id: z.string(), slug: z.string(), mode: z.enum(['redacted', 'full']) }),
);

/** Bodies in the database of the control plane, by functions that see no table. */
export class DatabaseBodyStore implements BodyStore {
  readonly #database: BudgetDatabase;

  constructor(database: BudgetDatabase) {
    this.#database = database;
  }

  async tenants(): Promise<readonly BodyTenant[]> {
    const { rows } = await this.#database.query('SELECT id, slug, mode FROM ai_body_tenants()', []);
    return tenantsSchema.parse(rows);
  }

  async keep({ at, ...body }: SealedBody): Promise<boolean> {
    const { rows } = await this.#database.query('SELECT ai_keep_body($1) AS kept', [
      JSON.stringify({ ...body, at: new Date(at).toISOString() }),
    ]);
    return rows[0]?.['kept'] === true;
  }

  async forget(): Promise<void> {
    await this.#database.query('SELECT ai_forget_bodies()', []);
  }

  close(): Promise<void> {
    return this.#database.close();
  }
}
