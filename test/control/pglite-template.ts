import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    /** An empty database of PGlite that tests copy. */
    readonly pgliteTemplate: string;
  }
}

let root: string | null = null;

/** Makes one empty database for this run: initializing it takes longer than most tests, copying it does not. */
export async function setup(project: TestProject): Promise<void> {
  root = await mkdtemp(join(tmpdir(), 'portcullis-pglite-'));
  const template = join(root, 'template');
  const db = await PGlite.create(template);
  await db.close();
  project.provide('pgliteTemplate', template);
}

/** Removes it with all its copies. */
export function teardown(): void {
  if (root !== null) rmSync(root, { recursive: true, force: true });
}
