import type { FeatureGraph, Reference } from './graph.ts';

const fail = (): never => {
  throw new Error('a resolver failed');
};

/** Every combination of list and null, with values missing where they may and may not. */
export const nulls: FeatureGraph = {
  title: 'null propagation',
  ids: ['1', '2', '3'],
  subgraphs: [
    {
      name: 'left',
      typeDefs: `
        type Query { rows: [Row] strict: [Row!]! one: Row! pair: Pair broken: Row fragile: Row! }
        type Row @key(fields: "id") { id: ID! a: Int b: Int! }
        type Pair { first: Row! second: Row }`,
      resolvers: {
        Query: {
          rows: () => ['1', '2', null, '3'].map((id) => (id === null ? null : { id })),
          strict: () => ['1', '3'].map((id) => ({ id })),
          one: () => ({ id: '1' }),
          pair: () => ({ first: { id: '2' }, second: { id: '3' } }),
          broken: fail,
          fragile: fail,
        },
        Row: { a: ({ id }: Reference) => (id === '2' ? fail() : 0), b: () => 1 },
      },
    },
    {
      name: 'right',
      typeDefs: `
        type Row @key(fields: "id") { id: ID! must: Int! may: Int list: [Int!] lists: [[Int!]]! kids: [Row!] kid: Row }
        type Query { right: [Row!] }`,
      resolvers: {
        Query: { right: () => [{ id: '1' }, { id: '2' }] },
        Row: {
          __resolveReference: ({ id }: Reference) => (id === '3' ? null : { id }),
          must: ({ id }: Reference) => (id === '2' ? null : 5),
          may: ({ id }: Reference) => (id === '2' ? fail() : 0),
          list: ({ id }: Reference) => (id === '2' ? [1, null, 2] : [1, 2]),
          lists: ({ id }: Reference) => (id === '2' ? [[1], [null], null] : [[0], []]),
          kids: ({ id }: Reference) => (id === '1' ? [{ id: '2' }, { id: '3' }] : []),
          kid: ({ id }: Reference) => ({ id: id === '1' ? '3' : '1' }),
        },
      },
    },
  ],
  operations: [
    '{ rows { id may } }',
    '{ rows { id must } }',
    '{ strict { id must } }',
    '{ strict { id may } one { must } }',
    '{ one { must kids { b must } } }',
    '{ pair { first { must } second { may } } }',
    '{ pair { second { must } } rows { may } }',
    '{ rows { list lists } }',
    '{ broken { id must } rows { id } }',
    '{ fragile { id } rows { id } }',
    '{ rows { kid { must kid { must a } } kids { id a } } }',
    '{ right { must a b } }',
    '{ right { may a kids { must } } }',
    '{ rows { a b must } r: right { kid { b } } }',
  ],
};

/** Inputs of every form, handed to two subgraphs each with its own variables. */
export const inputs: FeatureGraph = {
  title: 'variables in nested inputs, custom scalars, enums, defaults',
  ids: ['1', '2'],
  subgraphs: [
    {
      name: 'echo',
      typeDefs: `
        scalar Json
        enum Color { RED GREEN BLUE @inaccessible }
        input Filter { color: Color = RED text: String tags: [String!] inner: Filter number: Int json: Json }
        type Query {
          echo(filter: Filter, list: [Filter!], json: Json, color: Color = GREEN, n: Float, many: [[Int]]): String
          colors: [Color] json: Json entity: Entity
        }
        type Entity @key(fields: "id") { id: ID! }`,
      resolvers: {
        Query: {
          echo: (_: unknown, args: unknown) => JSON.stringify(args),
          colors: () => ['RED', 'BLUE', null, 'GREEN'],
          json: () => ({ a: [1, { b: null }], constructor: 'c', toString: 1 }),
          entity: () => ({ id: '1' }),
        },
      },
    },
    {
      name: 'second',
      typeDefs: `
        scalar Json
        enum Color { RED GREEN BLUE }
        input Filter { color: Color = RED text: String tags: [String!] inner: Filter number: Int json: Json }
        type Entity @key(fields: "id") { id: ID! find(filter: Filter!, color: Color): String json: Json none: Json never: Json! nested: Nested list: [Json!] }
        type Nested { id: ID! never: Json! }`,
      resolvers: {
        Entity: {
          find: (_: unknown, args: unknown) => JSON.stringify(args),
          json: () => [0, false, ''],
          none: () => null,
          never: () => null,
          nested: () => ({ id: '1', never: null }),
          list: () => [1, null],
        },
      },
    },
  ],
  operations: [
    '{ echo json colors }',
    '{ echo(filter: { inner: { inner: { text: "a\\n\\"b\\"", tags: ["x", "\\u2028"] } } }, color: RED, n: 1) }',
    '{ echo(list: { text: "coerced" }, many: [[1, null], null]) }',
    {
      text: 'query ($t: String, $f: Filter, $c: Color = RED) { echo(filter: { text: $t, inner: $f, color: $c }) entity { find(filter: { inner: $f, text: $t }) } }',
      variables: { t: 'é"\\', f: { tags: ['a'], json: { deep: [1] } } },
    },
    {
      text: 'query ($j: Json, $l: [Filter!]) { echo(json: $j, list: $l) entity { json find(filter: { json: $j }) } }',
      variables: { j: { __typename: 'x', n: [null] }, l: [{ number: 1 }] },
    },
    { text: 'query ($n: Float = 2, $m: [[Int]]) { echo(n: $n, many: $m) }', variables: { m: [[1], null] } },
    {
      text: 'query ($t: String) { a: echo(filter: { text: $t }) b: echo(filter: { text: "lit" }) entity { x: find(filter: { text: $t }) y: find(filter: { text: "lit" }, color: GREEN) } }',
      variables: { t: null },
    },
    { text: 'query ($t: String) { entity { x: find(filter: { text: $t }) } }', variables: {} },
    '{ echo(json: { a: 1, b: [true, null, "s", 1.5] }) }',
    '{ entity { a: json b: json find(filter: {}) } }',
    '{ entity { id none json nested { id never } list } }',
    '{ entity { id never } echo }',
    {
      text: 'query ($constructor: String, $toString: Int) { entity { find(filter: { text: $constructor, number: $toString }) } }',
      variables: {},
    },
  ],
};

/** Selections that come and go with variables, at the root, below, and in fragments, over two subgraphs. */
export const switches: FeatureGraph = {
  title: '@skip and @include, conditional fetches',
  ids: ['1', '2'],
  subgraphs: [
    {
      name: 'one',
      typeDefs: `
        type Query { node: Node! nodes: [Node] plain: Int }
        type Node @key(fields: "id") { id: ID! here: String next: Node }`,
      resolvers: {
        Query: { node: () => ({ id: '1' }), nodes: () => [{ id: '1' }, null, { id: '2' }], plain: () => 0 },
        Node: { here: ({ id }: Reference) => `here ${id}`, next: () => ({ id: '2' }) },
      },
    },
    {
      name: 'two',
      typeDefs: `
        type Query { other: Int second: Node }
        type Node @key(fields: "id") { id: ID! there: String far: Node }`,
      resolvers: {
        Query: { other: () => 0, second: () => ({ id: '2' }) },
        Node: { there: ({ id }: Reference) => `there ${id}`, far: () => ({ id: '1' }) },
      },
    },
  ],
  operations: [true, false].flatMap((b) =>
    [true, false].flatMap((c) =>
      [
        'query ($b: Boolean!, $c: Boolean!) { node @include(if: $b) { there @skip(if: $c) here } other @skip(if: $b) plain @include(if: $c) }',
        'query ($b: Boolean!, $c: Boolean!) { ... @include(if: $b) { node { there } ... @skip(if: $c) { other second { here } } } plain }',
        'query ($b: Boolean!, $c: Boolean!) { node { ...f @include(if: $b) ...g @skip(if: $c) } } fragment f on Node { there far { here } } fragment g on Node { there @include(if: $b) far { there } }',
        'query ($b: Boolean!, $c: Boolean!) { nodes { far @include(if: $b) @skip(if: $c) { here next { there } } } }',
        'query ($b: Boolean!, $c: Boolean!) { node { there @include(if: $b) there @include(if: $c) } }',
        'query ($b: Boolean!, $c: Boolean!) { node @skip(if: $b) { id } other @skip(if: $b) __typename @include(if: $c) }',
      ].map((text) => ({ text, variables: { b, c } })),
    ),
  ),
};

/** The same field asked in several ways, and types that give one name to different things. */
export const renames: FeatureGraph = {
  title: 'aliases, one field with different arguments, renamed keys',
  ids: ['1', '2'],
  subgraphs: [
    {
      name: 'a',
      typeDefs: `
        type Query { things: [Thing!]! box(n: Int!): Box }
        union Thing = Left | Right
        type Left @key(fields: "id") { id: ID! }
        type Right @key(fields: "id") { id: ID! }
        type Box @key(fields: "id") { id: ID! n: Int! }`,
      resolvers: {
        Query: {
          things: () => [
            { __typename: 'Left', id: '1' },
            { __typename: 'Right', id: '2' },
            { __typename: 'Left', id: '2' },
          ],
          box: (_: unknown, { n }: { n: number }) => ({ id: `${n}`, n }),
        },
      },
    },
    {
      name: 'b',
      typeDefs: `
        type Left @key(fields: "id") { id: ID! value(n: Int): Int! data(x: Int): [Leaf!] zero: Int! }
        type Right @key(fields: "id") { id: ID! value(n: Int): String data(x: Int): Leaf zero: String }
        type Leaf { v: Int }
        type Box @key(fields: "id") { id: ID! at(i: Int): Box text(up: Boolean): String }`,
      resolvers: {
        Left: {
          value: (_: unknown, { n }: { n?: number }) => n ?? 1,
          data: () => [{ v: 1 }, { v: 0 }],
          zero: () => 0,
        },
        Right: {
          value: (_: unknown, { n }: { n?: number }) => `r${n}`,
          data: () => ({ v: 2 }),
          zero: () => '',
        },
        Box: {
          at: (_: unknown, { i }: { i?: number }) => ({ id: `${i}` }),
          text: ({ id }: Reference, { up }: { up?: boolean }) => `${up} ${id}`,
        },
      },
    },
  ],
  operations: [
    '{ things { ... on Left { a: value(n: 1) } ... on Right { b: value(n: 2) } } }',
    '{ things { ... on Left { x: value(n: 1) y: value(n: 3) } ... on Right { id y2: value(n: 2) } } }',
    '{ one: box(n: 1) { text t: text(up: true) } two: box(n: 2) { text(up: false) n } }',
    '{ box(n: 1) { a: at(i: 2) { text n a: at(i: 1) { text(up: true) } } b: at(i: 1) { n } } }',
    '{ things { ... on Left { l: data { v } } ... on Right { r: data(x: 1) { v } } } }',
    '{ things { ... on Left { id: zero } ... on Right { key: id } } }',
    '{ box(n: 1) { id: text n: id text: n } }',
    '{ box(n: 2) { at(i: 1) { id: n at(i: 2) { id: text(up: true) } } } }',
    '{ box(n: 2) { __typename: __typename at(i: 1) { n: __typename id } } }',
    {
      text: 'query ($n: Int!, $i: Int) { box(n: $n) { at(i: $i) { at(i: $n) { n text } } } }',
      variables: { n: 1, i: 2 },
    },
  ],
};
