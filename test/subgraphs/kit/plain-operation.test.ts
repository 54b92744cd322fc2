import fc from 'fast-check';
import { buildSchema, execute, GraphQLError, type GraphQLSchema, parse } from 'graphql';
import { describe, expect, it } from 'vitest';
import { executeKept, type KeptExecution } from '../../../subgraphs/kit/execute-kept.ts';
import { compilePlainOperation } from '../../../subgraphs/kit/plain-operation.ts';
import { replayRoots } from '../../../subgraphs/kit/replayed-roots.ts';

const SDL = `
  type Query { one(id: ID!, input: Input, first: Int = 3): Item many(inputs: [Input!]!): [Item!]! bare: Item any: Any }
  type Mutation { change(input: Input!): Item! }
  interface Any { id: ID! }
  type Item implements Any { id: ID! count: Int share: Float isNew: Boolean kind: Kind tags: [String!] parts: [Item] whole: Item own: String sized(by: Int): Int }
  enum Kind { SMALL LARGE }
  input Input { text: String! kind: Kind = SMALL sizes: [Int!] inner: Input }
`;
type Resolve = (source: unknown, values: unknown, context: unknown) => unknown;

/** A schema of which each root field resolves by the same function. */
function schemaOf(resolve: Resolve): GraphQLSchema {
  const schema = buildSchema(SDL);
  for (const type of [schema.getQueryType(), schema.getMutationType()])
    for (const field of Object.values(type?.getFields() ?? {})) field.resolve = resolve;
  const item = schema.getType('Item') as ReturnType<GraphQLSchema['getQueryType']>;
  const own = item?.getFields()['own'];
  if (own !== undefined) own.resolve = () => 'own';
  replayRoots(schema);
  return schema;
}

const FIELDS = '__typename id count share isNew kind tags';
const ONE = `query One($id: ID!, $input: Input, $first: Int) { other: one(id: $id, input: $input, first: $first) { ${FIELDS} parts { id whole { id } } } }`;
const MANY = `query ($inputs: [Input!]!) { many(inputs: $inputs) { ${FIELDS} } }`;
const CHANGE = `mutation ($input: Input!) { change(input: $input) { ${FIELDS} whole { id count } } }`;

const kept = (schema: GraphQLSchema, text: string) => {
  const document = parse(text);
  return { document, plain: compilePlainOperation(schema, document, null) };
};
const mask: KeptExecution['mask'] = (formatted) => formatted;

/** As the library answers. */
async function byLibrary(schema: GraphQLSchema, text: string, variableValues: Record<string, unknown>) {
  const result = await execute({ schema, document: parse(text), variableValues, contextValue: 'context' });
  if (result.data === undefined) return null;
  const errors = result.errors?.map((error) => ({
    ...error.toJSON(),
    extensions: { code: 'INTERNAL_SERVER_ERROR' },
  }));
  return JSON.parse(JSON.stringify({ ...(errors === undefined ? {} : { errors }), data: result.data }));
}

/** As the kit does. */
async function byKit(schema: GraphQLSchema, text: string, variableValues: Record<string, unknown>) {
  const operation = { ...kept(schema, text), operationName: null, variableValues };
  const answer = await executeKept(operation, { schema, contextValue: 'context', mask, tell: () => null });
  return answer === null ? null : JSON.parse(answer.text);
}

const ODD = fc.constantFrom<unknown>(
  ...[
    null,
    undefined,
    '',
    'é"\n',
    7,
    -0,
    1.5,
    2 ** 40,
    Number.NaN,
    true,
    [],
    {},
    'SMALL',
    'HUGE',
    ['a'],
    [null],
  ],
  ...[new Error('no'), Promise.resolve(7), () => 7, 7n, new Date(0)],
);
const item = fc.record(
  {
    ...{
      id: fc.oneof(fc.string(), ODD),
      count: fc.oneof(fc.integer(), ODD),
      share: fc.oneof(fc.double(), ODD),
    },
    ...{ isNew: fc.oneof(fc.boolean(), ODD), kind: fc.oneof(fc.constantFrom('SMALL', 'LARGE'), ODD) },
    ...{ tags: fc.oneof(fc.array(fc.string()), ODD), whole: fc.oneof(fc.record({ id: fc.string() }), ODD) },
    parts: fc.oneof(fc.array(fc.record({ id: fc.string(), whole: ODD })), ODD),
  },
  { requiredKeys: [] },
);
const resolved = fc.oneof(item, fc.array(item), ODD);
const given = fc.oneof(
  fc.record({ text: fc.string(), kind: fc.constantFrom('SMALL', 'LARGE'), sizes: fc.array(fc.integer()) }),
  fc.record({ text: fc.oneof(fc.string(), ODD), kind: ODD, more: ODD }, { requiredKeys: [] }),
  ODD,
);

describe('an operation of one field', () => {
  it('is answered as the library answers it, whatever it is given and resolves to, and resolves once', async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(ONE, MANY, CHANGE), given, resolved, async (text, value, to) => {
        let calls = 0;
        const seen: unknown[] = [];
        const schema = schemaOf((_, values, context) => {
          calls += 1;
          seen.push(JSON.stringify([values, context], (_key, each) => (typeof each === 'bigint' ? 0 : each)));
          return to;
        });
        const variables = { id: 'i', input: value, inputs: Array.isArray(value) ? value : [value] };
        const expected = await byLibrary(schema, text, variables);
        const before = calls;
        expect(await byKit(schema, text, variables)).toEqual(expected);
        expect(calls).toBe(2 * before);
        expect(seen.slice(before)).toEqual(seen.slice(0, before));
      }),
      { numRuns: 300 },
    );
  });

  it('is worked out, and printed without the library where nothing about it is odd', async () => {
    const schema = schemaOf(() => ({ id: '1', count: 2, kind: 'LARGE', tags: ['a'], whole: { id: '2' } }));
    const plain = kept(schema, CHANGE).plain;
    const values = plain?.argumentsFrom({ input: { text: 'a' } });
    expect(values).toEqual({ input: { text: 'a', kind: 'SMALL' } });
    const replay = await plain?.resolve(values ?? {}, null);
    expect(replay && plain?.print(replay)).toBe(
      '{"change":{"__typename":"Item","id":"1","count":2,"share":null,"isNew":null,"kind":"LARGE","tags":["a"],"whole":{"id":"2","count":null}}}',
    );
  });

  it('that throws says what it threw, and is not asked again', async () => {
    let calls = 0;
    const schema = schemaOf(() => {
      calls += 1;
      throw new GraphQLError('Not today.');
    });
    const answer = await byKit(schema, CHANGE, { input: { text: 'a' } });
    expect(answer).toMatchObject({ data: null, errors: [{ message: 'Not today.', path: ['change'] }] });
    expect(calls).toBe(1);
    expect(await byKit(schema, ONE, { id: '1' })).toMatchObject({
      data: { other: null },
      errors: [{ message: 'Not today.', path: ['other'] }],
    });
    expect(calls).toBe(2);
  });

  it.each([
    ['two fields', '{ bare { id } other: bare { id } }'],
    ['a condition', 'query ($id: ID!) { one(id: $id) @skip(if: false) { id } }'],
    ['a condition below', '{ bare { id @include(if: true) } }'],
    ['a fragment', '{ bare { ...on Item { id } } }'],
    ['a named fragment', '{ bare { ...F } } fragment F on Item { id }'],
    ['several types', '{ any { id } }'],
    ['an argument below', '{ bare { sized(by: 1) } }'],
    ['a resolver below', '{ bare { own } }'],
    ['a key twice', '{ bare { id id } }'],
    ['a literal', '{ many(inputs: [{ text: "a" }]) { id } }'],
    ['a default of a variable', 'query ($inputs: [Input!]! = []) { many(inputs: $inputs) { id } }'],
    ['an argument that is not given', 'query ($id: ID!) { one(id: $id) { id } }'],
    [
      'a variable of another type',
      'query ($id: ID!, $input: Input!, $first: Int) { one(id: $id, input: $input, first: $first) { id } }',
    ],
  ])('is left to the library with %s', (_, text) => {
    expect(
      kept(
        schemaOf(() => null),
        text,
      ).plain,
    ).toBeNull();
  });

  it('is left to the library where its resolver asks what is selected', () => {
    const schema = buildSchema(SDL);
    const bare = schema.getQueryType()?.getFields()['bare'];
    if (bare !== undefined) bare.resolve = (_source, _values, _context, info) => info.fieldName;
    replayRoots(schema);
    expect(kept(schema, '{ bare { id } }').plain).toBeNull();
    expect(
      kept(
        schemaOf(() => null),
        '{ bare { id } }',
      ).plain,
    ).not.toBeNull();
  });
});
