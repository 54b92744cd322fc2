import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ApolloGateway } from '@apollo/gateway';
import { type CryptoKey, exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { readConfig } from '../../src/config/config-source.ts';
import { composeSupergraph } from '../../src/supergraph/compose.ts';
import { readSupergraph } from '../../src/supergraph/read-supergraph.ts';
import { portcullis } from '../commands/command-line.ts';
import { blocks, PAGES, page, ROOT } from './documents.ts';

const README = page('README.md');
const { scripts, license, engines } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
const samples = {
  yaml: blocks(README, 'yaml'),
  graphql: blocks(README, 'graphql'),
  js: blocks(README, 'js'),
};

function sample(kind: keyof typeof samples, containing: string): string {
  const [found, ...others] = samples[kind].filter((text) => text.includes(containing));
  if (found === undefined || others.length > 0)
    throw new Error(`not exactly one ${kind} sample has ${containing}`);
  return found;
}

const ignore = (): void => undefined;
const SILENT = { debug: ignore, info: ignore, warn: ignore, error: ignore };

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-readme-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('the commands that the pages name', () => {
  it('begins with the demo and the tests', () => {
    expect(blocks(README, 'sh')[0]).toBe('npm ci && npm run demo\nnpm ci && npm test\n');
  });

  it.each([...PAGES])('%s names only scripts of package.json', (_, text) => {
    const named = [...text.matchAll(/\bnpm run ([a-z][\w-]*)/g)].map(([, name = '']) => name);
    expect(named.filter((name) => !Object.hasOwn(scripts, name))).toEqual([]);
  });

  it('gives every command of the command line, and no other', async () => {
    const { stdout } = await portcullis(['--help']);
    const groups = new Map([
      ['audit', await portcullis(['audit', '--help'])],
      ['bodies', await portcullis(['bodies', '--help'])],
      ['config', await portcullis(['config', '--help'])],
    ]);
    const listed = (help: string) =>
      [...help.matchAll(/^ {2}([a-z]+)(?: \[options\])? {2,}/gm)].map(([, name]) => name ?? '');
    const commands = listed(stdout).flatMap((name) => {
      const group = groups.get(name);
      return group === undefined ? [name] : listed(group.stdout).map((sub) => `${name} ${sub}`);
    });
    const [, section = ''] = /^## The command line$(.*?)^## /ms.exec(README) ?? [];
    const told = [...section.matchAll(/^\| `((?:(?:audit|bodies|config) )?[a-z]+)[ `]/gm)].map(
      ([, name]) => name,
    );
    const ours = commands.filter((name) => !name.endsWith('help'));
    expect(told.toSorted()).toEqual(ours.toSorted());
  });

  it('says of Node and the licence what package.json says', () => {
    expect(engines.node).toBe('>=20');
    expect(README).toContain('Node 20 or later');
    expect(README).toContain(`[${license}](LICENSE)`);
  });
});

describe('the sample configuration', () => {
  it('is read without a fault, its graph composes and its rules are found', async () => {
    const schema = sample('graphql', 'type Item');
    writeFileSync(join(folder, 'inventory.graphql'), schema);
    writeFileSync(join(folder, 'assertion-key.json'), await assertionKey());
    writeFileSync(join(folder, 'config.yaml'), sample('yaml', 'supergraph:'));
    const config = await readConfig(join(folder, 'config.yaml'), {});
    expect(config.identity.jwt[0]).toMatchObject({ issuer: 'https://login.example.com/' });
    const { sdl } = composeSupergraph([{ name: 'inventory', url: 'http://127.0.0.1:4201', sdl: schema }]);
    expect([...readSupergraph(sdl).policy.fields.keys()]).toEqual(['Item.stock', 'Item.supplier']);
  });

  it('is refused without the key it names', async () => {
    writeFileSync(join(folder, 'inventory.graphql'), sample('graphql', 'type Item'));
    writeFileSync(join(folder, 'config.yaml'), sample('yaml', 'supergraph:'));
    await expect(readConfig(join(folder, 'config.yaml'), {})).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
    });
  });
});

describe('the comparison', () => {
  it.each(['@authenticated', '@requiresScopes(scopes: [["a"]])', '@policy(policies: [["a"]])'])(
    'is right that Apollo Gateway refuses a supergraph with %s',
    async (rule) => {
      const name = /@\w+/.exec(rule)?.[0];
      const link = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["${name}"])`;
      const { sdl } = composeSupergraph([
        { name: 'a', url: 'http://127.0.0.1:4201', sdl: `${link} type Query { a: Int ${rule} }` },
      ]);
      const gateway = new ApolloGateway({ supergraphSdl: sdl, logger: SILENT });
      await expect(gateway.load()).rejects.toThrow(/SECURITY/);
    },
  );
});

describe('the sample that verifies the assertion', () => {
  type CallerOf = (request: Pick<IncomingMessage, 'headersDistinct'>) => Promise<unknown>;
  const keyServer = createServer();
  let callerOf: CallerOf;
  let key: CryptoKey;
  let code: string;

  beforeAll(async () => {
    const pair = await generateKeyPair('Ed25519');
    key = pair.privateKey;
    const jwk = { ...(await exportJWK(pair.publicKey)), kid: 'gateway', alg: 'EdDSA', use: 'sig' };
    keyServer.on('request', (_, response) =>
      response.setHeader('content-type', 'application/json').end(JSON.stringify({ keys: [jwk] })),
    );
    await new Promise<void>((resolve) => keyServer.listen(0, '127.0.0.1', resolve));
    const { port } = keyServer.address() as AddressInfo;
    vi.stubEnv('GATEWAY_JWKS', `http://127.0.0.1:${port}/.well-known/jwks.json`);
    code = mkdtempSync(join(tmpdir(), 'portcullis-sample-'));
    symlinkSync(join(ROOT, 'node_modules'), join(code, 'node_modules'));
    writeFileSync(join(code, 'caller.mjs'), sample('js', 'export async function callerOf'));
    ({ callerOf } = (await import(pathToFileURL(join(code, 'caller.mjs')).href)) as { callerOf: CallerOf });
  });
  afterAll(() => {
    vi.unstubAllEnvs();
    keyServer.close();
    rmSync(code, { recursive: true, force: true });
  });

  const sign = (typ = 'portcullis-assertion+jwt', audience = 'portcullis-subgraphs', expires = '2m') =>
    new SignJWT({ kind: 'user', tenant: 'acme', scope: 'a b' })
      .setProtectedHeader({ alg: 'EdDSA', kid: 'gateway', typ })
      .setIssuer('portcullis')
      .setAudience(audience)
      .setSubject('ada')
      .setIssuedAt()
      .setExpirationTime(expires)
      .sign(key);
  const ask = (...values: string[]) => callerOf({ headersDistinct: { 'x-portcullis-assertion': values } });

  it('names the caller of a valid assertion', async () => {
    expect(await ask(await sign())).toEqual({
      kind: 'user',
      subject: 'ada',
      tenant: 'acme',
      scopes: new Set(['a', 'b']),
    });
  });

  it.each<[string, () => Promise<readonly string[]>]>([
    ['no assertion', async () => []],
    ['two assertions', async () => [await sign(), await sign()]],
    ['an ordinary token of the same key', async () => [await sign('JWT')]],
    ['an assertion for another audience', async () => [await sign(undefined, 'others')]],
    ['an expired assertion', async () => [await sign(undefined, undefined, '1 second ago')]],
    ['an altered assertion', async () => [`${(await sign()).slice(0, -8)}AAAAAAAA`]],
  ])('refuses %s', async (_, values) => {
    await expect(ask(...(await values()))).rejects.toMatchObject({
      extensions: { code: 'UNAUTHENTICATED', http: { status: 401 } },
    });
  });
});

async function assertionKey(): Promise<string> {
  const { privateKey } = await generateKeyPair('Ed25519', { extractable: true });
  return JSON.stringify({ ...(await exportJWK(privateKey)), kid: 'sample' });
}
