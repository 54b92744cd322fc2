import type { FeatureGraph, Reference } from './graph.ts';

/** Mutations in two subgraphs that must run one after another, with look-ups of what they return. */
export function mutationGraph(log: string[]): FeatureGraph {
  const step =
    (name: string) =>
    (_: unknown, { n }: { n: number }) => {
      log.push(`${name} ${n}`);
      if (n === 13) throw new Error('unlucky');
      return { id: `${n}`, query: {} };
    };
  return {
    title: 'mutations in sequence, then look-ups',
    ids: ['1'],
    subgraphs: [
      {
        name: 'writes',
        typeDefs: `
          type Query { count: Int }
          type Mutation { first(n: Int!): Doc third(n: Int!): Doc! }
          type Doc @key(fields: "id") { id: ID! version: Int! }`,
        resolvers: {
          Query: { count: () => log.length },
          Mutation: { first: step('first'), third: step('third') },
          Doc: { version: ({ id }: Reference) => Number(id) },
        },
      },
      {
        name: 'audits',
        typeDefs: `
          type Query { audits: Int }
          type Mutation { second(n: Int!): Doc }
          type Doc @key(fields: "id") { id: ID! trail: [String!] }`,
        resolvers: {
          Query: { audits: () => 1 },
          Mutation: { second: step('second') },
          Doc: { trail: ({ id }: Reference) => [`trail ${id}`] },
        },
      },
    ],
    operations: [
      'mutation { first(n: 1) { version trail } }',
      'mutation { first(n: 1) { trail } second(n: 2) { version } third(n: 3) { trail version } }',
      'mutation { a: first(n: 1) { id } b: first(n: 2) { id } c: second(n: 3) { trail } d: first(n: 4) { trail } }',
      'mutation { first(n: 13) { trail } second(n: 2) { version trail } }',
      'mutation { second(n: 1) { id } third(n: 13) { id } first(n: 2) { id } }',
      'mutation { __typename first(n: 1) { __typename t: trail } }',
      {
        text: 'mutation ($n: Int!, $go: Boolean!) { first(n: $n) @include(if: $go) { trail } second(n: $n) @skip(if: $go) { version } }',
        variables: { n: 5, go: true },
      },
      {
        text: 'mutation ($n: Int!, $go: Boolean!) { first(n: $n) @include(if: $go) { trail } second(n: $n) @skip(if: $go) { version } }',
        variables: { n: 5, go: false },
      },
    ],
  };
}
