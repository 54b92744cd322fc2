import type { FeatureGraph, Reference } from './graph.ts';

/** One key, followed through three subgraphs and back, with the same entity many times in nested lists. */
export const singleKey: FeatureGraph = {
  title: 'single @key, nested lists, deep recursion',
  ids: ['1', '2', '3', '4'],
  subgraphs: [
    {
      name: 'users',
      typeDefs: `
        type Query { me: User user(id: ID!): User users: [User!]! grid: [[User]] maybe: [User] }
        type User @key(fields: "id") { id: ID! name: String! friends: [User!]! best: User }`,
      resolvers: {
        Query: {
          me: () => ({ id: '1' }),
          user: (_: unknown, { id }: { id: string }) => (Number(id) <= 3 ? { id } : null),
          users: () => [{ id: '1' }, { id: '2' }, { id: '1' }, { id: '3' }],
          grid: () => [[{ id: '1' }, null, { id: '2' }], null, [], [{ id: '1' }]],
          maybe: () => [null, { id: '2' }, null, { id: '9' }],
        },
        User: {
          __resolveReference: ({ id }: Reference) => ({ id }),
          name: ({ id }: Reference) => `user ${id}`,
          friends: ({ id }: Reference) =>
            [{ id: '1' }, { id: '2' }, { id: '3' }].filter((each) => each.id !== id),
          best: ({ id }: Reference) => (id === '3' ? null : { id: '3' }),
        },
      },
    },
    {
      name: 'reviews',
      typeDefs: `
        type User @key(fields: "id") { id: ID! reviews(first: Int = 2, min: Int): [Review!] }
        type Review @key(fields: "id") { id: ID! body: String stars: Int! author: User! product: Product }
        type Product @key(fields: "upc") { upc: ID! reviews: [Review] }
        type Query { latest: [Review] review(id: ID!): Review }`,
      resolvers: {
        Query: {
          latest: () => ['r1', null, 'r2', 'r4'].map((id) => (id === null ? null : { id })),
          review: (_: unknown, { id }: { id: string }) => ({ id: `r${id}` }),
        },
        User: {
          // Nobody knows the ninth.
          __resolveReference: ({ id }: Reference) => (id === '9' ? null : { id }),
          reviews: ({ id }: Reference, { first }: { first: number }) =>
            [`r${id}`, `r${Number(id) + 1}`, `r${Number(id) + 2}`]
              .slice(0, first)
              .map((each) => ({ id: each })),
        },
        Product: { reviews: ({ upc }: Reference) => [{ id: `r${upc}` }, null] },
        Review: {
          body: ({ id }: Reference) => (id === 'r2' ? null : `body of ${id}`),
          stars: ({ id }: Reference) => String(id).length,
          author: ({ id }: Reference) => ({ id: id === 'r1' ? '1' : '2' }),
          product: ({ id }: Reference) => (id === 'r4' ? null : { upc: '1' }),
        },
      },
    },
    {
      name: 'products',
      typeDefs: `
        type Product @key(fields: "upc") { upc: ID! title: String price: Float! similar: [Product!]! }
        type Query { product(upc: ID!): Product }`,
      resolvers: {
        Query: { product: (_: unknown, { upc }: { upc: string }) => ({ upc }) },
        Product: {
          title: ({ upc }: Reference) => `product ${upc}`,
          price: () => 0.5,
          similar: ({ upc }: Reference) => [{ upc: `${Number(upc) + 1}` }, { upc }],
        },
      },
    },
  ],
  operations: [
    '{ me { id name reviews { id body author { name } product { title } } } }',
    '{ users { name friends { name reviews { stars product { price similar { title reviews { id } } } } } } }',
    '{ grid { id reviews(first: 1) { body } } }',
    '{ maybe { __typename id reviews { __typename body } } }',
    '{ a: me { r: reviews(first: 1) { id } } b: me { r: reviews(first: 2) { id } } }',
    '{ me { one: reviews(first: 1) { body } two: reviews(first: 2) { body author { two: name } } } }',
    '{ latest { author { name friends { reviews { product { reviews { author { name } } } } } } } }',
    '{ latest { product { title } } __typename }',
    '{ users { best { name best { name } reviews { id } } } }',
    '{ latest { t: __typename author { u: __typename __typename } } }',
    '{ users { ...a ...b } } fragment a on User { reviews { id } } fragment b on User { name reviews { stars author { id } } }',
    '{ user(id: "9") { name reviews { id } } other: user(id: "2") { name reviews { id } } }',
    {
      text: 'query ($n: Int, $id: ID!) { user(id: $id) { reviews(first: $n) { id } } }',
      variables: { n: 1, id: '2' },
    },
    {
      text: 'query ($n: Int, $id: ID!) { user(id: $id) { reviews(first: $n) { id } } }',
      variables: { id: '2' },
    },
    {
      text: 'query ($n: Int = 3) { me { reviews(first: $n) { id author { reviews(first: $n) { id } } } } }',
      variables: {},
    },
    '{ me { name } __schema { queryType { name } } t: __type(name: "User") { name fields { name } } }',
    '{ __schema { types { name kind } } __typename me { __typename } }',
    '{ me { friends { friends { friends { friends { name reviews { body } } } } } } }',
  ],
};

/** Keys of several fields, keys within objects, and several keys, none of which all subgraphs share. */
export const compoundKeys: FeatureGraph = {
  title: 'compound, nested and multiple @key',
  ids: ['1', '2'],
  subgraphs: [
    {
      name: 'stock',
      typeDefs: `
        type Query { items: [Item!]! item(sku: ID!): Item orders: [Order] }
        type Item @key(fields: "sku") @key(fields: "maker { id } number") { sku: ID! number: Int! maker: Maker! count: Int }
        type Maker @key(fields: "id") { id: ID! }
        type Order @key(fields: "id region") { id: ID! region: Region! lines: [Line!]! }
        type Line { item: Item amount: Int! }
        enum Region { EAST WEST }`,
      resolvers: {
        Query: {
          items: () => [1, 2, 3].map(item),
          item: (_: unknown, { sku }: { sku: string }) => item(Number(sku)),
          orders: () => [order('1', 'EAST'), null, order('1', 'WEST')],
        },
        Item: {
          __resolveReference: (reference: Reference) => item(Number(reference['sku'] ?? reference['number'])),
        },
        Order: { __resolveReference: ({ id, region }: Reference) => order(String(id), String(region)) },
      },
    },
    {
      name: 'makers',
      typeDefs: `
        type Maker @key(fields: "id") { id: ID! name: String! catalog: [Item!] }
        type Item @key(fields: "maker { id } number") { number: Int! maker: Maker! blurb: String }
        type Query { maker(id: ID!): Maker }`,
      resolvers: {
        Query: { maker: (_: unknown, { id }: { id: string }) => ({ id }) },
        Maker: {
          name: ({ id }: Reference) => `maker ${id}`,
          catalog: ({ id }: Reference) => [
            { number: 2, maker: { id } },
            { number: 3, maker: { id } },
          ],
        },
        Item: { blurb: ({ number, maker }: Reference) => `${number} of ${(maker as Reference)['id']}` },
      },
    },
    {
      name: 'shipping',
      typeDefs: `
        type Order @key(fields: "id region") { id: ID! region: Region! carrier: String fee: Float! }
        enum Region { EAST WEST }`,
      resolvers: {
        Order: {
          carrier: ({ id, region }: Reference) => (region === 'WEST' ? null : `carrier ${id}`),
          fee: ({ region }: Reference) => (region === 'WEST' ? 0 : 1.5),
        },
      },
    },
  ],
  operations: [
    '{ items { sku blurb maker { name } } }',
    '{ orders { carrier fee region lines { amount item { blurb count maker { name catalog { blurb count } } } } } }',
    '{ maker(id: "1") { catalog { sku count blurb } } }',
    '{ item(sku: "2") { blurb } i: item(sku: "3") { blurb count } }',
    '{ orders { carrier } o: orders { fee } }',
    '{ maker(id: "2") { name catalog { number maker { id name } } } }',
    '{ items { maker { catalog { maker { catalog { sku } } } } } }',
    {
      text: 'query ($s: ID!, $w: Boolean!) { item(sku: $s) { blurb @include(if: $w) maker @skip(if: $w) { name } } }',
      variables: { s: '1', w: true },
    },
    {
      text: 'query ($s: ID!, $w: Boolean!) { item(sku: $s) { blurb @include(if: $w) maker @skip(if: $w) { name } } }',
      variables: { s: '1', w: false },
    },
  ],
};

function item(number: number) {
  return { sku: `${number}`, number, maker: { id: `${number % 2}` }, count: number === 2 ? null : number };
}

function order(id: string, region: string) {
  return {
    id,
    region,
    lines: [
      { item: item(1), amount: 2 },
      { item: null, amount: 1 },
      { item: item(1), amount: 0 },
    ],
  };
}

/** A reference that cannot be followed, types that several subgraphs answer, and fields that moved. */
export const movedFields: FeatureGraph = {
  title: 'resolvable: false, @shareable, @override',
  ids: ['1', '2'],
  subgraphs: [
    {
      name: 'old',
      typeDefs: `
        type Query { things: [Thing] place: Place! origin: Point @shareable }
        type Thing @key(fields: "id") { id: ID! title: String note: String where: Place }
        type Place @shareable { city: String zip: Int }
        type Point @shareable { x: Int! y: Int }`,
      resolvers: {
        Query: {
          things: () => [{ id: '1' }, null, { id: '2' }],
          place: () => ({ city: 'Bern', zip: 3000 }),
          origin: () => ({ x: 0, y: 0 }),
        },
        Thing: {
          title: () => 'the old title',
          note: ({ id }: Reference) => `note ${id}`,
          where: ({ id }: Reference) => (id === '2' ? null : { city: 'Basel', zip: null }),
        },
      },
    },
    {
      name: 'fresh',
      typeDefs: `
        type Thing @key(fields: "id") { id: ID! title: String @override(from: "old") owner: Owner }
        type Owner @key(fields: "id", resolvable: false) { id: ID! }
        type Place @shareable { city: String zip: Int }
        type Query { home: Place origin: Point @shareable owners: [Owner!]! }
        type Point @shareable { x: Int! y: Int }`,
      resolvers: {
        Query: {
          home: () => ({ city: 'Genf', zip: 1200 }),
          origin: () => ({ x: 0, y: 0 }),
          owners: () => [{ id: '1' }, { id: '2' }],
        },
        Thing: { title: ({ id }: Reference) => `title ${id}`, owner: () => ({ id: '1' }) },
      },
    },
    {
      name: 'owners',
      typeDefs: `
        type Owner @key(fields: "id") { id: ID! name: String! things: [Thing!]! }
        type Thing @key(fields: "id", resolvable: false) { id: ID! }`,
      resolvers: {
        Owner: { name: ({ id }: Reference) => `owner ${id}`, things: () => [{ id: '2' }, { id: '1' }] },
      },
    },
  ],
  operations: [
    '{ things { id title note owner { name } where { city zip } } }',
    '{ place { city zip } home { city zip } origin { x y } }',
    '{ owners { name things { title note } } }',
    '{ things { owner { id } } }',
    '{ things { owner { things { owner { name } title } } } }',
    '{ origin { __typename y } place { __typename } things { __typename where { __typename } } }',
    '{ things { ... on Thing { title } ... @include(if: false) { note } ... @skip(if: false) { owner { id } } } }',
  ],
};
