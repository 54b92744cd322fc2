import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** One step of the schema, as its file has it. */
export interface Migration {
  /** Name of the file without its ending; names sort in the order in which they apply. */
  readonly name: string;
  readonly sql: string;
  /** SHA-256 of the file, hex: an applied one must not change. */
  readonly digest: string;
}

const FILE_NAME = /^(\d{4}_[a-z0-9_]+)\.sql$/u;

/** Reads the migrations of a directory in their order. */
export async function readMigrations(directory: string): Promise<readonly Migration[]> {
  const names = (await readdir(directory)).flatMap((file) => FILE_NAME.exec(file)?.[1] ?? []).sort();
  return Promise.all(
    names.map(async (name) => {
      const text = await readFile(join(directory, `${name}.sql`), 'utf8');
      return { name, sql: text, digest: createHash('sha256').update(text).digest('hex') };
    }),
  );
}
