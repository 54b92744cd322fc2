/** The four subgraphs of the public federation-gateway benchmark, by name. */
export const SUBGRAPH_NAMES = ['users', 'reviews', 'products', 'inventory'] as const;

export type SubgraphName = (typeof SUBGRAPH_NAMES)[number];

/** Scopes that the rules below ask for; the benchmark's caller has them. */
export const CALLER_SCOPES = ['users:read', 'reviews:read', 'inventory:read'] as const;

/**
 * Every subgraph has a field with the argument `tag`, which it ignores. A load with one tag sends the same fetches again
 * and again; a load with a tag of its own per request has no two fetches alike.
 */
const BODIES: Readonly<Record<SubgraphName, string>> = {
  users: `
    type Query { user(id: ID!): User users: [User!] }
    type User @key(fields: "id") {
      id: ID!
      username: String @shareable @RULE_USERS
      name(tag: String): String @RULE_SIGNED_IN
      birthday: Int
    }`,
  reviews: `
    type Review @key(fields: "id") {
      id: ID!
      body(tag: String): String @RULE_REVIEWS
      author: User @provides(fields: "username")
      product: Product
    }
    type User @key(fields: "id") { id: ID! username: String @external reviews: [Review!] }
    type Product @key(fields: "upc") { upc: String! reviews: [Review!] }`,
  products: `
    type Query { topProducts(first: Int = 5): [Product!] }
    type Product @key(fields: "upc") {
      upc: String!
      name(tag: String): String
      price: Int @RULE_SIGNED_IN
      weight: Int
    }`,
  inventory: `
    type Product @key(fields: "upc") {
      upc: String!
      price: Int @external
      weight: Int @external
      inStock(tag: String): Boolean @RULE_INVENTORY
      shippingEstimate(tag: String): Int @requires(fields: "price weight") @RULE_SIGNED_IN
    }`,
};

const RULES: Readonly<Record<string, string>> = {
  '@RULE_SIGNED_IN': '@authenticated',
  '@RULE_USERS': '@requiresScopes(scopes: [["users:read"], ["admin"]])',
  '@RULE_REVIEWS': '@requiresScopes(scopes: [["reviews:read"]])',
  '@RULE_INVENTORY': '@authenticated @requiresScopes(scopes: [["inventory:read"]])',
};

const LINK = `extend schema @link(
  url: "https://specs.apollo.dev/federation/v2.9"
  import: ["@key", "@external", "@provides", "@requires", "@shareable"IMPORTS]
)`;

/** The schema of one subgraph, with authorization rules on its fields or without any. */
export function subgraphSchema(name: SubgraphName, rules: boolean): string {
  const link = LINK.replace('IMPORTS', rules ? ', "@authenticated", "@requiresScopes"' : '');
  const body = BODIES[name].replaceAll(/@RULE_\w+/g, (rule) => (rules ? (RULES[rule] ?? '') : ''));
  return `${link}\n${body}`;
}
