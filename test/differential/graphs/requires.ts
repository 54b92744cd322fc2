import type { FeatureGraph, Reference } from './graph.ts';

/** Fields that need others, of scalars, of objects, with arguments, and one after another. */
export const required: FeatureGraph = {
  title: '@requires of scalars, nested, with arguments, in chains; @external on types',
  ids: ['1', '2', '3'],
  subgraphs: [
    {
      name: 'goods',
      typeDefs: `
        type Query { goods: [Good!]! good(id: ID!): Good }
        type Good @key(fields: "id") { id: ID! weight: Int size(unit: Unit!): Float dims: Dims tags: [Tag!] }
        type Dims { w: Int h: Int deep: Depth } type Depth { d: Int! }
        type Tag { word: String! rank: Int }
        enum Unit { CM INCH }`,
      resolvers: {
        Query: {
          goods: () => [{ id: '1' }, { id: '2' }, { id: '3' }, { id: '1' }],
          good: (_: unknown, { id }: { id: string }) => ({ id }),
        },
        Good: {
          weight: ({ id }: Reference) => (id === '2' ? null : Number(id) * 10),
          size: ({ id }: Reference, { unit }: { unit: string }) => (unit === 'CM' ? Number(id) : 0),
          dims: ({ id }: Reference) => (id === '3' ? null : { w: Number(id), h: 0, deep: { d: 7 } }),
          tags: ({ id }: Reference) => [
            { word: `w${id}`, rank: null },
            { word: '', rank: 0 },
          ],
        },
      },
    },
    {
      name: 'rates',
      typeDefs: `
        type Good @key(fields: "id") {
          id: ID! weight: Int @external dims: Dims @external tags: [Tag!] @external
          size(unit: Unit!): Float @external
          freight: Int @requires(fields: "weight")
          volume: String @requires(fields: "dims { w h deep { d } }")
          label(upper: Boolean = false): String @requires(fields: "tags { word rank }")
          fits: String @requires(fields: "size(unit: CM)")
        }
        type Dims @external { w: Int h: Int deep: Depth } type Depth @external { d: Int! }
        type Tag @external { word: String! rank: Int }
        enum Unit { CM INCH }`,
      resolvers: {
        Good: {
          freight: ({ weight }: Reference) => (weight == null ? null : Number(weight) + 1),
          volume: ({ dims }: Reference) => JSON.stringify(dims ?? null),
          label: ({ tags }: Reference, { upper }: { upper: boolean }) =>
            upper ? JSON.stringify(tags).toUpperCase() : JSON.stringify(tags),
          fits: ({ size }: Reference) => `size ${size}`,
        },
      },
    },
    {
      name: 'quotes',
      typeDefs: `
        type Good @key(fields: "id") { id: ID! freight: Int @external quote: Quote! @requires(fields: "freight") }
        type Quote { total: Int! good: Good }`,
      resolvers: {
        Good: { quote: ({ id, freight }: Reference) => ({ total: Number(freight ?? 0) * 2, good: { id } }) },
      },
    },
  ],
  operations: [
    '{ goods { freight } }',
    '{ goods { volume dims { w } } }',
    '{ goods { label l: label(upper: true) tags { rank } } }',
    '{ goods { fits size(unit: INCH) } }',
    '{ goods { size: weight fits } }',
    '{ goods { a: size(unit: CM) b: size(unit: INCH) fits } }',
    '{ goods { quote { total good { quote { good { freight } } } } } }',
    '{ goods { quote { total } weight freight volume label fits } }',
    '{ good(id: "2") { quote { total } freight } good3: good(id: "3") { volume } }',
    '{ goods { w: weight weight: freight } }',
    '{ goods { dims: freight volume } }',
    {
      text: 'query ($u: Boolean, $unit: Unit!) { goods { label(upper: $u) size(unit: $unit) fits } }',
      variables: { u: true, unit: 'INCH' },
    },
    {
      text: 'query ($f: Boolean!) { goods { freight @include(if: $f) quote @skip(if: $f) { total } } }',
      variables: { f: true },
    },
    {
      text: 'query ($f: Boolean!) { goods { freight @include(if: $f) quote @skip(if: $f) { total } } }',
      variables: { f: false },
    },
  ],
};

/** Fields that are sent along where they are near. */
export const provided: FeatureGraph = {
  title: '@provides',
  ids: ['1', '2'],
  subgraphs: [
    {
      name: 'books',
      typeDefs: `
        type Query { books: [Book] shelf: Shelf @provides(fields: "top { title }") }
        type Book @key(fields: "id") { id: ID! title: String @external author: Writer @provides(fields: "name") }
        type Writer @key(fields: "id") { id: ID! name: String @external }
        type Shelf { top: Book all: [Book!]! }`,
      resolvers: {
        Query: {
          books: () => [{ id: '1' }, { id: '2' }, null],
          shelf: () => ({ top: { id: '1', title: 'title 1' }, all: [{ id: '1' }, { id: '2' }] }),
        },
        Book: { author: ({ id }: Reference) => (id === '2' ? null : { id, name: `writer ${id}` }) },
      },
    },
    {
      name: 'titles',
      typeDefs: `
        type Book @key(fields: "id") { id: ID! title: String @shareable pages: Int! }
        type Writer @key(fields: "id") { id: ID! name: String @shareable born: Int books: [Book!] }
        type Query { writers: [Writer!] }`,
      resolvers: {
        Query: { writers: () => [{ id: '1' }, { id: '2' }] },
        Book: { title: ({ id }: Reference) => `title ${id}`, pages: () => 100 },
        Writer: {
          name: ({ id }: Reference) => `writer ${id}`,
          born: () => 0,
          books: ({ id }: Reference) => [{ id }],
        },
      },
    },
  ],
  operations: [
    '{ books { title author { name } } }',
    '{ books { author { name born } } }',
    '{ shelf { top { title } all { title } } }',
    '{ shelf { top { title pages author { books { author { name } } } } } }',
    '{ writers { name books { title author { name born } } } }',
  ],
};
