import { hash, randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { openDatabase } from '../../src/control/database-pool.ts';
import { migrate } from '../../src/control/migrate.ts';
import { readMigrations } from '../../src/control/migrations-source.ts';
import { copyDatabase } from './copy-database.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Databases of PGlite that tests copy: one with nothing in it, and one that is up to date. Copies are removed when the run ends. */
    readonly pgliteTemplates: {
      readonly empty: string;
      readonly migrated: string;
      readonly copies: string;
    };
  }
}

const ROOT = join(import.meta.dirname, '../..');
const MIGRATIONS = join(ROOT, 'schema/migrations');
const CACHE = join(ROOT, 'node_modules/.cache/pglite');

/** Far longer than making templates takes. */
const OLD_MS = 3_600_000;

let copies: string | null = null;

/** Gives the tests databases to copy: initializing one takes longer than most tests, copying it does not. */
export async function setup(project: TestProject): Promise<void> {
  const templates = join(CACHE, templatesKey());
  if (!existsSync(templates)) await makeTemplates(templates);
  copies = await mkdtemp(join(tmpdir(), 'portcullis-pglite-'));
  const [empty, migrated] = [join(templates, 'empty'), join(templates, 'migrated')];
  project.provide('pgliteTemplates', { empty, migrated, copies });
}

/** Removes all copies; the templates stay for the next run. */
export function teardown(): void {
  if (copies !== null) rmSync(copies, { recursive: true, force: true });
}

/** Names what the templates are made of, so that others are made where it changes. */
function templatesKey(): string {
  const pglite = dirname(createRequire(import.meta.url).resolve('@electric-sql/pglite'));
  const files = readdirSync(MIGRATIONS).sort();
  const made = [join(pglite, '../package.json'), join(ROOT, 'src/control/migrate.ts'), import.meta.filename];
  const texts = [...made, ...files.map((name) => join(MIGRATIONS, name))];
  return hash('sha256', JSON.stringify([files, texts.map((path) => readFileSync(path, 'utf8'))]), 'hex');
}

/** Made beside their place and moved there whole: another run may be making the same. */
async function makeTemplates(place: string): Promise<void> {
  removeOld();
  const making = join(CACHE, `making-${randomUUID()}`);
  mkdirSync(making, { recursive: true });
  const [empty, migrated] = [join(making, 'empty'), join(making, 'migrated')];
  await (await open(empty)).close();
  copyDatabase(empty, migrated);
  const database = await open(migrated);
  await migrate(database, await readMigrations(MIGRATIONS));
  // Most of what would be copied, and nobody makes another database out of them.
  await database.asOwner(async (client) => {
    await client.query('UPDATE pg_database SET datistemplate = false');
    for (const name of ['template0', 'template1']) await client.query(`DROP DATABASE ${name}`);
  });
  await database.close();
  try {
    renameSync(making, place);
  } catch (fault) {
    rmSync(making, { recursive: true, force: true });
    if (!existsSync(place)) throw fault;
  }
}

/** What no other run can be at work on any more. */
function removeOld(): void {
  mkdirSync(CACHE, { recursive: true });
  for (const name of readdirSync(CACHE)) {
    const path = join(CACHE, name);
    if (statSync(path).mtimeMs < Date.now() - OLD_MS) rmSync(path, { recursive: true, force: true });
  }
}

function open(directory: string): ReturnType<typeof openDatabase> {
  return openDatabase({
    ...{ url: `pglite://${directory}`, timeoutMs: 60_000, connectionsMax: 1 },
    onFault: (fault) => {
      throw fault;
    },
  });
}
