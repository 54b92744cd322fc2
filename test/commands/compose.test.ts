import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ConfigFolder } from '../config/config-folder.ts';
import { configFolder, SUPERGRAPH } from '../config/config-folder.ts';
import { portcullis } from './command-line.ts';

const LINK =
  'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@requiresScopes"])\n';

function withSubgraphs(folder: ConfigFolder, schemas: Record<string, string>): string {
  const entries = Object.entries(schemas).map(([name, sdl]) => {
    folder.write(`${name}.graphql`, LINK + sdl);
    return `    - { name: ${name}, url: "http://127.0.0.1:4001/graphql", schema: ./${name}.graphql }`;
  });
  return folder.write('a.yaml', `supergraph:\n  subgraphs:\n${entries.join('\n')}\n`);
}

describe('compose', () => {
  it('writes the supergraph whole and leaves nothing beside it', async () => {
    const folder = configFolder();
    const config = withSubgraphs(folder, { catalog: 'type Query { a: Int }' });
    const out = folder.write('out/supergraph.graphql', 'old');
    expect(await portcullis(['compose', '-c', config, '-o', out])).toMatchObject({ code: 0, stdout: '' });
    expect(readFileSync(out, 'utf8')).toContain('join__Graph');
    expect(readdirSync(join(folder.path, 'out'))).toEqual(['supergraph.graphql']);
  });

  it('prints the supergraph where the output is -', async () => {
    const config = withSubgraphs(configFolder(), { catalog: 'type Query { a: Int }' });
    const { code, stdout } = await portcullis(['compose', '-c', config, '-o', '-']);
    expect(code).toBe(0);
    expect(stdout).toContain('join__Graph');
  });

  it('prints every composition error and leaves the old file', async () => {
    const folder = configFolder();
    const config = withSubgraphs(folder, {
      catalog: 'type Query { a: Int } type T @key(fields: "none") { id: ID }',
      orders: 'type Query { b: Int } type U @key(fields: "missing") { id: ID }',
    });
    const out = folder.write('supergraph.graphql', 'old');
    const { code, stderr } = await portcullis(['compose', '-c', config, '-o', out]);
    expect(code).toBe(1);
    expect(stderr).toContain('KEY_INVALID_FIELDS');
    expect(stderr).toContain('catalog');
    expect(stderr).toContain('orders');
    expect(stderr).not.toMatch(/^\s+at /m);
    expect(readFileSync(out, 'utf8')).toBe('old');
  });

  it('refuses to write a supergraph that the gateway could not enforce', async () => {
    const folder = configFolder();
    const config = withSubgraphs(folder, { catalog: 'type Query { a: Int @requiresScopes(scopes: []) }' });
    const out = folder.write('supergraph.graphql', 'old');
    const { code, stderr } = await portcullis(['compose', '-c', config, '-o', out]);
    expect(code).toBe(1);
    expect(stderr).toContain('Query.a');
    expect(readFileSync(out, 'utf8')).toBe('old');
  });

  it('refuses a configuration with nothing to compose', async () => {
    const config = configFolder().write('a.yaml', SUPERGRAPH);
    const { code, stderr } = await portcullis(['compose', '-c', config, '-o', '-']);
    expect(code).toBe(1);
    expect(stderr).toContain('supergraph.file: there is nothing to compose');
  });

  it('says why it cannot write', async () => {
    const folder = configFolder();
    const config = withSubgraphs(folder, { catalog: 'type Query { a: Int }' });
    const { code, stderr } = await portcullis([
      'compose',
      '-c',
      config,
      '-o',
      join(folder.path, 'none/s.graphql'),
    ]);
    expect(code).toBe(1);
    expect(stderr).toContain('error: ENOENT');
    expect(stderr).not.toMatch(/^\s+at /m);
  });
});
