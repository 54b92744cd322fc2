import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { readMigrations } from '../../src/control/migrations-source.ts';
import { copyDatabase } from '../control/copy-database.ts';
import { MIGRATIONS } from '../control/database-kit.ts';
import { portcullis } from './command-line.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-migrate-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function config(database: string): string {
  const path = join(folder, 'portcullis.yaml');
  writeFileSync(join(folder, 'a.graphql'), 'type Query { a: String }');
  const subgraphs = [{ name: 'a', url: 'http://127.0.0.1:1/', schema: './a.graphql' }];
  writeFileSync(path, JSON.stringify({ supergraph: { subgraphs }, state: { database } }));
  return path;
}

describe('migrations', () => {
  it('are numbered one after the other, so that no name decides which applies first', async () => {
    const numbers = (await readMigrations(MIGRATIONS)).map(({ name }) => Number(name.slice(0, 4)));
    expect(numbers).toEqual(numbers.map((_, index) => index + 1));
  });
});

describe('portcullis migrate', () => {
  it('brings a database up to date, once', async () => {
    const path = config('pglite://db');
    copyDatabase(inject('pgliteTemplates').empty, join(folder, 'db'));
    const names = (await readMigrations(MIGRATIONS)).map(({ name }) => `applied ${name}\n`);
    expect(names.length).toBeGreaterThan(1);
    expect(await portcullis(['migrate', '--config', path])).toMatchObject({
      ...{ code: 0, stdout: names.join(''), stderr: '' },
    });
    expect((await portcullis(['migrate', '--config', path])).stdout).toBe('the database is up to date\n');
  });

  it('says what is wrong with a database that it cannot reach, and not its password', async () => {
    const path = config('postgres://me:hunter2@127.0.0.1:1/none');
    const { code, stdout, stderr } = await portcullis(['migrate', '--config', path]);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toContain('database of the control plane cannot be reached');
    expect(stderr).not.toContain('hunter2');
  });

  it.each(['mysql://127.0.0.1/x', 'pglite://', 'db', 'postgres//x'])(
    'refuses %s as a database',
    async (database) => {
      const { code, stderr } = await portcullis(['migrate', '--config', config(database)]);
      expect(code).toBe(1);
      expect(stderr).toContain('state.database');
    },
  );
});
