import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { SYSTEM } from '../../../src/control/actor.ts';
import { AuditIndexStore, type IndexedEvent } from '../../../src/control/audit-index-store.ts';
import { AuditSearchStore } from '../../../src/control/audit-search-store.ts';
import { type ControlDatabase, openDatabase } from '../../../src/control/database-pool.ts';
import { sql } from '../../../src/control/drizzle.ts';
import { migrate } from '../../../src/control/migrate.ts';
import { readMigrations } from '../../../src/control/migrations-source.ts';
import { COMMON, digestOf, history, LARGEST, RARE, SUBJECT, USUAL } from './history.ts';

export const AUDIT_INDEX_USAGE = `Measures searches in the index of the audit on the embedded database.

  npm run bench -- audit-index [--events N] [--database URL]

  --events N      events of one month (1,000,000)
  --database URL  pglite://DIRECTORY or postgres://… instead of a new directory; one that has events is searched as it is
`;

/** What the issue allows a search by tenant and coordinate. */
const SEARCH_MS_MAX = 1000;
const BATCH = 2000;
const REPEATS = 5;
const DAY_MS = 86_400_000;
const MIGRATIONS = join(import.meta.dirname, '../../../schema/migrations');

/** One search, and whether its time is held against the mark. */
interface Case {
  readonly name: string;
  readonly isMarked: boolean;
  run(): Promise<{ readonly items: readonly unknown[] }>;
}

/** Runs it; the status to exit with: 1 where a search by tenant and coordinate takes a second or more. */
export async function benchAuditIndex(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: { events: { type: 'string', default: '1000000' }, database: { type: 'string' } },
  });
  const events = Number(values.events);
  if (!(events >= 1 && events <= 10_000_000)) throw new RangeError('--events is from 1 to 10,000,000');
  await using opened = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), 'portcullis-bench-'));
  opened.defer(() => rm(directory, { recursive: true, force: true }));
  const database = await openDatabase({
    url: values.database ?? `pglite://${join(directory, randomBytes(4).toString('hex'))}`,
    ...{ timeoutMs: 60_000, connectionsMax: 2 },
    onFault: (fault) => {
      throw fault;
    },
  });
  opened.defer(() => database.close());
  await migrate(database, await readMigrations(MIGRATIONS));
  const endMs = Date.now();
  if (await isEmpty(database)) await load(database, { events, endMs });
  let status = 0;
  for (const each of searches(database, endMs)) {
    const { ms, found } = await timed(each);
    const verdict = each.isMarked ? (ms < SEARCH_MS_MAX ? 'below a second' : 'A SECOND OR MORE') : '';
    if (each.isMarked && ms >= SEARCH_MS_MAX) status = 1;
    print(
      `${each.name.padEnd(64)}${ms.toFixed(1).padStart(9)} ms ${String(found).padStart(4)} rows  ${verdict}`,
    );
  }
  return status;
}

async function isEmpty(database: ControlDatabase): Promise<boolean> {
  const { rows } = await database.transact(null, (tx) => tx.execute(sql`SELECT FROM audit_events LIMIT 1`));
  return rows.length === 0;
}

async function load(
  database: ControlDatabase,
  { events, endMs }: { readonly events: number; readonly endMs: number },
): Promise<void> {
  const index = new AuditIndexStore(database);
  const startedMs = performance.now();
  let batch: IndexedEvent[] = [];
  let written = 0;
  const write = async () => {
    await index.write(batch);
    written += batch.length;
    batch = [];
    if (written % 50_000 === 0) process.stderr.write(`${written} events\n`);
  };
  for (const event of history(events, endMs)) {
    batch.push(event);
    if (batch.length === BATCH) await write();
  }
  if (batch.length > 0) await write();
  const seconds = (performance.now() - startedMs) / 1000;
  print(`${events} events written in batches of ${BATCH}: ${Math.round(events / seconds)} events a second`);
}

/** The slowest of some runs after a first one. */
async function timed({ run }: Case): Promise<{ readonly ms: number; readonly found: number }> {
  await run();
  let slowest = 0;
  let found = 0;
  for (let each = 0; each < REPEATS; each += 1) {
    const startedMs = performance.now();
    found = (await run()).items.length;
    slowest = Math.max(slowest, performance.now() - startedMs);
  }
  return { ms: slowest, found };
}

function searches(database: ControlDatabase, endMs: number): readonly Case[] {
  const store = new AuditSearchStore(database, { hasIndex: true });
  const page = { first: 50 };
  const events =
    (what: Parameters<AuditSearchStore['events']>[1]): Case['run'] =>
    () =>
      store.events(SYSTEM, what, page);
  const marked = (name: string, run: Case['run']): Case => ({ name, isMarked: true, run });
  const other = (name: string, run: Case['run']): Case => ({ name, isMarked: false, run });
  const weekMs = endMs - 7 * DAY_MS;
  return [
    marked('tenant and a field of most operations', events({ tenant: LARGEST, coordinate: COMMON })),
    marked('tenant and a field of some operations', events({ tenant: LARGEST, coordinate: USUAL })),
    marked('tenant and a field of one operation', events({ tenant: LARGEST, coordinate: RARE })),
    marked('tenant and a field of none', events({ tenant: LARGEST, coordinate: 'No.field' })),
    marked(
      'a small tenant and a field of most operations',
      events({ tenant: 'tenant-40', coordinate: COMMON }),
    ),
    marked('a small tenant and a field of one operation', events({ tenant: 'tenant-40', coordinate: RARE })),
    marked(
      'tenant and field, of one subject',
      events({ tenant: LARGEST, coordinate: COMMON, subject: SUBJECT }),
    ),
    marked('tenant and field, refused', events({ tenant: LARGEST, coordinate: COMMON, decision: 'deny' })),
    marked('tenant and a value that was given often', events({ tenant: LARGEST, digest: digestOf(0) })),
    marked(
      'tenant and a value that was given a few times',
      events({ tenant: LARGEST, digest: digestOf(9000) }),
    ),
    marked('tenant, field and a value', events({ tenant: LARGEST, coordinate: COMMON, digest: digestOf(0) })),
    marked('tenant and field, the twentieth page', twentieth(store)),
    marked(
      'tenant and field, of the first days',
      events({ ...{ tenant: LARGEST, coordinate: USUAL }, untilMs: endMs - 20 * DAY_MS }),
    ),
    other('a field of one operation, of all tenants', events({ coordinate: RARE })),
    other('a field of most operations, of all tenants', events({ coordinate: COMMON })),
    other('subject', events({ subject: SUBJECT })),
    other('tenant and code', events({ tenant: LARGEST, code: 'UNAUTHORIZED_FIELD_OR_TYPE' })),
    other('latest of a tenant', events({ tenant: LARGEST })),
    other('latest of all', events({})),
    other('who has read a field of one operation', () =>
      store.readersOf(SYSTEM, { coordinate: RARE, tenant: LARGEST }, page),
    ),
    other('who has read a field of most operations since a week', () =>
      store.readersOf(SYSTEM, { coordinate: COMMON, tenant: LARGEST, sinceMs: weekMs }, page),
    ),
    other('who has ever read a field of some operations', () =>
      store.readersOf(SYSTEM, { coordinate: USUAL, tenant: LARGEST }, page),
    ),
    other('use of a field', () => store.fieldUsage(SYSTEM, { coordinate: USUAL, tenant: LARGEST }, page)),
    other('use of all fields of a tenant', () => store.fieldUsage(SYSTEM, { tenant: LARGEST }, page)),
  ];
}

function twentieth(store: AuditSearchStore): Case['run'] {
  const at = (cursor: string | undefined) =>
    store.events(
      SYSTEM,
      { tenant: LARGEST, coordinate: COMMON },
      { first: 50, ...(cursor === undefined ? {} : { after: cursor }) },
    );
  let after: string | undefined;
  let isFound = false;
  return async () => {
    // Found once: what is measured is one page.
    for (let page = 1; !isFound && page < 20; page += 1) after = (await at(after)).next ?? undefined;
    isFound = true;
    return at(after);
  };
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
