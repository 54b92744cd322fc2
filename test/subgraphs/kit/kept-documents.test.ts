import { GraphQLError, parse } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createKeptDocuments } from '../../../subgraphs/kit/kept-documents.ts';
import type { RunningSubgraph } from '../../../subgraphs/kit/subgraph-server.ts';
import { createSigner, startProbe, subgraphSchema } from '../support.ts';

const typeDefs = parse(`
  extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])
  type Query { echo(text: String!): String! item: Item items: [Item!]! refused: String leaky: String unpaid: String }
  type Mutation { add(by: Int!): Int! }
  type Item @key(fields: "id") { id: ID! leaky: String! name: String }
`);
let sum = 0;
const resolvers = {
  Query: {
    echo: (_: unknown, { text }: { text: string }) => text,
    item: () => ({ id: '1', name: 'one' }),
    items: () => [{ id: '1' }, { id: '2' }],
    refused: () => {
      throw new GraphQLError('Not today.', { extensions: { code: 'NOT_TODAY', more: 7 } });
    },
    leaky: () => {
      throw new TypeError('password=hunter2');
    },
    unpaid: () => {
      throw new GraphQLError('Pay first.', { extensions: { http: { status: 402 } } });
    },
  },
  Mutation: {
    add: (_: unknown, { by }: { by: number }) => {
      sum += by;
      return by;
    },
  },
  Item: {
    __resolveReference: ({ id }: { id: string }) => ({ id }),
    leaky: () => Promise.reject(new Error('password=hunter2')),
  },
};

const ECHO = 'query Echo($text: String!) { echo(text: $text) }';
const TWO = `${ECHO} query Other { item { __typename id name } }`;
const lines: string[] = [];
let running: RunningSubgraph;
let assertion: string;

beforeAll(async () => {
  const signer = await createSigner();
  running = await startProbe({ typeDefs, resolvers, trust: { jwks: signer.jwks } }, lines);
  assertion = await signer.sign();
});
afterAll(() => running.close());

/** All that a caller and an operator see of one request. */
async function seen(body: unknown, accept: string) {
  lines.length = 0;
  const response = await fetch(running.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-portcullis-assertion': assertion, accept },
    body: JSON.stringify(body),
  });
  const { errors, data, ...rest } = (await response.json()) as Record<string, unknown>;
  const [type, length] = ['content-type', 'content-length'].map((name) => response.headers.get(name));
  return { status: response.status, type, isWhole: length !== null, errors, data, rest, lines: [...lines] };
}

describe('a document that is kept', () => {
  const documents = createKeptDocuments(subgraphSchema('catalog', {}));

  it('is parsed and validated once', () => {
    const first = documents.operationOf({ query: 'query A { __typename }', variables: { a: 1 } });
    const second = documents.operationOf({ query: 'query A { __typename }' });
    expect(first).toMatchObject({ operationName: null, variableValues: { a: 1 } });
    expect(second?.document).toBe(first?.document);
    expect(second?.variableValues).toEqual({});
  });

  it.each([
    ['no object', []],
    ['no text', { query: 7 }],
    ['an empty text', { query: '' }],
    ['no document', { query: '{' }],
    ['an unknown field', { query: '{ nowhere }' }],
    ['introspection', { query: '{ __schema { types { name } } }' }],
    ['introspection of one type', { query: '{ __type(name: "Query") { name } }' }],
    ['a name that no operation has', { query: 'query A { __typename }', operationName: 'B' }],
    ['two operations and no name', { query: 'query A { __typename } query B { __typename }' }],
    ['a name that is no text', { query: '{ __typename }', operationName: 7 }],
    ['variables in a list', { query: '{ __typename }', variables: [] }],
    ['variables in a text', { query: '{ __typename }', variables: '{}' }],
    ['extensions', { query: '{ __typename }', extensions: {} }],
    ['more text than is kept', { query: `{ __typename ${' '.repeat(100_000)}}` }],
  ])('is not one with %s', (_, body) => {
    expect(documents.operationOf(body)).toBeNull();
  });
});

describe('an answer to a kept document', () => {
  it.each([
    ['data', { query: ECHO, variables: { text: 'später' } }],
    ['one of several operations', { query: TWO, operationName: 'Other' }],
    [
      'entities',
      { query: '{ _entities(representations: [{ __typename: "Item", id: "3" }]) { ... on Item { id } } }' },
    ],
    ['an error beside data', { query: '{ refused item { id } }' }],
    ['an error that has no text for callers', { query: '{ leaky item { id } }' }],
    ['errors that take their objects along', { query: '{ items { id leaky } }' }],
    ['an error with a status', { query: '{ unpaid }' }],
    ['variables that do not fit', { query: ECHO, variables: { text: [7] } }],
    ['variables that are missing', { query: ECHO }],
    ['an unknown field', { query: '{ echoo }' }],
    ['a document that is none', { query: '{' }],
    ['no operation of the name', { query: TWO, operationName: 'Third' }],
  ])('is as Apollo Server gives it: %s', async (_, body) => {
    const byApollo = await seen(body, '*/*');
    expect(await seen(body, 'application/json')).toEqual(byApollo);
    expect(JSON.stringify(byApollo)).not.toContain('hunter2');
  });

  it('has the type that gateways ask for', async () => {
    const { status, type, data } = await seen(
      { query: ECHO, variables: { text: 'a' } },
      'application/graphql-response+json, application/json',
    );
    expect([status, type, data]).toEqual([
      200,
      'application/graphql-response+json; charset=utf-8',
      { echo: 'a' },
    ]);
  });

  it('comes of one execution, also where it is refused', async () => {
    sum = 0;
    const query = 'mutation ($by: Int!) { add(by: $by) }';
    expect((await seen({ query, variables: { by: 2 } }, 'application/json')).data).toEqual({ add: 2 });
    await seen({ query, variables: { by: 'two' } }, 'application/json');
    expect(sum).toBe(2);
  });
});
