import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectSameAnswer } from './kit/same-answer.ts';
import { type RunningGraph, startGraph } from './kit/start-graph.ts';
import type { SubgraphFixture } from './kit/subgraph-fixture.ts';

const kind = { __resolveType: ({ __typename }: { __typename: string }) => __typename };

/** Two subgraphs whose fields and types need scopes; keys and required fields among them. */
const SUBGRAPHS: readonly SubgraphFixture[] = [
  {
    name: 'cards',
    typeDefs: `
      type Query { cards: [Card!]! card: Card holders: [Holder] @requiresScopes(scopes: [["holders"]]) }
      interface Card { id: ID! label: String }
      type Debit implements Card @key(fields: "id") { id: ID! label: String limit: Int @requiresScopes(scopes: [["limit"]]) holder: Holder }
      type Credit implements Card @key(fields: "id") @requiresScopes(scopes: [["credit"]]) { id: ID! label: String debt: Int! }
      type Holder @key(fields: "id") { id: ID! @requiresScopes(scopes: [["ids"]]) }`,
    resolvers: {
      Query: {
        cards: () => [
          { __typename: 'Debit', id: '1' },
          { __typename: 'Credit', id: '2' },
        ],
        card: () => ({ __typename: 'Debit', id: '3' }),
        holders: () => [{ id: '1' }, null],
      },
      Card: kind,
      Debit: { label: () => 'debit', limit: () => 5, holder: () => ({ id: '1' }) },
      Credit: { label: () => 'credit', debt: () => 7 },
    },
  },
  {
    name: 'people',
    typeDefs: `
      type Holder @key(fields: "id") { id: ID! name: String! @requiresScopes(scopes: [["name"]]) town: String }
      type Debit @key(fields: "id") { id: ID! limit: Int @external risk: Int @requires(fields: "limit") @requiresScopes(scopes: [["limit"]]) }`,
    resolvers: {
      Holder: { name: () => 'Ada', town: () => null },
      Debit: { risk: ({ limit }: { limit: number }) => limit * 2 },
    },
  },
];

const TEXTS = [
  '{ cards { __typename id label } card { id } }',
  '{ cards { id ... on Debit { limit risk holder { name town } } ... on Credit { debt } } }',
  '{ card { ... on Debit { risk holder { id name } } } holders { town } }',
  '{ holders { id name town } }',
  'query ($b: Boolean!) { cards { ... on Credit @include(if: $b) { debt } label } holders @skip(if: $b) { name } }',
];
const LACKING = [
  [],
  ['limit'],
  ['credit'],
  ['name'],
  ['ids'],
  ['holders'],
  ['credit', 'name'],
  ['limit', 'ids', 'holders'],
  ['limit', 'credit', 'name', 'ids', 'holders'],
];

describe('both engines, for callers who may not see everything,', () => {
  let running: RunningGraph;

  beforeAll(async () => {
    running = await startGraph(SUBGRAPHS);
  });

  afterAll(() => running.close());

  const cases = TEXTS.flatMap((text) => LACKING.map((without) => ({ text, without })));

  it.each(cases)('give the same answer to $text without $without', async ({ text, without }) => {
    for (const b of text.includes('$b') ? [true, false] : [true]) {
      const ask = { text, without, variables: text.includes('$b') ? { b } : {} };
      const { native, apollo } = await running.engines.both(ask);
      expectSameAnswer(native, apollo, { ask });
    }
  });

  it('never send a removed field to a subgraph', async () => {
    for (const subgraph of running.subgraphs) subgraph.calls.length = 0;
    await running.engines.ask('native', {
      text: '{ card { ... on Debit { id risk holder { name town } } } }',
      without: ['limit', 'name'],
    });
    const sent = running.subgraphs.flatMap(({ calls }) => calls.map(({ query }) => query)).join(' ');
    expect(sent).toContain('town');
    expect(sent).not.toMatch(/limit|risk|name\b(?<!__typename)/u);
  });
});
