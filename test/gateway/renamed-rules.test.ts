import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { composeSupergraph } from '../../src/supergraph/compose.ts';
import { portcullis } from '../commands/command-line.ts';
import { ask, folder, startTestGateway, writeConfig } from './gateway-kit.ts';
import { startTinySubgraph, type TinySubgraph } from './tiny-subgraph.ts';

const FEDERATION = 'https://specs.apollo.dev/federation/v2.9';
const LINK = '@link(url: "https://specs.apollo.dev/link/v1.0")';

const fields = (authenticated: string, requiresScopes: string, policy: string): string => `
type Query {
  open: String
  secret: String @${authenticated}
  scoped: String @${requiresScopes}(scopes: [["read:x"]])
  ruled: String @${policy}(policies: [["p"]])
  guarded: Guarded
}
type Guarded @${authenticated} { open: String }
`;

const PLAIN = `extend schema @link(url: "${FEDERATION}", import: ["@authenticated", "@requiresScopes", "@policy"])
${fields('authenticated', 'requiresScopes', 'policy')}`;

const SUBGRAPHS: [string, string][] = [
  ['their own', PLAIN],
  [
    'imported under other ones',
    `extend schema @link(url: "${FEDERATION}", import: [{ name: "@authenticated", as: "@login" }, { name: "@requiresScopes", as: "@grants" }, { name: "@policy", as: "@tag" }])
    ${fields('login', 'grants', 'tag')}`,
  ],
  [
    'each other’s',
    `extend schema @link(url: "${FEDERATION}", import: [{ name: "@authenticated", as: "@login" }, { name: "@requiresScopes", as: "@policy" }, { name: "@policy", as: "@requiresScopes" }])
    ${fields('login', 'policy', 'requiresScopes')}`,
  ],
  [
    'prefixed, not imported',
    `extend schema @link(url: "${FEDERATION}")
    ${fields('federation__authenticated', 'federation__requiresScopes', 'federation__policy')}`,
  ],
  [
    'prefixed by the name the link gives',
    `extend schema @link(url: "${FEDERATION}", as: "fed", import: ["@policy"])
    ${fields('fed__authenticated', 'fed__requiresScopes', 'policy')}`,
  ],
  [
    'on a schema definition with a renamed link directive',
    `schema @l(url: "https://specs.apollo.dev/link/v1.0", as: "l") @l(url: "${FEDERATION}", import: ["@authenticated", "@requiresScopes", "@policy"]) { query: Query }
    directive @l(url: String, as: String, for: l__Purpose, import: [l__Import]) repeatable on SCHEMA
    enum l__Purpose { SECURITY EXECUTION }
    scalar l__Import
    ${fields('authenticated', 'requiresScopes', 'policy')}`,
  ],
];

/** Rewrites of a composed file that mean the same. */
const FILES: [string, (sdl: string) => string][] = [
  [
    'renamed by the link of the file',
    (sdl) =>
      sdl
        .replace('/authenticated/v0.1", for', '/authenticated/v0.1", as: "login", for')
        .replaceAll('@authenticated', '@login'),
  ],
  [
    'renamed by an import of the file',
    (sdl) =>
      sdl
        .replaceAll('@policy', '@verdict')
        .replace('/policy/v0.1", for', '/policy/v0.1", import: [{ name: "@policy", as: "@verdict" }], for'),
  ],
  [
    'renamed in a file that renames its link directive',
    (sdl) =>
      sdl
        .replace(LINK, '@link(url: "https://specs.apollo.dev/link/v1.0", as: "uses")')
        .replaceAll('@link(', '@uses(')
        .replaceAll('link__', 'uses__')
        .replace('/requiresScopes/v0.1", for', '/requiresScopes/v0.1", as: "grants", for')
        .replaceAll('@requiresScopes', '@grants')
        .replaceAll('requiresScopes__', 'grants__'),
  ],
  [
    'applied in an extension of the file',
    (sdl) =>
      `${sdl.replace(/(type Guarded[^{]*?)\s*@authenticated/u, '$1')}\nextend type Guarded @authenticated\n`,
  ],
];

const QUERY = '{ open secret scoped ruled guarded { open } }';
const DATA = { open: 'open', secret: 's', scoped: 's', ruled: 'r', guarded: { open: 'g' } };
const REFUSED = { open: 'open', secret: null, scoped: null, ruled: null, guarded: null };

describe('rules by whatever name', () => {
  let subgraph: TinySubgraph;
  beforeAll(async () => {
    subgraph = await startTinySubgraph('named', PLAIN, {
      Query: {
        open: () => DATA.open,
        secret: () => DATA.secret,
        scoped: () => DATA.scoped,
        ruled: () => DATA.ruled,
        guarded: () => DATA.guarded,
      },
    });
  });
  afterAll(() => subgraph?.close());

  async function attack(sdl: string, file: string | null) {
    const where = folder();
    const sections = file === null ? {} : { supergraph: { file: where.write('supergraph.graphql', file) } };
    const gateway = await startTestGateway([{ ...subgraph, sdl }], sections);
    try {
      const before = subgraph.received.length;
      const anonymous = await ask(gateway.url, QUERY);
      const reader = await ask(gateway.url, QUERY, {
        token: await gateway.issuer.token({ scope: 'read:x' }),
      });
      const sent = subgraph.received.slice(before).map(({ body }) => body.query);
      return { anonymous, reader, sent };
    } finally {
      await gateway.close();
      where.remove();
    }
  }

  it.each(SUBGRAPHS)('are enforced under names that are %s', async (_how, sdl) => {
    const { anonymous, reader, sent } = await attack(sdl, null);
    expect(anonymous.body.data).toEqual(REFUSED);
    expect(anonymous.codes).toEqual(Array(4).fill('UNAUTHORIZED_FIELD_OR_TYPE'));
    expect(reader.body.data).toEqual({ ...DATA, ruled: null });
    expect(reader.codes).toEqual(['UNAUTHORIZED_FIELD_OR_TYPE']);
    expect(sent[0]).not.toMatch(/secret|scoped|ruled|guarded/u);
    expect(sent[1]).not.toMatch(/ruled/u);
  });

  it.each(FILES)('are enforced where they are %s', async (_how, rewrite) => {
    const { sdl } = composeSupergraph([{ ...subgraph, sdl: PLAIN }]);
    const file = rewrite(sdl);
    expect(file).not.toBe(sdl);
    const { anonymous, reader } = await attack(PLAIN, file);
    expect(anonymous.body.data).toEqual(REFUSED);
    expect(anonymous.codes).toEqual(Array(4).fill('UNAUTHORIZED_FIELD_OR_TYPE'));
    expect(reader.body.data).toEqual({ ...DATA, ruled: null });
  });

  it.each([
    [
      'a security specification that nobody knows',
      '@link(url: "https://vault.example/seal/v1.0", for: SECURITY)',
      'https://vault.example/seal/v1.0',
    ],
    [
      'a later version of one that is known',
      '@link(url: "https://specs.apollo.dev/policy/v0.9", for: SECURITY)',
      'https://specs.apollo.dev/policy/v0.9',
    ],
    [
      'one that only resembles a known one',
      '@link(url: "http://specs.apollo.dev/Authenticated/v0.1")',
      'Authenticated/v0.1',
    ],
  ])('keep the gateway from starting at %s', async (_what, link, named) => {
    const where = folder();
    const { sdl } = composeSupergraph([{ ...subgraph, sdl: 'type Query { open: String }' }]);
    const file = where.write('supergraph.graphql', sdl.replace(LINK, `${LINK} ${link}`));
    const refused = await startTestGateway([subgraph], { supergraph: { file } }).catch(
      (fault: unknown) => fault,
    );
    where.remove();
    expect(refused).toMatchObject({ code: 'SUPERGRAPH_INVALID' });
    expect(JSON.stringify(refused)).toContain(named);
  });

  it('end portcullis serve with status 1 and one line on what is wrong', async () => {
    const where = folder();
    const { sdl } = composeSupergraph([{ ...subgraph, sdl: 'type Query { open: String }' }]);
    const unknown = '@link(url: "https://vault.example/seal/v1.0", for: SECURITY)';
    const file = where.write('supergraph.graphql', sdl.replace(LINK, `${LINK} ${unknown}`));
    try {
      const config = writeConfig(where, [subgraph], { supergraph: { file } });
      expect(await portcullis(['serve', '--config', config])).toEqual({
        code: 1,
        stdout: '',
        stderr: expect.stringMatching(/^[^\n]*https:\/\/vault\.example\/seal\/v1\.0[^\n]*SECURITY[^\n]*\n$/u),
      });
    } finally {
      where.remove();
    }
  });
});
