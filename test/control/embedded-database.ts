import { randomUUID } from 'node:crypto';
import { constants, cpSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { inject } from 'vitest';

/** The URL of an embedded database of its own, up to date and with nothing in it; it is removed when the run ends. */
export function embeddedDatabase(): string {
  const { migrated } = inject('pgliteTemplates');
  return `pglite://${copyDatabase(migrated, join(dirname(migrated), randomUUID()))}`;
}

/** Copies the files of an embedded database; returns the directory. */
export function copyDatabase(from: string, to: string): string {
  cpSync(from, to, { recursive: true, mode: constants.COPYFILE_FICLONE });
  return to;
}
