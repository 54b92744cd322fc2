import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { openDatabase } from '../../src/control/database-pool.ts';
import { embeddedDatabase } from './embedded-database.ts';

const CHILD = fileURLToPath(new URL('./crash-child.ts', import.meta.url));
const KILLS = 3;
const url = embeddedDatabase();
const directory = url.slice('pglite://'.length);

const open = () =>
  openDatabase({
    ...{ url, timeoutMs: 10_000, connectionsMax: 1 },
    onFault: () => undefined,
  });

type Child = ChildProcessByStdio<null, Readable, null>;

/** Runs until the child has approved something, then a little further, and kills it wherever it is. */
async function killed(round: number): Promise<readonly string[]> {
  const child: Child = spawn(process.execPath, [CHILD, directory, String(round)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    const isFirst = text === '';
    text += chunk;
    // Somewhere in the seven or so changes that follow.
    if (isFirst) setTimeout(() => child.kill('SIGKILL'), 3 + round * 22);
  });
  const [, signal] = await once(child, 'close');
  expect(signal).toBe('SIGKILL');
  return text.split('\n').slice(0, -1);
}

/** Changes of which something is missing: none, or the transactions are not what they should be. */
const HALVES = `
  SELECT s.id FROM subscriptions s WHERE s.state = 'ACTIVE' AND (
    NOT EXISTS (SELECT 1 FROM approvals a WHERE a.subscription_id = s.id)
    OR NOT EXISTS (SELECT 1 FROM control_events e WHERE e.entity_id = s.id AND e.action = 'subscription.approve')
    OR NOT EXISTS (SELECT 1 FROM outbox o WHERE o.payload->>'id' = s.id AND o.topic = 'subscription.approve'))
  UNION ALL SELECT a.id FROM approvals a JOIN subscriptions s ON s.id = a.subscription_id WHERE s.state <> 'ACTIVE'
  UNION ALL SELECT e.id FROM control_events e WHERE NOT EXISTS (
    SELECT 1 FROM outbox o WHERE o.payload->>'id' = e.entity_id AND o.topic = e.action)`;

describe('a process that is killed while it changes the control plane', () => {
  it('leaves every change whole or not made, and none lost that it told of', async () => {
    const told: string[] = [];
    for (let round = 0; round < KILLS; round += 1) {
      told.push(...(await killed(round)));
      const database = await open();
      try {
        const [halves, active, counts] = await database.asOwner(async (client) => [
          (await client.query(HALVES)).rows,
          (await client.query(`SELECT id FROM subscriptions WHERE state = 'ACTIVE'`)).rows.map(({ id }) =>
            String(id),
          ),
          (
            await client.query(
              `SELECT (SELECT version::int FROM control_version) AS version, count(*)::int AS events FROM control_events`,
            )
          ).rows[0],
        ]);
        expect(halves).toEqual([]);
        expect(told.filter((id) => !active.includes(id))).toEqual([]);
        // Each change of the seed and of the approval writes one event and grows the version by one.
        expect(counts).toEqual({ version: (counts?.['events'] ?? 0) + 1, events: counts?.['events'] });
      } finally {
        await database.close();
      }
    }
    expect(told.length).toBeGreaterThanOrEqual(KILLS);
    expect(existsSync(`${directory}.lock`)).toBe(false);
  });

  it('keeps a second one out while it lives', async () => {
    const first = await open();
    try {
      await expect(open()).rejects.toMatchObject({ code: 'CONTROL_PLANE_UNAVAILABLE' });
    } finally {
      await first.close();
    }
    expect(existsSync(`${directory}.lock`)).toBe(false);
  });
});
