import { randomBytes } from 'node:crypto';
import { keyWrapperOf } from '../../../src/control/key-command-client.ts';
import { ulids } from '../../../src/control/ulid.ts';
import { openBudgetDatabase } from '../budget/database-budget-store.ts';
import type { BodiesConfig } from './bodies-config.ts';
import { BodyLog } from './body-log.ts';
import { DatabaseBodyStore } from './database-body-store.ts';

/** Nobody waits for it, but what waits is bounded. Units: milliseconds. */
const STATEMENT_TIMEOUT_MS = 5_000;
const CONNECTIONS_MAX = 2;
/** How often what has ended is taken away. */
const SWEEP_MS = 60_000;

/** Starts to keep questions and answers of the tenants that want it; until the first answer there are none. */
export function startBodies(
  config: BodiesConfig,
  { databaseUrl, log }: { readonly databaseUrl: string; readonly log: (line: string) => void },
): { readonly bodies: BodyLog; readonly close: () => Promise<void> } {
  const tell = (fault: object): void => log(JSON.stringify({ level: 'error', subgraph: 'ai', ...fault }));
  const makeId = ulids(Date.now, randomBytes);
  const database = openBudgetDatabase({
    ...{ url: databaseUrl, timeoutMs: STATEMENT_TIMEOUT_MS, connectionsMax: CONNECTIONS_MAX },
    onFault: (fault) =>
      tell({ fault: 'connection lost', errorName: fault instanceof Error ? fault.name : typeof fault }),
  });
  const wrapper = keyWrapperOf(config, randomBytes);
  if (wrapper === null) throw new TypeError('nothing seals');
  const bodies = new BodyLog({
    ...{ config, store: new DatabaseBodyStore(database), randomBytes, now: Date.now, onFault: tell },
    ...{ wrapper, newId: () => makeId('bdy') },
  });
  void bodies.poll();
  const timers = [
    setInterval(() => void bodies.poll(), config.pollMs).unref(),
    setInterval(() => void bodies.sweep(), SWEEP_MS).unref(),
  ];
  return {
    bodies,
    close: async () => {
      for (const timer of timers) clearInterval(timer);
      await bodies.close();
    },
  };
}
