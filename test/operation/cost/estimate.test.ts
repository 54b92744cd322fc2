import { describe, expect, it } from 'vitest';
import { COST_MAX } from '../../../src/operation/cost/formula.ts';
import { composeCosts, costOf, formulaOf, IMPORTS } from './cost-kit.ts';

/** The example of Apollo's documentation of demand control. */
const books = (address: string) =>
  composeCosts([
    `type Query {
      book(id: ID): Book
      bestsellers: [Book] @listSize(assumedSize: 5)
      newestAdditions(after: ID, limit: Int!): [Book] @listSize(slicingArguments: ["limit"])
    }
    type Book { title: String author: Author publisher: Publisher }
    type Author { name: String }
    type Publisher { name: String address: Address }
    type Address ${address} { zipCode: Int! }`,
  ]);
const BOOK = '{ title author { name } publisher { name address { zipCode } } }';

const GRAPH = composeCosts(
  [
    `type Query {
    one: Thing  thing: Thing @cost(weight: 3)  count: Int  heavy: Int @cost(weight: 4)
    money: Money  level: Level  plain: Level2
    list: [Thing]  ints: [Int]  weighed: [Int] @cost(weight: 2)  grid: [[Thing]]
    sized: [Thing] @listSize(assumedSize: 5)  none: [Thing] @listSize(assumedSize: 0)
    sizedGrid: [[Thing]] @listSize(assumedSize: 3)
    first(first: Int): [Thing] @listSize(slicingArguments: ["first"])
    firstOr(first: Int): [Thing] @listSize(slicingArguments: ["first"], assumedSize: 7, requireOneSlicingArgument: false)
    preset(first: Int = 4): [Thing] @listSize(slicingArguments: ["first"])
    either(first: Int, last: Int): [Thing] @listSize(slicingArguments: ["first", "last"])
    largest(first: Int, last: Int): [Thing] @listSize(slicingArguments: ["first", "last"], requireOneSlicingArgument: false)
    presets(first: Int = 2, last: Int = 3): [Thing] @listSize(slicingArguments: ["first", "last"])
    byIds(ids: [ID!]): [Thing] @listSize(assumedSize: 101)
    paged(page: Page): [Thing] @listSize(assumedSize: 102)
    pagedDefault(page: Page = { first: 6 }): [Thing] @listSize(assumedSize: 102)
    connection(first: Int): Connection @listSize(slicingArguments: ["first"], sizedFields: ["nodes"])
    assumedConnection: Connection @listSize(assumedSize: 8, sizedFields: ["nodes"])
    node: Node  nodes: [Node] @listSize(assumedSize: 2)  any: Any
    arg(x: Int @cost(weight: 5)): Int  argDefault(x: Int = 1 @cost(weight: 5)): Int
    scalarArg(m: Money): Int  enumArg(l: Level): Int
    find(filter: Filter): Int  finds(filters: [Filter!]): Int  dear(filter: Filter @cost(weight: 6)): Int
    findDefault(filter: Filter = { name: "x" }): Int
    search(filter: Filter): [Thing]
  }
  type Mutation { add: Int  create(filter: Filter): Thing  wipe: Int @cost(weight: 9) }
  type Thing { id: ID child: Thing children: [Thing] heavy: Int @cost(weight: 2) gold: Gold }
  type Gold @cost(weight: 5) { id: ID }
  scalar Money @cost(weight: 3)
  enum Level @cost(weight: 2) { LOW HIGH }
  enum Level2 { A }
  type Connection { nodes: [Thing] others: [Thing] total: Int }
  interface Node { id: ID thing: Thing }
  type Cheap implements Node { id: ID thing: Thing cheap: Int }
  type Dear implements Node @cost(weight: 4) { id: ID thing: Thing @cost(weight: 7) dear: [Thing] }
  union Any = Cheap | Gold
  input Page { first: Int size: Int = 9 }
  input Filter { name: String tax: Int @cost(weight: 3) inner: Filter list: [Filter!] money: Money }`,
  ],
  IMPORTS,
  [
    ['@listSize(assumedSize: 101)', '@listSize(slicingArguments: ["ids"])'],
    ['@listSize(assumedSize: 102)', '@listSize(slicingArguments: ["page.first"])'],
  ],
);

type Row = readonly [what: string, text: string, cost: number, variables?: Readonly<Record<string, unknown>>];

const table = (rows: readonly Row[]) =>
  rows.map(([what, text, cost, variables = {}]) => ({ what, text, cost, variables }));

describe("Apollo's documented values", () => {
  it.each([
    ['one object with nested ones', '', `{ book(id: 1) ${BOOK} }`, 4],
    ['a type with a weight', '@cost(weight: 5)', `{ book(id: 1) ${BOOK} }`, 8],
    ['an assumed size', '@cost(weight: 5)', `{ bestsellers ${BOOK} }`, 40],
    ['a limit of 3', '@cost(weight: 5)', `{ newestAdditions(limit: 3) ${BOOK} }`, 24],
    ['a limit of 7', '@cost(weight: 5)', `{ newestAdditions(limit: 7) ${BOOK} }`, 56],
  ] as const)('are those of %s', (_, address, text, cost) => {
    expect(costOf(books(address), text)).toMatchObject({ estimated: cost, faults: [] });
  });
});

describe('the estimated cost', () => {
  it.each(
    table([
      ['a scalar', '{ count }', 0],
      ['__typename', '{ __typename }', 0],
      ['introspection', '{ __schema { types { fields { name } } } }', 0],
      ['an object', '{ one { id } }', 1],
      ['an object below another', '{ one { child { id } } }', 2],
      ['a weight on a field that returns an object', '{ thing { id } }', 3],
      ['a weight on a leaf', '{ heavy }', 4],
      ['a scalar with a weight', '{ money }', 3],
      ['an enum with a weight', '{ level }', 2],
      ['an enum without', '{ plain }', 0],
      ['a type with a weight', '{ one { gold { id } } }', 6],
      ['fields of one object', '{ one { heavy gold { id } } }', 8],
      ['a list of unknown size', '{ list { id } }', 10],
      ['a list of scalars', '{ ints }', 0],
      ['a list of weighed scalars', '{ weighed }', 20],
      ['nested lists', '{ list { children { id } } }', 110],
      ['a list of lists', '{ grid { id } }', 100],
      ['a list of lists of a given size', '{ sizedGrid { id } }', 9],
      ['an assumed size', '{ sized { id heavy } }', 15],
      ['an assumed size of nothing', '{ none { id } }', 0],
      ['a slicing argument', '{ first(first: 3) { id } }', 3],
      ['a slicing argument of 0', '{ first(first: 0) { id } }', 0],
      ['a slicing variable', 'query($n: Int) { first(first: $n) { id } }', 6, { n: 6 }],
      ['the default of a slicing variable', 'query($n: Int = 8) { first(first: $n) { id } }', 8],
      [
        'a value over the default of its variable',
        'query($n: Int = 8) { first(first: $n) { id } }',
        2,
        { n: 2 },
      ],
      ['the largest Int', '{ first(first: 2147483647) { child { id } } }', 4294967294],
      ['nothing given where nothing is asked for', '{ firstOr { id } }', 7],
      ['null where nothing is asked for', '{ firstOr(first: null) { id } }', 7],
      ['a null variable', 'query($n: Int) { firstOr(first: $n) { id } }', 7, { n: null }],
      ['a missing variable', 'query($n: Int) { firstOr(first: $n) { id } }', 7],
      ['the default of the schema', '{ preset { id } }', 4],
      ['the default behind a missing variable', 'query($n: Int) { preset(first: $n) { id } }', 4],
      ['a value over the default of the schema', '{ preset(first: 9) { id } }', 9],
      ['one of two slicing arguments', '{ either(last: 5) { id } }', 5],
      ['the larger of two slicing arguments', '{ largest(first: 5, last: 6) { id } }', 6],
      ['two defaults of the schema', '{ presets { id } }', 3],
      ['a value beside a default', '{ presets(first: 1) { id } }', 3],
      ['the length of a list', '{ byIds(ids: [1, 2, 3]) { id } }', 3],
      ['a single value for a list', '{ byIds(ids: 1) { id } }', 1],
      ['the length of a variable', 'query($i: [ID!]) { byIds(ids: $i) { id } }', 2, { i: ['a', 'b'] }],
      ['a path into an input', '{ paged(page: { first: 4 }) { id } }', 5],
      ['a path into a variable', 'query($p: Page) { paged(page: $p) { id } }', 5, { p: { first: 4 } }],
      ['a variable in an input', 'query($n: Int) { paged(page: { first: $n }) { id } }', 5, { n: 4 }],
      ['a default that is an input', '{ pagedDefault { id } }', 7],
      ['sized fields', '{ connection(first: 4) { nodes { id } total } }', 5],
      ['fields beside the sized ones', '{ connection(first: 4) { others { id } } }', 11],
      ['an aliased sized field', '{ connection(first: 4) { n: nodes { id } } }', 5],
      ['an assumed size for a field', '{ assumedConnection { nodes { id } } }', 9],
      ['an interface', '{ node { id } }', 4],
      ['a list of an interface', '{ nodes { id } }', 8],
      ['a field of an interface on its types', '{ node { thing { id } } }', 11],
      [
        'the dearer of two branches',
        '{ node { ... on Cheap { thing { id } } ... on Dear { dear { id } } } }',
        14,
      ],
      ['a branch of the cheap type only', '{ node { ... on Cheap { thing { id } } } }', 4],
      ['a union', '{ any { ... on Cheap { thing { child { id } } } } }', 5],
      ['equal keys once', '{ one { id } one { heavy } }', 3],
      ['aliases each', '{ a: one { id } b: one { id } }', 2],
      [
        'fragments wherever they are spread',
        '{ a: one { ...F } b: one { ...F } } fragment F on Thing { child { id } }',
        4,
      ],
      ['a field skipped', '{ one @skip(if: true) { id } count }', 0],
      ['a field included', '{ one @include(if: true) { id } }', 1],
      ['a fragment skipped', '{ ... @skip(if: true) { one { id } } count }', 0],
      [
        'a fragment spread that is not included',
        '{ count ...F @include(if: false) } fragment F on Query { one { id } }',
        0,
      ],
      ['a variable that includes', 'query($c: Boolean!) { one @include(if: $c) { id } }', 1, { c: true }],
      ['a variable that does not', 'query($c: Boolean!) { one @include(if: $c) { id } }', 0, { c: false }],
      [
        'a variable that skips a fragment',
        'query($c: Boolean!) { ... @skip(if: $c) { one { id } } }',
        0,
        { c: true },
      ],
      [
        'either of two conditions',
        'query($c: Boolean!) { one @skip(if: $c) { id } one @include(if: $c) { heavy } }',
        3,
        { c: true },
      ],
      ['a mutation', 'mutation { add }', 10],
      ['a mutation with an object', 'mutation { create { id } }', 11],
      ['a mutation with a weight', 'mutation { wipe }', 19],
      ['an argument', '{ arg(x: 1) }', 5],
      ['an argument not given', '{ arg }', 0],
      ['a null argument', '{ arg(x: null) }', 0],
      ['an argument by variable', 'query($x: Int) { arg(x: $x) }', 5, { x: 1 }],
      ['an argument by a missing variable', 'query($x: Int) { arg(x: $x) }', 0],
      ['the default of an argument', '{ argDefault }', 5],
      ['a default replaced by null', '{ argDefault(x: null) }', 0],
      ['an argument of a weighed scalar', '{ scalarArg(m: 1) }', 3],
      ['an argument of a weighed enum', '{ enumArg(l: LOW) }', 2],
      ['an input object', '{ find(filter: { name: "x" }) }', 1],
      ['an input field with a weight', '{ find(filter: { tax: 1 }) }', 4],
      ['inputs in inputs', '{ find(filter: { inner: { inner: { tax: 2 } } }) }', 6],
      ['lists of inputs', '{ finds(filters: [{ tax: 1 }, { name: "x" }]) }', 5],
      ['a list in an input', '{ find(filter: { list: [{}, {}], money: 1 }) }', 6],
      [
        'an input by variable',
        'query($f: Filter) { find(filter: $f) }',
        9,
        { f: { inner: { tax: 1 }, list: [{}], money: 1, tax: null } },
      ],
      ['a variable in an input literal', 'query($t: Int) { find(filter: { tax: $t }) }', 4, { t: 1 }],
      ['an input with a weight of its own', '{ dear(filter: { tax: 1 }) }', 9],
      ['a default that is an input object', '{ findDefault }', 1],
      ['arguments of a list once', '{ search(filter: { tax: 1 }) { id } }', 14],
      ['arguments in a list each time', '{ list { child { id } } arg(x: 1) }', 25],
    ]),
  )('counts $what', ({ text, cost, variables }) => {
    expect(costOf(GRAPH, text, { variables })).toMatchObject({ estimated: cost, faults: [] });
  });

  it.each(
    table([
      ['none of the slicing arguments', '{ first { id } }', 10],
      ['a null slicing argument', '{ first(first: null) { id } }', 10],
      ['a missing slicing variable', 'query($n: Int) { first(first: $n) { id } }', 10],
      ['two slicing arguments', '{ either(first: 1, last: 2) { id } }', 2],
      [
        'two by variables',
        'query($a: Int, $b: Int) { either(first: $a, last: $b) { id } }',
        2,
        { a: 1, b: 2 },
      ],
      ['a negative literal', '{ first(first: -1) { id } }', COST_MAX],
      ['a negative variable', 'query($n: Int) { first(first: $n) { id } }', COST_MAX, { n: -5 }],
      ['a negative value where none is needed', '{ firstOr(first: -1) { id } }', COST_MAX],
      ['a negative value beside a good one', '{ largest(first: -1, last: 1) { id } }', COST_MAX],
      ['a negative value in an input', '{ paged(page: { first: -1 }) { id } }', COST_MAX],
    ]),
  )('finds fault with $what', ({ text, cost, variables }) => {
    const { estimated, faults } = costOf(GRAPH, text, { variables });
    expect(faults).toHaveLength(1);
    expect(estimated).toBe(cost);
  });

  it('saturates where sizes multiply', () => {
    const deep = '{ first(first: 2147483647) { children { children { id } } } }';
    expect(costOf(GRAPH, deep, { listSize: 1_000_000 }).estimated).toBe(COST_MAX);
  });

  it('takes floats up to the next whole item, and any number as far as it goes', () => {
    const graph = composeCosts(
      ['type Query { f(n: Int): [T] @listSize(slicingArguments: ["n"]) } type T { id: ID }'],
      IMPORTS,
      [['f(n: Int)', 'f(n: Float)']],
    );
    expect(costOf(graph, '{ f(n: 2.5) { id } }').estimated).toBe(3);
    expect(costOf(graph, 'query($n: Float) { f(n: $n) { id } }', { variables: { n: 2.5 } }).estimated).toBe(
      3,
    );
    expect(costOf(graph, '{ f(n: 1e300) { id } }').estimated).toBe(COST_MAX);
  });

  it('is known beforehand where no variable decides it', () => {
    const text = 'query($x: Int, $n: Int) { arg(x: $x) first(first: $n) { id } }';
    expect(formulaOf(GRAPH, '{ arg(x: 1) one { id } find(filter: { name: "x" }) }').fixed?.estimated).toBe(7);
    expect(formulaOf(GRAPH, text).fixed).toBeNull();
  });

  it('reads renamed directives', () => {
    const graph = composeCosts(
      ['type Query { a: T @price(weight: 6) b: [T] @howMany(assumedSize: 2) } type T { id: ID }'],
      `${IMPORTS.replace('"@cost", "@listSize"', '')} { name: "@cost", as: "@price" }, { name: "@listSize", as: "@howMany" }`,
    );
    expect(costOf(graph, '{ a { id } b { id } }').estimated).toBe(8);
  });

  it('leaves out what the mask removes', () => {
    const graph = composeCosts([
      'type Query { a: T b: T @requiresScopes(scopes: [["b"]]) } type T { id: ID }',
    ]);
    expect(costOf(graph, '{ a { id } b { id } }').estimated).toBe(2);
    expect(costOf(graph, '{ a { id } b { id } }', { mask: '0' }).estimated).toBe(1);
  });
});

describe('the cost in each subgraph', () => {
  const graph = composeCosts([
    'type Query { items: [Item] @listSize(assumedSize: 3) } type Item @key(fields: "id") { id: ID! }',
    'type Query { other: Int } type Mutation { go: Int } type Item @key(fields: "id") { id: ID! review: Review reviews: [Review] } type Review { text: String }',
  ]);

  it('counts what its fetches select and the objects they complete', () => {
    const { perSubgraph } = costOf(graph, '{ items { id review { text } } }');
    expect([...perSubgraph]).toEqual([
      ['a', 3],
      ['b', 6],
    ]);
  });

  it('counts the event of a subscription for the subgraph that sends it, and what completes it for the others', () => {
    const streaming = composeCosts([
      'type Query { a: Int } type Subscription { changed: Thing } type Thing @key(fields: "id") { id: ID! }',
      'type Thing @key(fields: "id") { id: ID! note: Note } type Note { text: String }',
    ]);
    const { estimated, perSubgraph } = costOf(streaming, 'subscription { changed { id note { text } } }');
    expect(estimated).toBe(2);
    expect([...perSubgraph.keys()].sort()).toEqual(['a', 'b']);
    expect(perSubgraph.get('a')).toBe(1);
  });

  it('takes the list size of the subgraph', () => {
    const costing = { perSubgraph: new Map([['b', 2]]) };
    const { perSubgraph, estimated } = costOf(graph, '{ items { reviews { text } } }', costing);
    expect(estimated).toBe(33);
    expect(perSubgraph.get('b')).toBe(3 * (1 + 2));
  });

  it('counts the mutation where it is sent', () => {
    expect([...costOf(graph, 'mutation { go }').perSubgraph]).toEqual([['b', 10]]);
  });
});
