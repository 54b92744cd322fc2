import type { Requirement } from '../../src/supergraph/policy.ts';
import { compose } from './graph-kit.ts';

/** A graph with every kind of protected part; each asks for one scope, named after it. */
export const LIBRARY = compose(`
  type Query {
    node(role: Role, filter: Filter): Node
    nodes: [Node!]
    grid(tokens: [[Token!]]): [[Node]!]!
    any: [Any]
    work: Work!
    book: Book
    film: Film!
    self: Query
    count(role: Role = USER): Int!
    token: Token
    root: String @requiresScopes(scopes: [["root"]])
  }
  type Mutation { rename(name: String): Film, purge: Int @requiresScopes(scopes: [["purge"]]) }
  interface Node { id: ID! name: String rel: Node peers: [Node!] }
  interface Work implements Node { id: ID! name: String rel: Node peers: [Node!] maker: Node }
  type Book implements Work & Node @requiresScopes(scopes: [["book"]]) {
    id: ID! name: String rel: Film peers: [Node!] maker: Person
    pages: Int! @requiresScopes(scopes: [["pages"]])
  }
  type Film implements Work & Node {
    id: ID! name: String! rel: Node peers: [Node!] maker: Node!
    budget: Int! @requiresScopes(scopes: [["budget"]])
    rating: Role
  }
  type Person implements Node {
    id: ID! name: String @requiresScopes(scopes: [["personName"]]) rel: Person peers: [Node!]
    works: [Work!]! salary: Int @requiresScopes(scopes: [["salary"]])
  }
  type Secret implements Node @requiresScopes(scopes: [["secret"]]) {
    id: ID! name: String rel: Secret! peers: [Node!]
  }
  union Any = Book | Film | Person | Secret
  enum Role @requiresScopes(scopes: [["role"]]) { ADMIN USER }
  scalar Token @requiresScopes(scopes: [["token"]])
  input Filter { role: Role tokens: [Token] and: [Filter!] text: String }
`);

export const SCOPES: readonly string[] = [
  'root',
  'purge',
  'book',
  'pages',
  'budget',
  'personName',
  'salary',
  'secret',
  'role',
  'token',
];

/** True where a caller with these scopes lacks what a requirement of the library asks for. */
export function lacks(scopes: ReadonlySet<string>, requirement: Requirement | undefined): boolean {
  return requirement?.scopes?.every((all) => !all.every((scope) => scopes.has(scope))) === true;
}
