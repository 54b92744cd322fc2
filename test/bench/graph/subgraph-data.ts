import type { buildSubgraphSchema } from '@apollo/subgraph';
import type { DocumentNode } from 'graphql';
import type { SubgraphName } from './subgraph-schemas.ts';

interface UserRow {
  readonly id: string;
  readonly username: string;
  readonly name: string;
  readonly birthday: number;
}

interface ProductRow {
  readonly upc: string;
  readonly name: string;
  readonly price: number;
  readonly weight: number;
  readonly inStock: boolean;
}

interface ReviewRow {
  readonly id: string;
  readonly body: string;
  readonly authorId: string;
  readonly productUpc: string;
}

const USER_NAMES = ['urigo', 'dotansimha', 'kamilkisiela', 'ardatan', 'gilgardosh', 'laurin'] as const;

const USERS: readonly UserRow[] = USER_NAMES.map((username, index) => ({
  id: String(index + 1),
  username,
  name: `${username.charAt(0).toUpperCase()}${username.slice(1)} of bench`,
  birthday: 1_234_567_890 + index,
}));

const PRODUCT_NAMES = ['Table', 'Couch', 'Glass', 'Chair', 'TV', 'Lamp', 'Grill', 'Fridge', 'Sofa'] as const;

const PRODUCTS: readonly ProductRow[] = PRODUCT_NAMES.map((name, index) => ({
  upc: String(index + 1),
  name,
  price: [899, 1299, 15, 499, 1299, 6999, 3999, 100_000, 9999][index] ?? 1,
  weight: [100, 1000, 20, 100, 1000, 300, 2000, 6000, 800][index] ?? 1,
  inStock: index % 3 !== 2,
}));

/** Author and product of each review: few authors of many reviews, so that the answer repeats itself as real ones do. */
const REVIEW_ENDS = [
  ['1', '1'],
  ['1', '2'],
  ['1', '3'],
  ['1', '4'],
  ['2', '5'],
  ['2', '1'],
  ['2', '2'],
  ['2', '3'],
  ['3', '4'],
  ['4', '5'],
  ['5', '1'],
  ['5', '3'],
  ['6', '2'],
  ['3', '1'],
  ['4', '2'],
  ['2', '4'],
] as const;

const REVIEWS: readonly ReviewRow[] = REVIEW_ENDS.map(([authorId, productUpc], index) => ({
  id: String(index + 1),
  body:
    ['Love it! Best buy of the year.', 'Too expensive for what it does.', 'Could be better.'][index % 3] ??
    '',
  authorId,
  productUpc,
}));

const userReference = (id: string) => ({
  __typename: 'User',
  id,
  username: USERS.find((user) => user.id === id)?.username,
});
const productReference = (upc: string) => ({ __typename: 'Product', upc });
const reviewObject = ({ id, body, authorId, productUpc }: ReviewRow) => ({ id, body, authorId, productUpc });

// Apollo does not export the type by name.
type SchemaModules = Extract<Parameters<typeof buildSubgraphSchema>[0], readonly unknown[]>;
type SchemaModule = Extract<SchemaModules[number], { typeDefs: DocumentNode }>;
type ResolverMap = NonNullable<SchemaModule['resolvers']>;

/** Resolvers of the four subgraphs; what an answer holds depends on nothing but the query and its representations. */
export const RESOLVERS: Readonly<Record<SubgraphName, ResolverMap>> = {
  users: {
    Query: {
      user: (_source: unknown, { id }: { id: string }) => USERS.find((user) => user.id === id) ?? null,
      users: () => USERS,
    },
    User: { __resolveReference: ({ id }: { id: string }) => USERS.find((user) => user.id === id) ?? null },
  },
  reviews: {
    Review: {
      __resolveReference: ({ id }: { id: string }) => REVIEWS.find((review) => review.id === id) ?? null,
      author: ({ authorId }: ReviewRow) => userReference(authorId),
      product: ({ productUpc }: ReviewRow) => productReference(productUpc),
    },
    User: {
      __resolveReference: ({ id }: { id: string }) => userReference(id),
      reviews: ({ id }: { id: string }) =>
        REVIEWS.filter((review) => review.authorId === id).map(reviewObject),
    },
    Product: {
      __resolveReference: ({ upc }: { upc: string }) => productReference(upc),
      reviews: ({ upc }: { upc: string }) =>
        REVIEWS.filter((review) => review.productUpc === upc).map(reviewObject),
    },
  },
  products: {
    Query: { topProducts: (_source: unknown, { first }: { first: number }) => PRODUCTS.slice(0, first) },
    Product: {
      __resolveReference: ({ upc }: { upc: string }) =>
        PRODUCTS.find((product) => product.upc === upc) ?? null,
    },
  },
  inventory: {
    Product: {
      __resolveReference: (reference: { upc: string }) => ({
        ...reference,
        inStock: PRODUCTS.find((product) => product.upc === reference.upc)?.inStock ?? false,
      }),
      shippingEstimate: ({ price, weight }: { price: number; weight: number }) =>
        price > 1000 ? 0 : Math.round(weight / 2),
    },
  },
};
