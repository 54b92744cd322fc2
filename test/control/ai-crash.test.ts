import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, vi } from 'vitest';
import { DatabaseBudgetStore } from '../../subgraphs/ai/budget/database-budget-store.ts';
import { NOW } from '../subgraphs/ai/budget/budget-kit.ts';
import { useTestControl } from './use-test-control.ts';

const CHILD = fileURLToPath(new URL('./ai-crash-child.ts', import.meta.url));
const CALLS_BEFORE = 40;
const test = useTestControl();

/** Runs until the process has made some calls, kills it in the middle of others, and waits until the server has done what it was told. */
async function killed(): Promise<void> {
  const child = spawn(process.execPath, [CHILD, test.url], { stdio: ['ignore', 'pipe', 'inherit'] });
  let calls = 0;
  child.stdout.on('data', (chunk: Buffer) => {
    calls += chunk.length;
    if (calls >= CALLS_BEFORE) child.kill('SIGKILL');
  });
  const [, signal] = await once(child, 'close');
  expect(signal).toBe('SIGKILL');
  await vi.waitFor(async () => expect(await connections()).toBe(0));
}

/** Statements that had arrived run to their end after the process has. */
async function connections(): Promise<number> {
  const { rows } = await test.database.asOwner((client) =>
    client.query(`SELECT count(*)::int AS held FROM pg_stat_activity
      WHERE datname = current_database() AND application_name = 'portcullis-ai'`),
  );
  return rows[0].held;
}

async function totals() {
  const { rows } = await test.database.asOwner((client) =>
    client.query(`SELECT
      (SELECT sum(used)::int FROM ai_windows) AS used,
      count(*) FILTER (WHERE settled_at IS NULL)::int AS open,
      sum(reserved_micro_usd) FILTER (WHERE settled_at IS NULL OR finish = 'lost')::int AS held,
      coalesce(sum(settled_micro_usd) FILTER (WHERE finish <> 'lost'), 0)::int AS settled
      FROM ai_usage`),
  );
  return rows[0];
}

describe('an AI process that is killed in the middle of its calls', () => {
  it('leaves every call counted, and what nobody settled settles at its reservation', async () => {
    await killed();
    const before = await totals();
    expect(before.open).toBeGreaterThan(0);
    expect(before.used).toBe(before.held + before.settled);

    const store = new DatabaseBudgetStore(
      {
        query: (text, values) => test.database.asOwner((client) => client.query(text, [...values])),
        close: async () => undefined,
      },
      { now: () => NOW, retentionDays: 30 },
    );
    expect(await store.sweep(NOW)).toBe(0);
    expect(await store.sweep(NOW + 900_000)).toBe(before.open);
    expect(await totals()).toEqual({ ...before, open: 0 });
  });
});
