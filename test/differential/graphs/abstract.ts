import type { FeatureGraph, Reference } from './graph.ts';

const KINDS = ['Book', 'Film', 'Song'] as const;
const media = (id: string) => ({ __typename: KINDS[(Number(id) - 1) % 3], id });
const ofKind = { __resolveType: ({ __typename }: Reference) => String(__typename) };

/** Unions and interfaces whose members each live elsewhere; one is hidden from clients. */
export const abstractTypes: FeatureGraph = {
  title: 'unions and interfaces, @inaccessible, fields renamed by type',
  ids: ['1', '2', '3', '4'],
  avoid: ['Media.rating', 'Film.rating'],
  subgraphs: [
    {
      name: 'media',
      typeDefs: `
        type Query { all: [Media!]! one(id: ID!): Media hits: [Hit] nodes: [Node] hidden: [Media] }
        interface Node { id: ID! }
        interface Media implements Node { id: ID! title: String year: Int rating: Float }
        type Book implements Media & Node @key(fields: "id") { id: ID! title: String year: Int rating: Float! @external pages: Int! size: Int mood: Mood }
        type Film implements Media & Node @key(fields: "id") { id: ID! title: String year: Int rating: Float @external minutes: Int size: String mood: Mood }
        type Song implements Media & Node @key(fields: "id") @inaccessible { id: ID! title: String year: Int rating: Float }
        enum Mood { GLAD SAD @inaccessible }
        union Hit = Book | Film | Note
        type Note @shareable { text: String size: Float }`,
      resolvers: {
        Query: {
          all: () => ['1', '2', '4', '1'].map(media),
          one: (_: unknown, { id }: { id: string }) => media(id),
          hits: () => [media('1'), { __typename: 'Note', text: 'n', size: 0.5 }, null, media('2')],
          nodes: () => [media('2'), media('1')],
          hidden: () => [media('1'), media('3')],
        },
        Node: ofKind,
        Media: ofKind,
        Hit: ofKind,
        Book: {
          title: ({ id }: Reference) => `book ${id}`,
          year: () => 0,
          pages: () => 10,
          size: () => 0,
          mood: () => 'GLAD',
        },
        Film: { title: () => '', year: () => null, minutes: () => 90, size: () => 'L', mood: () => 'SAD' },
        Song: { title: () => 'song', year: () => 1 },
      },
    },
    {
      name: 'press',
      typeDefs: `
        type Book @key(fields: "id") { id: ID! reviews: [Review!]! score: Float rating: Float! }
        type Film @key(fields: "id") { id: ID! reviews: [Review] score: Float rating: Float }
        type Review { of: Subject text: String }
        union Subject = Book | Film`,
      resolvers: {
        Subject: ofKind,
        Book: {
          reviews: ({ id }: Reference) => [{ of: media(String(id)), text: 'b' }],
          score: () => 0.5,
          rating: () => 1.5,
        },
        Film: { reviews: () => [null, { of: media('2'), text: null }], score: () => 0, rating: () => 0 },
      },
    },
  ],
  operations: [
    '{ one(id: "1") { rating } }',
    '{ hits { ... on Film { rating } ... on Note { text } } }',
    '{ all { id title ... on Book { pages score } ... on Film { minutes score } } }',
    '{ all { __typename ... on Book { reviews { text of { __typename ... on Film { title } ... on Book { title } } } } } }',
    '{ hits { ... on Book { size } ... on Film { s: size } ... on Note { n: size text } __typename } }',
    '{ hits { ... on Media { title } ... on Note { text } } }',
    '{ hits { ... on Node { id } } }',
    '{ nodes { id ... on Media { year } ... on Film { reviews { text } } } }',
    '{ one(id: "2") { title mood: __typename ... on Film { mood2: mood } } }',
    '{ all { ... on Film { mood } ... on Book { mood } } }',
    '{ hidden { id title } }',
    '{ hidden { __typename } all { id } }',
    '{ one(id: "3") { id } all { title } }',
    '{ all { ... on Node { ... on Media { ... on Book { score reviews { of { ... on Book { score } } } } } } } }',
    '{ all { ...m } hits { ...m } } fragment m on Media { title ... on Book { score } }',
    {
      text: 'query ($b: Boolean!) { all { ... on Book @include(if: $b) { score } ... on Film @skip(if: $b) { score } } }',
      variables: { b: true },
    },
    {
      text: 'query ($b: Boolean!) { all { ... on Book @include(if: $b) { score } ... on Film @skip(if: $b) { score } } }',
      variables: { b: false },
    },
    '{ all { ... on Book { value: score } ... on Film { other: score } } }',
    '{ __type(name: "Song") { name } m: __type(name: "Mood") { enumValues { name } } all { __typename } }',
  ],
};

/** An interface that is an entity, and one subgraph that speaks of it as of an object. */
export const interfaceObjects: FeatureGraph = {
  title: 'interface entities and @interfaceObject',
  ids: ['1', '2', '3'],
  apolloLosesData: true,
  subgraphs: [
    {
      name: 'animals',
      typeDefs: `
        type Query { animals: [Animal!]! animal(id: ID!): Animal cats: [Cat] }
        interface Animal @key(fields: "id") { id: ID! name: String }
        type Cat implements Animal @key(fields: "id") { id: ID! name: String lives: Int! }
        type Dog implements Animal @key(fields: "id") { id: ID! name: String barks: Boolean }`,
      resolvers: {
        Query: {
          animals: () => ['1', '2', '3', '1'].map(animal),
          animal: (_: unknown, { id }: { id: string }) => animal(id),
          cats: () => [animal('1'), null, animal('3')],
        },
        Animal: {
          __resolveReference: ({ id }: Reference) => animal(String(id)),
          __resolveType: ({ id }: Reference) => animal(String(id)).__typename,
        },
        Cat: { __resolveReference: ({ id }: Reference) => animal(String(id)), lives: () => 9 },
        Dog: { __resolveReference: ({ id }: Reference) => animal(String(id)), barks: () => false },
      },
    },
    {
      name: 'vets',
      typeDefs: `
        type Animal @key(fields: "id") @interfaceObject { id: ID! visits: [Visit!]! healthy: Boolean friend: Animal }
        type Visit { at: String cost: Int animal: Animal! }
        type Query { patients: [Animal] visits: [Visit!] }`,
      resolvers: {
        Query: {
          patients: () => [{ id: '1' }, null, { id: '2' }],
          visits: () => [{ at: 'noon', cost: 0, animal: { id: '2' } }],
        },
        Animal: {
          visits: ({ id }: Reference) => [{ at: `day ${id}`, cost: 5, animal: { id } }],
          healthy: ({ id }: Reference) => id === '1',
          friend: ({ id }: Reference) => (id === '3' ? null : { id: '3' }),
        },
      },
    },
    {
      name: 'chips',
      typeDefs: `
        type Animal @key(fields: "id") @interfaceObject { id: ID! healthy: Boolean @external chip: String @requires(fields: "healthy") }`,
      resolvers: { Animal: { chip: ({ id, healthy }: Reference) => `${id} ${healthy}` } },
    },
  ],
  operations: [
    '{ animals { id name visits { at cost } } }',
    '{ animals { __typename healthy ... on Cat { lives visits { cost } } ... on Dog { barks } } }',
    '{ patients { id healthy } }',
    '{ patients { __typename name ... on Cat { lives } ... on Dog { barks } } }',
    '{ visits { at animal { name healthy __typename } } }',
    '{ animals { friend { name friend { __typename } } } }',
    '{ animals { visits { animal { __typename ... on Dog { barks } name } } } }',
    '{ cats { lives healthy friend { id } } }',
    '{ animals { chip healthy } cats { chip } patients { chip name } }',
    '{ patients { ... on Cat { healthy lives } ... on Dog { friend { id name } } } }',
    '{ animal(id: "2") { healthy ... on Animal { visits { animal { visits { at } } } } } }',
    '{ animals { ... on Cat { h: healthy } ... on Dog { h: healthy } } }',
  ],
};

function animal(id: string) {
  return { __typename: id === '2' ? 'Dog' : 'Cat', id, name: id === '3' ? null : `animal ${id}` };
}
