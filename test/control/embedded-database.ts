import { randomUUID } from 'node:crypto';
import { constants, cpSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { inject } from 'vitest';

/** The URL of an embedded database of its own, empty; it is removed when the run ends. */
export function embeddedDatabase(): string {
  const template = inject('pgliteTemplate');
  const directory = join(dirname(template), randomUUID());
  cpSync(template, directory, { recursive: true, mode: constants.COPYFILE_FICLONE });
  return `pglite://${directory}`;
}
