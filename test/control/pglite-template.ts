import { cpSync, rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { openDatabase } from '../../src/control/database-pool.ts';
import { migrate } from '../../src/control/migrate.ts';
import { readMigrations } from '../../src/control/migrations-source.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Databases of PGlite that tests copy: one with nothing in it, and one that is up to date. */
    readonly pgliteTemplates: { readonly empty: string; readonly migrated: string };
  }
}

const MIGRATIONS = join(import.meta.dirname, '../../schema/migrations');

let root: string | null = null;

/** Makes the databases of this run once: initializing one takes longer than most tests, copying it does not. */
export async function setup(project: TestProject): Promise<void> {
  root = await mkdtemp(join(tmpdir(), 'portcullis-pglite-'));
  const empty = join(root, 'empty');
  const migrated = join(root, 'migrated');
  const open = (directory: string) =>
    openDatabase({
      ...{ url: `pglite://${directory}`, timeoutMs: 60_000, connectionsMax: 1 },
      onFault: (fault) => {
        throw fault;
      },
    });
  await (await open(empty)).close();
  cpSync(empty, migrated, { recursive: true });
  const database = await open(migrated);
  await migrate(database, await readMigrations(MIGRATIONS));
  await database.close();
  project.provide('pgliteTemplates', { empty, migrated });
}

/** Removes them with all their copies. */
export function teardown(): void {
  if (root !== null) rmSync(root, { recursive: true, force: true });
}
