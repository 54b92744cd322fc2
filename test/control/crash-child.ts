import { randomBytes } from 'node:crypto';
import { flushCompileCache } from 'node:module';
import { createControlPlane } from '../../src/control/control-plane.ts';
import { openDatabase } from '../../src/control/database-pool.ts';
import { migrate } from '../../src/control/migrate.ts';
import { readMigrations } from '../../src/control/migrations-source.ts';
import { admin, MIGRATIONS, REQUEST_TTL_MS, STEP_UP, seed, submit } from './database-kit.ts';

/** Changes the control plane in the directory of its argument until it is killed, and prints each approval that is done. */
const [, , directory = '', round = ''] = process.argv;
const database = await openDatabase({
  ...{ url: `pglite://${directory}`, timeoutMs: 10_000, connectionsMax: 1 },
  onFault: () => undefined,
});
await migrate(database, await readMigrations(MIGRATIONS));
// The next child starts with what this one has compiled, though it is killed.
flushCompileCache();
const clock = { now: Date.now() };
const control = createControlPlane({
  ...{ database, randomBytes, stepUp: STEP_UP, requestTtlMs: REQUEST_TTL_MS, hasAuditIndex: true },
  ...{ pepper: Buffer.alloc(32, 7), now: Date.now, onChange: () => undefined },
});
for (let at = 0; ; at += 1) {
  const asked = await submit({ control }, await seed({ control }, { name: `${round}-${at}` }));
  clock.now = Date.now();
  const { id, requestVersion } = asked;
  await control.requests.decide(admin('ada', { clock }), {
    id,
    requestVersion,
    decision: 'approve',
    comment: '',
  });
  process.stdout.write(`${id}\n`);
}
