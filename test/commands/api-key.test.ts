import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readConfig } from '../../src/config/config-source.ts';
import { ApiKeys } from '../../src/identity/api-keys.ts';
import { staticDirectory } from '../../src/identity/credential-directory.ts';
import { portcullis } from './command-line.ts';

const PEPPER = 'a pepper of thirty-two characters';
const folder = mkdtempSync(join(tmpdir(), 'portcullis-api-key-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function config(identity: object): string {
  writeFileSync(join(folder, 'a.graphql'), 'type Query { a: String }');
  const subgraphs = [{ name: 'a', url: 'http://127.0.0.1:1/', schema: './a.graphql' }];
  const path = join(folder, 'portcullis.yaml');
  writeFileSync(path, JSON.stringify({ supergraph: { subgraphs }, identity }));
  return path;
}

const FOR = ['--tenant', 'acme', '--application', 'shop', '--subject', 'robot'];
const make = (identity: object, ...more: readonly string[]) =>
  portcullis(['api-key', '-c', config(identity), ...FOR, ...more]);

describe('portcullis api-key', () => {
  it('makes a key that its own entry lets in, with what was asked for', async () => {
    const { code, stdout, stderr } = await make(
      { apiKeys: { pepper: PEPPER } },
      ...['--scopes', 'orders:read', 'orders:write', '--expires', '2099-01-31T00:00:00Z'],
    );
    expect(code).toBe(0);
    const key = stdout.trim();
    expect(key).toMatch(/^pk_[0-9a-f]{16}_[\w-]{43}$/u);
    expect(stderr).not.toContain(key);
    const entry = JSON.parse(stderr.slice(stderr.indexOf('{')));
    const { identity } = await readConfig(config({ apiKeys: { pepper: PEPPER, keys: [entry] } }), {});
    const [known] = identity.apiKeys?.keys ?? [];
    if (known === undefined) throw new Error('The entry is gone.');
    const { prefix, expiresAt, ...rest } = known;
    const record = { ...rest, id: prefix, notBefore: 0, graceUntil: null, revokedAt: null };
    const directory = staticDirectory(PEPPER, [
      { prefix, record: { ...record, expiresAt: Date.parse(expiresAt ?? '') } },
    ]);
    const principal = new ApiKeys([directory], 10).principalOf(key, 0);
    expect(principal).toMatchObject({
      kind: 'service',
      tenant: 'acme',
      application: 'shop',
      subject: 'robot',
    });
    expect([...principal.scopes]).toEqual(['orders:read', 'orders:write']);
  });

  it('makes another one each time', async () => {
    const identity = { apiKeys: { pepper: PEPPER } };
    expect((await make(identity)).stdout).not.toBe((await make(identity)).stdout);
  });

  it.each([
    ['without a pepper', {}, [], 'identity.apiKeys is missing'],
    [
      'with a time that is none',
      { apiKeys: { pepper: PEPPER } },
      ['--expires', 'soon'],
      '--expires must be a time',
    ],
    [
      'with a time that has passed',
      { apiKeys: { pepper: PEPPER } },
      ['--expires', '2020-01-01'],
      '--expires has passed',
    ],
  ] as const)('makes none %s', async (_, identity, more, text) => {
    const { code, stdout, stderr } = await make(identity, ...more);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toContain(text);
    expect(stderr).not.toContain(PEPPER);
  });
});
