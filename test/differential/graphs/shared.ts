import type { FeatureGraph, Reference } from './graph.ts';

/** Objects that several subgraphs answer in part, and a query reached again from below. */
export const partlyShared: FeatureGraph = {
  title: 'shared value types in parts, Query reached from below',
  ids: ['1', '2'],
  subgraphs: [
    {
      name: 'north',
      typeDefs: `
        type Query { account: Account again: Again @shareable }
        type Again @shareable { query: Query! }
        type Account @key(fields: "id") { id: ID! profile: Profile @shareable list: [Profile!]! @shareable }
        type Profile { name: String @shareable north: Int }`,
      resolvers: {
        Query: { account: () => ({ id: '1' }), again: () => ({ query: {} }) },
        Account: {
          profile: () => ({ name: 'n', north: 0 }),
          list: () => [
            { name: 'a', north: 1 },
            { name: 'b', north: 2 },
          ],
        },
      },
    },
    {
      name: 'south',
      typeDefs: `
        type Query { south: Int! again: Again @shareable }
        type Again @shareable { query: Query! }
        type Account @key(fields: "id") { id: ID! profile: Profile @shareable list: [Profile!]! @shareable }
        type Profile { name: String @shareable south: Int }`,
      resolvers: {
        Query: { south: () => 1, again: () => ({ query: {} }) },
        Account: {
          profile: () => ({ name: 'n', south: 5 }),
          list: ({ id }: Reference) => [
            { name: 'a', south: Number(id) },
            { name: 'b', south: 0 },
          ],
        },
      },
    },
  ],
  operations: [
    '{ account { profile { name north south } } }',
    '{ account { list { name south north } } }',
    '{ account { p: profile { south } profile { north } } south }',
    '{ again { query { south account { profile { south } } } } }',
    '{ again { query { again { query { __typename south } } } } }',
  ],
};
