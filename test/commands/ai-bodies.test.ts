import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SYSTEM } from '../../src/control/actor.ts';
import { aiBodyContext } from '../../src/control/ai-body-context.ts';
import { createControlPlane } from '../../src/control/control-plane.ts';
import { openDatabase } from '../../src/control/database-pool.ts';
import { localKeyWrapper, seal } from '../../src/control/envelope.ts';
import { STEP_UP } from '../control/database-kit.ts';
import { embeddedDatabase } from '../control/embedded-database.ts';
import { portcullis } from './command-line.ts';

const KEY = randomBytes(32);
const SAID = JSON.stringify({ question: 'a secret \u009b31m recipe', answer: 'salt' });
const AT = Date.now() - 60_000;
let folder: string;
let config: string;
let keyless: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-bodies-'));
  const url = embeddedDatabase();
  const database = await openDatabase({
    ...{ url, timeoutMs: 60_000, connectionsMax: 1 },
    onFault: (fault) => {
      throw fault;
    },
  });
  const control = createControlPlane({
    ...{ database, randomBytes, stepUp: STEP_UP, requestTtlMs: 1000, hasAuditIndex: false, now: Date.now },
    ...{ pepper: Buffer.alloc(32, 7), onChange: () => undefined },
  });
  const { id: tenant } = await control.tenants.create(SYSTEM, { slug: 'acme', name: 'Acme' });
  const sealed = await seal(SAID, aiBodyContext({ id: 'bdy_1', tenantId: tenant, at: AT }), {
    ...{ wrapper: localKeyWrapper([{ id: 'one', key: KEY }], randomBytes), randomBytes },
  });
  const about = {
    application: 'web',
    subject: 'ada',
    field: 'Mutation.chat',
    model: 'house/m',
    mode: 'full',
  };
  const body = { ...about, ...sealed, id: 'bdy_1', tenant, at: new Date(AT).toISOString() };
  await database.asOwner(async (client) => {
    await client.query(`UPDATE tenants SET log_bodies = 'full'`);
    await client.query('SELECT ai_keep_body($1)', [JSON.stringify(body)]);
  });
  await database.close();
  writeFileSync(join(folder, 'a.graphql'), 'type Query { a: String }');
  const subgraphs = [{ name: 'a', url: 'http://127.0.0.1:1/', schema: './a.graphql' }];
  const written = (name: string, part: object): string => {
    writeFileSync(
      join(folder, name),
      JSON.stringify({ supergraph: { subgraphs }, state: { database: url }, ...part }),
    );
    return join(folder, name);
  };
  config = written('portcullis.yaml', {
    providerCredentials: { masterKeys: [{ id: 'one', key: KEY.toString('base64') }] },
  });
  keyless = written('keyless.yaml', {});
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const bodies = (verb: string, ...args: readonly string[]) =>
  portcullis(['bodies', verb, '--config', config, ...args]);
const WHY = ['--by', 'olga', '--reason', 'case 4711'];

describe('portcullis bodies', () => {
  it('exports what was said to a file of its owner, with no sign that a terminal would obey', async () => {
    const out = join(folder, 'out.ndjson');
    const { code, stdout, stderr } = await bodies('export', '--tenant', 'acme', ...WHY, '--out', out);
    expect([code, stdout, stderr]).toEqual([0, '', '1 bodies read\n']);
    const text = readFileSync(out, 'utf8');
    expect(text).not.toContain('\u009b');
    expect(JSON.parse(text)).toMatchObject({ id: 'bdy_1', said: JSON.parse(SAID) });
    expect(statSync(out).mode & 0o077).toBe(0);
  });

  it('says where there is no such one', async () => {
    const none = await bodies('read', '--tenant', 'acme', '--id', 'bdy_2', ...WHY);
    expect([none.code, none.stdout]).toEqual([1, '']);
    expect(none.stderr).toContain('there is no such body');
  });

  it.each([
    ['no reason', ['--by', 'olga']],
    ['nobody', ['--reason', 'case 4711']],
  ])('reads nothing for %s', async (_, part) => {
    const { code, stdout } = await bodies('read', '--tenant', 'acme', '--id', 'bdy_1', ...part);
    expect([code, stdout]).toEqual([2, '']);
  });

  it('reads nothing without a master key', async () => {
    const read = ['read', '--config', keyless, '--tenant', 'acme', '--id', 'bdy_1', ...WHY];
    const { code, stdout, stderr } = await portcullis(['bodies', ...read]);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toContain('masterKeys');
  });
});
