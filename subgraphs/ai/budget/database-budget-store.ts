import pg from 'pg';
import type { Finding } from '../guardrails/finding.ts';
import type { BudgetStore, Demand, Held } from './budget-store.ts';
import type { Amount } from './price-table.ts';
import type { Reserved, Settlement } from './usage-record.ts';

/** Runs one statement. */
export interface BudgetDatabase {
  query(
    text: string,
    values: readonly unknown[],
  ): Promise<{ readonly rows: readonly Record<string, unknown>[] }>;
  close(): Promise<void>;
}

/** How the database is reached. */
export interface BudgetDatabaseOptions {
  /** `postgres://`; its user is a member of the role `portcullis_ai`. */
  readonly url: string;
  /** Longest time one statement may take, and to wait for a connection. */
  readonly timeoutMs: number;
  readonly connectionsMax: number;
  /** Told of a connection that breaks while nobody uses it. */
  readonly onFault: (fault: unknown) => void;
}

const DAY_MS = 86_400_000;

/** Connections that can call the functions of budgets and see no table. */
export function openBudgetDatabase(options: BudgetDatabaseOptions): BudgetDatabase {
  const { url, timeoutMs, connectionsMax, onFault } = options;
  const pool = new pg.Pool({
    ...{ connectionString: url, max: connectionsMax, application_name: 'portcullis-ai' },
    ...{ connectionTimeoutMillis: timeoutMs, statement_timeout: timeoutMs, query_timeout: timeoutMs },
    options: '-c role=portcullis_ai',
  });
  pool.on('error', onFault);
  return {
    query: (text, values) => pool.query(text, [...values]),
    close: () => pool.end(),
  };
}

/** Budgets that processes share, in the database of the control plane. Each step is one statement. */
export class DatabaseBudgetStore implements BudgetStore {
  readonly #database: BudgetDatabase;
  readonly #now: () => number;
  readonly #retentionMs: number;

  constructor(
    database: BudgetDatabase,
    { now, retentionDays }: { readonly now: () => number; readonly retentionDays: number },
  ) {
    this.#database = database;
    this.#now = now;
    this.#retentionMs = retentionDays * DAY_MS;
  }

  async reserve({ record, demands }: Held): Promise<readonly Demand[]> {
    const { reserved, at, settleBy, ...call } = record;
    const { rows } = await this.#database.query('SELECT ai_reserve($1, $2) AS lacking', [
      JSON.stringify({ ...call, ...reserved, at: timeOf(at), settleBy: timeOf(settleBy) }),
      JSON.stringify(
        demands.map(({ key, measure, limit, window }) => ({
          ...{ key, amount: reserved[measure], most: limit, ends_at: timeOf(window.endsAt) },
        })),
      ),
    ]);
    const lacking = rows[0]?.['lacking'];
    // An answer that is no list is no permission.
    if (!Array.isArray(lacking)) throw new TypeError('the database does not answer as it should');
    return demands.filter(({ key }) => lacking.includes(key));
  }

  async settle({ record: { id, reserved }, demands }: Held, settlement: Settlement): Promise<void> {
    const { settled, counts, source, finish } = settlement;
    const changes = demands.map(({ key, measure }) => ({
      key,
      amount: settled[measure] - reserved[measure],
    }));
    await this.#database.query('SELECT ai_settle($1, $2, $3)', [
      id,
      JSON.stringify({ ...settled, ...counts, source, finish, at: timeOf(this.#now()) }),
      JSON.stringify(changes),
    ]);
  }

  async recordSaved({ reserved: _reserved, at, settleBy, ...call }: Reserved, saved: Amount): Promise<void> {
    await this.#database.query('SELECT ai_record_saved($1)', [
      JSON.stringify({ ...call, ...saved, at: timeOf(at), settleBy: timeOf(settleBy) }),
    ]);
  }

  async recordBlocked(
    { reserved: _reserved, at, settleBy, ...call }: Reserved,
    findings: readonly Finding[],
  ) {
    await this.#database.query('SELECT ai_record_blocked($1)', [
      JSON.stringify({ ...call, findings, at: timeOf(at), settleBy: timeOf(settleBy) }),
    ]);
  }

  async recordFindings(id: string, findings: readonly Finding[]): Promise<boolean> {
    const { rows } = await this.#database.query('SELECT ai_record_findings($1, $2) AS recorded', [
      id,
      JSON.stringify(findings),
    ]);
    return rows[0]?.['recorded'] === true;
  }

  async sweep(nowMs: number): Promise<number> {
    const { rows } = await this.#database.query('SELECT ai_sweep($1, $2) AS swept', [
      timeOf(nowMs),
      timeOf(nowMs - this.#retentionMs),
    ]);
    return Number(rows[0]?.['swept']);
  }

  close(): Promise<void> {
    return this.#database.close();
  }
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString();
}
