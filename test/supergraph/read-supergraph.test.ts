import { createHash } from 'node:crypto';
import { ApolloGateway } from '@apollo/gateway';
import { Kind, parse, printSchema } from 'graphql';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { FAULTS_MAX, readSupergraph, SUPERGRAPH_BYTES_MAX } from '../../src/supergraph/read-supergraph.ts';
import { AUTHENTICATED, composeAll, handWritten, JOIN, LINK, refusalOf } from './graphs.ts';

const graph = '@join__type(graph: A)';

const SDL = composeAll({
  accounts: `extend schema
      @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@tag", "@inaccessible", "@composeDirective", "@cost", "@policy", {name: "@authenticated", as: "@loggedIn"}])
      @link(url: "https://portcullis.dev/security/v1.0", import: ["@constraint"])
      @composeDirective(name: "@constraint")
    directive @constraint(maxLength: Int) on ARGUMENT_DEFINITION
    "Everything starts here."
    type Query { user(id: ID! @constraint(maxLength: 9)): User @tag(name: "t") hidden: Int @inaccessible }
    type User @key(fields: "id") @loggedIn { id: ID! mail: String @deprecated(reason: "old") secret: String @inaccessible }`,
  orders: `extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])
    type User @key(fields: "id") { id: ID! orders: Int @federation__requiresScopes(scopes: [["orders"]]) }`,
});

describe('readSupergraph', () => {
  const supergraph = readSupergraph(SDL);

  it('names a supergraph by the hash of its text', () => {
    expect(supergraph.id).toBe(createHash('sha256').update(SDL).digest('hex'));
    expect(readSupergraph(`${SDL}\n`).id).not.toBe(supergraph.id);
  });

  it('tells the subgraphs and where they are', () => {
    expect(supergraph.subgraphs).toEqual([
      { name: 'accounts', url: 'http://accounts.test/graphql' },
      { name: 'orders', url: 'http://orders.test/graphql' },
    ]);
  });

  it('shows clients neither federation nor rules nor inaccessible elements', () => {
    expect(printSchema(supergraph.apiSchema)).toBe(
      `directive @defer(label: String, if: Boolean! = true) on FRAGMENT_SPREAD | INLINE_FRAGMENT

"""Everything starts here."""
type Query {
  user(id: ID!): User
}

type User {
  id: ID!
  mail: String @deprecated(reason: "old")
  orders: Int
}`,
    );
    expect(
      supergraph.apiSchema
        .getDirectives()
        .map(({ name }) => name)
        .sort(),
    ).toEqual(
      ['defer', 'deprecated', 'include', 'oneOf', 'skip', 'specifiedBy'].filter(
        (name) => supergraph.apiSchema.getDirective(name) !== undefined,
      ),
    );
  });

  it('keeps every inaccessible or extended rule in the policy', () => {
    expect([...supergraph.policy.types.keys()]).toEqual(['User']);
    expect([...supergraph.policy.fields.keys()]).toEqual(['User.orders']);
    expect([...supergraph.policy.constraints.keys()]).toEqual(['Query.user(id:)']);
  });

  it('is frozen', () => {
    expect(Object.isFrozen(supergraph)).toBe(true);
    expect(Object.isFrozen(supergraph.subgraphs)).toBe(true);
  });
});

describe('the stripped supergraph', () => {
  const { strippedSdl, apiSchema } = readSupergraph(SDL);

  it('holds nothing of the rules: links, definitions, applications, scalars', () => {
    expect(strippedSdl).not.toMatch(/loggedIn|requiresScopes|policy|constraint|portcullis/i);
    expect(strippedSdl).toMatch(/specs\.apollo\.dev\/inaccessible/);
    expect(strippedSdl).toMatch(/@federation__tag|@tag/);
  });

  it('makes the same schema for clients', () => {
    expect(printSchema(readSupergraph(strippedSdl).apiSchema)).toBe(printSchema(apiSchema));
  });

  // Apollo's gateway reports to its maker unless it is told not to.
  beforeAll(() => {
    vi.stubEnv('APOLLO_TELEMETRY_DISABLED', 'true');
  });
  afterAll(() => {
    vi.unstubAllEnvs();
  });

  it("is loaded by Apollo's gateway, which refuses the supergraph as composed", async () => {
    await expect(new ApolloGateway({ supergraphSdl: SDL, logger: silent }).load()).rejects.toThrow(
      /is for: SECURITY but is unsupported/,
    );
    const gateway = new ApolloGateway({ supergraphSdl: strippedSdl, logger: silent });
    await gateway.load();
    await gateway.stop();
  });

  it('has no extension left empty, in a document of extensions that only apply rules', () => {
    const sdl = handWritten({
      types: `type Query ${graph} { a: S b: E c: I } extend type Query @authenticated
        scalar S ${graph} extend scalar S @authenticated
        enum E ${graph} { V } extend enum E @policy(policies: [["p"]])
        interface I ${graph} { id: ID } extend interface I @requiresScopes(scopes: [["s"]])
        type T implements I ${graph} { id: ID }
        extend type Query { d: Int @authenticated }`,
    })
      .replace('schema @link', 'schema { query: Query } extend schema @link')
      .replace(' { query: Query }\n', '\n');
    const read = readSupergraph(sdl);
    const kinds = parse(read.strippedSdl).definitions.map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind.endsWith('Extension'))).toEqual([
      Kind.SCHEMA_EXTENSION,
      Kind.OBJECT_TYPE_EXTENSION,
    ]);
    expect(read.policy.types.size).toBe(4);
  });
});

describe('a supergraph is refused', () => {
  it.each([
    ['text that is not SDL', 'type {'],
    ['nothing', ''],
    ['a schema that is no supergraph', 'type Query { a: Int }'],
    [
      'federation 1',
      'schema @core(feature: "https://specs.apollo.dev/core/v0.1") { query: Query } type Query { a: Int }',
    ],
    ['no join specification', handWritten({ links: [LINK], types: `type Query ${graph} { a: Int }` })],
    ['a type that is defined nowhere', handWritten({ types: `type Query ${graph} { a: Missing }` })],
    [
      'a type that is defined twice',
      handWritten({ types: `type Query ${graph} { a: Int } type Query { b: Int }` }),
    ],
    [
      'a rule whose directive is defined nowhere',
      handWritten({
        links: [LINK, JOIN, AUTHENTICATED],
        definitions: '',
        types: `type Query ${graph} { a: Int @authenticated }`,
      }),
    ],
    [
      'a field of a type that belongs to a rule',
      handWritten({ types: `type Query ${graph} { a: policy__Policy }` }),
    ],
    [
      'nesting without end',
      handWritten({ types: `type Query ${graph} { a: ${'['.repeat(100_000)}Int${']'.repeat(100_000)} }` }),
    ],
  ])('for %s', (_, sdl) => {
    const { code, lines } = refusalOf(() => readSupergraph(sdl));
    expect(code).toBe('SUPERGRAPH_INVALID');
    expect(lines.length).toBeGreaterThan(0);
  });

  it('for two subgraphs of one name, or none', () => {
    const sdl = (name: string) =>
      handWritten({ types: `type Query ${graph} { a: Int }` }).replace(
        'enum join__Graph {',
        `enum join__Graph { B @join__graph(name: "${name}", url: "http://b.test")`,
      );
    expect(refusalOf(() => readSupergraph(sdl('b'))).code).toBe('none');
    expect(refusalOf(() => readSupergraph(sdl('a'))).code).toBe('SUPERGRAPH_INVALID');
    expect(refusalOf(() => readSupergraph(sdl(' '))).lines).toEqual(['a subgraph has no name']);
  });

  it('for its size before it is parsed', () => {
    const { code, lines } = refusalOf(() => readSupergraph(' '.repeat(SUPERGRAPH_BYTES_MAX + 1)));
    expect(code).toBe('SUPERGRAPH_INVALID');
    expect(lines).toEqual([expect.stringContaining('is larger than')]);
    const atBound = refusalOf(() => readSupergraph(' '.repeat(SUPERGRAPH_BYTES_MAX)));
    expect(atBound.lines).toEqual([expect.stringContaining('Syntax Error')]);
  });

  it('with faults of links, rules and structure together', () => {
    const sdl = handWritten({ types: `type Query ${graph} { a: Missing @policy(policies: []) }` });
    const { lines } = refusalOf(() => readSupergraph(sdl));
    expect(lines).toContainEqual(expect.stringContaining('Query.a @policy'));
    expect(lines).toContainEqual(expect.stringContaining('Missing'));
  });

  it('with a bounded number of lines', () => {
    const fields = (count: number) =>
      Array.from({ length: count }, (_, n) => `f${n}: Int @policy(policies: [])`);
    const linesFor = (count: number) =>
      refusalOf(() =>
        readSupergraph(handWritten({ types: `type Query ${graph} { ${fields(count).join(' ')} }` })),
      ).lines;
    expect(linesFor(FAULTS_MAX)).toHaveLength(FAULTS_MAX);
    expect(linesFor(FAULTS_MAX + 2).at(-1)).toBe('and 2 more');
  });
});

const silent = { debug() {}, info() {}, warn() {}, error() {} };
