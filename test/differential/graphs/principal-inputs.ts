import type { SubgraphFixture } from '../kit/subgraph-fixture.ts';
import type { Reference } from './graph.ts';

const SECURITY = `extend schema
  @link(url: "https://portcullis.dev/security/v1.0", import: [{ name: "@fromPrincipal", as: "@given" }])
  @federation__composeDirective(name: "@given")
directive @given(claim: security__PrincipalClaim!) on ARGUMENT_DEFINITION | INPUT_FIELD_DEFINITION
enum security__PrincipalClaim { TENANT SUBJECT APPLICATION }`;

const echo = (_: unknown, given: unknown) => JSON.stringify(given);
const thing = (id: string) => ({ __typename: id === '2' ? 'Crate' : 'Box', id });

/** Subgraphs that answer with the arguments they got. */
export const ECHOING: readonly SubgraphFixture[] = [
  {
    name: 'first',
    typeDefs: `${SECURITY}
      type Query {
        plain(tenant: ID! @given(claim: TENANT), n: Int): String
        all(t: String @given(claim: TENANT), s: ID @given(claim: SUBJECT) a: String! @given(claim: APPLICATION)): String
        byDefault(tenant: ID = "nobody" @given(claim: TENANT)): String
        save(input: Save!): String
        saveAll(inputs: [[Save!]]): String
        open: String
        things: [Thing!]! thing: Thing box: Box
        secret(tenant: ID @given(claim: TENANT)): String @requiresScopes(scopes: [["secret"]])
        typed(kind: Kind): String
      }
      type Mutation { save(input: Save!): String }
      enum Kind { ONE }
      input Save { by: ID! @given(claim: SUBJECT) name: String line: Line lines: [Line!] kind: Kind }
      input Line { tenant: String @given(claim: TENANT) sku: String next: Line save: Save }
      interface Thing @key(fields: "id") { id: ID! mine(tenant: ID @given(claim: TENANT), n: Int): String }
      type Box implements Thing @key(fields: "id") { id: ID! mine(tenant: ID @given(claim: TENANT), n: Int): String }
      type Crate implements Thing @key(fields: "id") { id: ID! mine(tenant: ID @given(claim: TENANT), n: Int): String }`,
    resolvers: {
      Query: {
        plain: echo,
        all: echo,
        byDefault: echo,
        save: echo,
        saveAll: echo,
        secret: echo,
        typed: echo,
        open: () => 'open',
        things: () => ['1', '2'].map(thing),
        thing: () => thing('2'),
        box: () => thing('1'),
      },
      Mutation: { save: echo },
      Thing: {
        __resolveType: ({ id }: Reference) => thing(String(id)).__typename,
        __resolveReference: ({ id }: Reference) => thing(String(id)),
      },
      Box: { mine: echo, __resolveReference: ({ id }: Reference) => thing(String(id)) },
      Crate: { mine: echo, __resolveReference: ({ id }: Reference) => thing(String(id)) },
    },
  },
  {
    name: 'second',
    typeDefs: `${SECURITY}
      type Box @key(fields: "id") { id: ID! theirs(owner: String! @given(claim: TENANT), save: Save): String }
      input Save { by: ID! @given(claim: SUBJECT) name: String line: Line lines: [Line!] kind: Kind }
      enum Kind { ONE }
      input Line { tenant: String @given(claim: TENANT) sku: String next: Line save: Save }`,
    resolvers: { Box: { theirs: echo } },
  },
  {
    name: 'third',
    typeDefs: `${SECURITY}
      type Thing @key(fields: "id") @interfaceObject { id: ID! seen(by: ID @given(claim: SUBJECT)): String }`,
    resolvers: { Thing: { seen: echo } },
  },
];
