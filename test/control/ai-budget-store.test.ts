import { afterAll, describe, expect, inject, it } from 'vitest';
import { sql } from '../../src/control/drizzle.ts';
import {
  type BudgetDatabase,
  DatabaseBudgetStore,
  openBudgetDatabase,
} from '../../subgraphs/ai/budget/database-budget-store.ts';
import { held, NOW, settled } from '../subgraphs/ai/budget/budget-kit.ts';
import { budgetStoreContract } from '../subgraphs/ai/budget/budget-store-contract.ts';
import { useTestControl } from './use-test-control.ts';

const test = useTestControl();
const HELD = { now: () => NOW, retentionDays: 30 };

/** The database of this run as the AI process reaches it: where it is a server over its own connections, else within this process. */
function open(): BudgetDatabase {
  if (inject('postgres') != null)
    return openBudgetDatabase({
      ...{ url: test.url, timeoutMs: 10_000, connectionsMax: 8 },
      onFault: (fault) => {
        throw fault;
      },
    });
  return {
    query: (text, values) => test.database.asOwner((client) => client.query(text, [...values])),
    close: async () => undefined,
  };
}

let opened: BudgetDatabase | null = null;
function database(): BudgetDatabase {
  opened ??= open();
  return opened;
}

afterAll(() => opened?.close());

const one = async (query: string, values: readonly unknown[] = []) =>
  (await test.database.asOwner((client) => client.query(query, [...values]))).rows[0];

describe('budgets in a database', () => {
  budgetStoreContract(
    () => ({
      store: new DatabaseBudgetStore(database(), HELD),
      usedOf: async (key) =>
        Number((await one('SELECT used FROM ai_windows WHERE key = $1', [key]))?.['used'] ?? 0),
      openCount: async () =>
        Number((await one('SELECT count(*) FROM ai_usage WHERE settled_at IS NULL'))?.['count']),
    }),
    { runs: 6 },
  );

  it('forgets windows that have ended and records that are old, and no others', async () => {
    const store = new DatabaseBudgetStore(database(), HELD);
    const call = held({ tokens: 1, microUsd: 1 }, { 'tok-forgotten': 10 });
    await store.reserve(call);
    await store.settle(call, settled(1, 1));
    const count = async () => [
      (await one(`SELECT count(*)::int AS n FROM ai_windows WHERE key = 'tok-forgotten'`))?.['n'],
      (await one('SELECT count(*)::int AS n FROM ai_usage WHERE id = $1', [call.record.id]))?.['n'],
    ];
    await store.sweep(NOW);
    expect(await count()).toEqual([1, 1]);
    // A process whose clock is behind may still count in a window that has ended for others.
    const endsAt = call.demands[0]?.window.endsAt ?? Number.NaN;
    await store.sweep(endsAt + 3_600_000);
    expect(await count()).toEqual([1, 1]);
    await store.sweep(endsAt + 3_600_001);
    expect(await count()).toEqual([0, 1]);
    await store.sweep(NOW + 31 * 86_400_000);
    expect(await count()).toEqual([0, 0]);
  });

  it('forgets a bounded part at a time, however much there is', async () => {
    const store = new DatabaseBudgetStore(database(), HELD);
    await one(`INSERT INTO ai_usage (id, tenant_id, model, reserved_tokens, reserved_micro_usd, at, settle_by)
      SELECT 'use_old_' || n, 'ten_old', 'm', 1, 1, '2001-01-01Z', '2001-01-01Z' FROM generate_series(1, 5001) AS n`);
    const counts = async () =>
      one(
        `SELECT count(*)::int AS kept, count(settled_at)::int AS settled FROM ai_usage WHERE tenant_id = 'ten_old'`,
      );
    const longAgo = Date.UTC(2002, 0, 1);
    expect([await store.sweep(longAgo), await counts()]).toEqual([5000, { kept: 5001, settled: 5000 }]);
    expect([await store.sweep(longAgo), await counts()]).toEqual([1, { kept: 5001, settled: 5001 }]);
    await store.sweep(NOW);
    expect(await counts()).toEqual({ kept: 1, settled: 1 });
    await store.sweep(NOW);
    expect(await counts()).toEqual({ kept: 0, settled: 0 });
  });

  it('shows a tenant its own records only, and lets the control plane change none', async () => {
    const store = new DatabaseBudgetStore(database(), HELD);
    const [ours, theirs] = ['ten_ours', 'ten_theirs'].map((tenant) =>
      held({ tokens: 1, microUsd: 1 }, {}, { tenant }),
    );
    for (const call of [ours, theirs]) if (call !== undefined) await store.reserve(call);
    const rows = await test.database.transact('ten_ours', (tx) =>
      tx.execute(sql`SELECT DISTINCT tenant_id FROM ai_usage`),
    );
    expect(rows.rows).toEqual([{ tenant_id: 'ten_ours' }]);
    for (const change of [sql`DELETE FROM ai_usage`, sql`UPDATE ai_windows SET used = 0`])
      await expect(test.database.transact(null, (tx) => tx.execute(change))).rejects.toThrow();
  });

  it('lets the AI process see no table', async () => {
    await expect(
      test.database.asOwner(async (client) => {
        await client.query('BEGIN');
        try {
          await client.query('SET LOCAL ROLE portcullis_ai');
          await client.query('SELECT * FROM tenants');
        } finally {
          await client.query('ROLLBACK');
        }
      }),
    ).rejects.toMatchObject({ code: '42501' });
  });

  it('reads and writes no table of the AI process in place of its own', async () => {
    const budgets = await test.database.asOwner(async (client) => {
      await client.query('BEGIN');
      try {
        await client.query('SET LOCAL ROLE portcullis_ai');
        await client.query(
          'CREATE TEMP TABLE ai_windows (key text PRIMARY KEY, used bigint, ends_at timestamptz)',
        );
        await client.query('CREATE TEMP TABLE ai_usage (id text)');
        // What a trigger of that table would do, it would do with the rights of the owner.
        await client.query(`CREATE FUNCTION pg_temp.take() RETURNS trigger LANGUAGE plpgsql AS $$
          BEGIN RAISE 'ran as %', current_user; END $$`);
        await client.query('CREATE TRIGGER take BEFORE INSERT ON ai_windows EXECUTE FUNCTION pg_temp.take()');
        const values = ['{}', JSON.stringify([{ key: 'mine', amount: 5, most: 1, ends_at: '2027-01-01Z' }])];
        return (await client.query('SELECT ai_reserve($1, $2) AS lacking', values)).rows[0];
      } finally {
        await client.query('ROLLBACK');
      }
    });
    expect(budgets).toEqual({ lacking: ['mine'] });
  });

  it('has no function that runs as its owner and looks for tables of the session first', async () => {
    const { rows } = await test.database.asOwner((client) =>
      client.query(`SELECT proname FROM pg_proc WHERE prosecdef AND pronamespace = current_schema()::regnamespace
        AND array_to_string(proconfig, ' ') !~ 'search_path=.*, pg_temp$'`),
    );
    expect(rows).toEqual([]);
  });

  it('does not take an answer that it cannot read for a permission', async () => {
    const mute: BudgetDatabase = { query: async () => ({ rows: [] }), close: async () => undefined };
    const store = new DatabaseBudgetStore(mute, HELD);
    await expect(store.reserve(held({ tokens: 1, microUsd: 0 }, {}))).rejects.toThrow(TypeError);
  });
});
