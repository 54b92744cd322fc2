import type { SubgraphFixture } from '../kit/subgraph-fixture.ts';
import type { Reference } from './graph.ts';

/** Tenants of the leaking graph; every value of a row that belongs to one carries its name. */
export const TENANTS = ['acme', 'globex', 'initech'] as const;

/** Identifiers of rows of every tenant. */
export const ROW_IDS = TENANTS.flatMap((tenant) => [`${tenant}-1`, `${tenant}-2`]);

const SECURITY = `extend schema
  @link(url: "https://portcullis.dev/security/v1.0", import: ["@tenantScoped"])
  @federation__composeDirective(name: "@tenantScoped")
directive @tenantScoped(field: String! = "tenantId") on OBJECT`;

const tenantOf = (id: unknown): string => String(id).split('-')[0] ?? '';
const order = (id: string) => ({ __typename: 'Order', id });
const customer = (id: string) => ({ __typename: 'Customer', id });
const note = (id: string) => ({ __typename: 'Note', id: `note of ${id.length}`, of: id });
const ofKind = { __resolveType: ({ __typename }: Reference) => String(__typename) };
const refuse = ({ id }: Reference) => {
  throw Object.assign(new Error(`row of ${id} is locked`), { extensions: { detail: `${id}` } });
};

const orderFields = {
  __resolveReference: ({ id }: Reference) => order(String(id)),
  tenantId: ({ id }: Reference) => tenantOf(id),
  label: ({ id }: Reference) => `label of ${id}`,
  total: ({ id }: Reference) => `total of ${id}`,
  next: ({ id }: Reference) => order(ROW_IDS[(ROW_IDS.indexOf(String(id)) + 1) % ROW_IDS.length] ?? ''),
  customer: ({ id }: Reference) => customer(String(id)),
  strictCustomer: ({ id }: Reference) => customer(String(id)),
  notes: ({ id }: Reference) => [note(String(id)), null],
  broken: refuse,
};

const orders: SubgraphFixture = {
  name: 'orders',
  typeDefs: `${SECURITY}
    type Query {
      orders: [Order] strict: [Order!]! grid: [[Order]] order(id: ID!): Order
      things: [Thing!]! thing(id: ID!): Thing hits: [Hit] notes: [Note!] trouble: Int
    }
    type Mutation { touch(id: ID!): Order touchAll: [Thing] }
    interface Node { id: ID! }
    interface Thing implements Node { id: ID! label: String }
    union Hit = Order | Note | Customer
    type Order implements Thing & Node @key(fields: "id") @tenantScoped {
      id: ID! tenantId: ID! label: String @shareable total: String! next: Order notes: [Note] broken: String
      customer: Customer strictCustomer: Customer!
    }
    type Note implements Thing & Node { id: ID! label: String about: Order hits: [Hit] }
    type Customer @key(fields: "id") { id: ID! }`,
  resolvers: {
    Query: {
      orders: () => ROW_IDS.map(order),
      strict: () => ROW_IDS.slice(0, 2).map(order),
      grid: () => [ROW_IDS.slice(0, 3).map(order), null, ROW_IDS.slice(3).map(order)],
      order: (_: unknown, { id }: { id: string }) => order(id),
      things: () => [...ROW_IDS.map(order), ...ROW_IDS.slice(0, 2).map(note)],
      thing: (_: unknown, { id }: { id: string }) => order(id),
      hits: () => [...ROW_IDS.map(order), ...ROW_IDS.map(customer), note(ROW_IDS[4] ?? '')],
      notes: () => ROW_IDS.map(note),
      trouble: () => {
        throw new Error('no row is meant');
      },
    },
    Mutation: {
      touch: (_: unknown, { id }: { id: string }) => order(id),
      touchAll: () => ROW_IDS.map(order),
    },
    Node: ofKind,
    Thing: ofKind,
    Hit: ofKind,
    Order: orderFields,
    Note: {
      label: () => 'a note',
      about: ({ of }: Reference) => order(String(of)),
      hits: ({ of }: Reference) => [order(String(of)), customer(String(of))],
    },
  },
};

const people: SubgraphFixture = {
  name: 'people',
  typeDefs: `${SECURITY}
    type Query { customers: [Customer] favourites: [Order!] @provides(fields: "label") }
    type Customer @key(fields: "id") @tenantScoped(field: "owner") {
      id: ID! owner: String name: String! orders: [Order] friend: Customer broken: String!
    }
    type Order @key(fields: "id") { id: ID! label: String @external rating: String stars: String @requires(fields: "label") }`,
  resolvers: {
    Query: {
      customers: () => ROW_IDS.map(customer),
      favourites: () => ROW_IDS.map((id) => ({ ...order(id), label: `label of ${id}` })),
    },
    Customer: {
      __resolveReference: ({ id }: Reference) => customer(String(id)),
      // The second row of a tenant has lost its owner.
      owner: ({ id }: Reference) => (String(id).endsWith('2') ? null : tenantOf(id)),
      name: ({ id }: Reference) => `name of ${id}`,
      orders: ({ id }: Reference) => [order(String(id)), ...ROW_IDS.map(order)],
      friend: () => customer('globex-1'),
      broken: refuse,
    },
    Order: {
      __resolveReference: (reference: Reference) => reference,
      rating: ({ id }: Reference) => `rating of ${id}`,
      stars: ({ label }: Reference) => `stars of ${label}`,
    },
  },
};

const animals: SubgraphFixture = {
  name: 'animals',
  typeDefs: `${SECURITY}
    type Query { animals: [Animal!] animal(id: ID!): Animal }
    interface Animal @key(fields: "id") { id: ID! name: String }
    type Cat implements Animal @key(fields: "id") @tenantScoped(field: "keeper") { id: ID! name: String keeper: ID @inaccessible }
    type Dog implements Animal @key(fields: "id") @tenantScoped { id: ID! name: String tenantId: String! }`,
  resolvers: {
    Query: {
      animals: () => ROW_IDS.map(animal),
      animal: (_: unknown, { id }: { id: string }) => animal(id),
    },
    Animal: {
      __resolveReference: ({ id }: Reference) => animal(String(id)),
      __resolveType: ({ id }: Reference) => animal(String(id)).__typename,
    },
    Cat: {
      __resolveReference: ({ id }: Reference) => animal(String(id)),
      keeper: ({ id }: Reference) => tenantOf(id),
    },
    Dog: {
      __resolveReference: ({ id }: Reference) => animal(String(id)),
      tenantId: ({ id }: Reference) => tenantOf(id),
    },
  },
};

const vets: SubgraphFixture = {
  name: 'vets',
  typeDefs: `
    type Animal @key(fields: "id") @interfaceObject { id: ID! visits: [Visit!] friend: Animal chip: String }
    type Visit { cost: Int animal: Animal! }
    type Query { patients: [Animal] visits: [Visit] }`,
  resolvers: {
    Query: {
      patients: () => ROW_IDS.map((id) => ({ id })),
      visits: () => ROW_IDS.map((id) => ({ cost: 1, animal: { id } })),
    },
    Animal: {
      visits: ({ id }: Reference) => [
        { cost: 2, animal: { id } },
        { cost: 3, animal: { id: 'globex-2' } },
      ],
      friend: () => ({ id: 'initech-1' }),
      chip: ({ id }: Reference) => `chip of ${id}`,
    },
  },
};

function animal(id: string) {
  return { __typename: id.endsWith('2') ? 'Dog' : 'Cat', id, name: `name of ${id}` };
}

/** Subgraphs that answer everybody with everybody's rows. */
export const LEAKING: readonly SubgraphFixture[] = [orders, people, animals, vets];
