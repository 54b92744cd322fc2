import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buildSubgraphSchema } from '@apollo/subgraph';
import { graphql, parse } from 'graphql';
import type { Part } from './gateway-kit.ts';

/** What a subgraph was sent. */
export interface Received {
  readonly headers: IncomingMessage['headersDistinct'];
  readonly url: string;
  readonly body: { readonly query: string; readonly variables?: Readonly<Record<string, unknown>> };
}

export interface TinySubgraph extends Part {
  readonly received: Received[];
  /** Connections that are open now. */
  connections(): Promise<number>;
  close(): Promise<void>;
}

/** Answers one call to a raw subgraph. */
export type Responder = (received: Received, response: ServerResponse) => void | Promise<void>;

const FEDERATION =
  'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@authenticated", "@requiresScopes", "@policy", "@shareable"])\n';

/** SDL with the federation directives imported by their own names. */
export const federated = (sdl: string): string => `${FEDERATION}${sdl}`;

/** A subgraph on bare HTTP that answers whatever the responder writes. */
export async function startRawSubgraph(name: string, sdl: string, respond: Responder): Promise<TinySubgraph> {
  const received: Received[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString('utf8');
    const call = {
      headers: request.headersDistinct,
      url: request.url ?? '',
      body: text === '' ? { query: '' } : JSON.parse(text),
    };
    received.push(call);
    await respond(call, response);
  });
  await listening(server);
  const { port } = server.address() as AddressInfo;
  return {
    name,
    sdl,
    url: `http://127.0.0.1:${port}/graphql`,
    received,
    connections: () =>
      new Promise((resolve, reject) =>
        server.getConnections((fault, count) => (fault === null ? resolve(count) : reject(fault))),
      ),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

type Modules = Extract<Parameters<typeof buildSubgraphSchema>[0], readonly unknown[]>;
export type Resolvers = NonNullable<Extract<Modules[number], { typeDefs: unknown }>['resolvers']>;

/** A subgraph that resolves its schema; resolvers see what was received as their context. */
export function startTinySubgraph(name: string, sdl: string, resolvers: Resolvers): Promise<TinySubgraph> {
  const schema = buildSubgraphSchema([{ typeDefs: parse(sdl), resolvers }]);
  return startRawSubgraph(name, sdl, async (call, response) => {
    const { query, variables } = call.body;
    const result = await graphql({
      schema,
      source: query,
      variableValues: variables ?? {},
      contextValue: call,
    });
    json(response, result);
  });
}

/** Writes a JSON answer. */
export function json(response: ServerResponse, body: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

/** The claims of the assertion that a call carried. */
export function assertedClaims(call: Received | undefined): Record<string, unknown> {
  const [token = ''] = call?.headers['x-portcullis-assertion'] ?? [];
  const [, payload = ''] = token.split('.');
  return JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'));
}

const ITEMS = [
  { id: '1', name: 'lamp', price: 10 },
  { id: '2', name: 'desk', price: 20 },
];

/** The subgraph most tests use: open and guarded fields of every kind, an entity, a mutation. */
export const ITEMS_SDL = federated(`
type Query {
  open: String
  echo(text: String): String
  secret: String @authenticated
  scoped: String @requiresScopes(scopes: [["read:x"]])
  ruled: String @policy(policies: [["p"]])
  items: [Item!]
  fails: String
}
type Mutation {
  touch(text: String): String
  guarded: String @authenticated
}
type Item @key(fields: "id") {
  id: ID!
  name: String
  price: Int @requiresScopes(scopes: [["read:price"]])
}
`);

export function startItems(): Promise<TinySubgraph> {
  return startTinySubgraph('items', ITEMS_SDL, {
    Query: {
      open: () => 'open',
      echo: (_: unknown, { text }: { text?: string }) => text ?? null,
      secret: () => 'secret',
      scoped: () => 'scoped',
      ruled: () => 'ruled',
      items: () => ITEMS,
      fails: () => {
        throw new Error('resolver text');
      },
    },
    Mutation: {
      touch: (_: unknown, { text }: { text?: string }) => text ?? 'touched',
      guarded: () => 'guarded',
    },
    Item: { __resolveReference: ({ id }: { id: string }) => ITEMS.find((item) => item.id === id) ?? null },
  });
}

/** A second subgraph that adds to the entity of the first. */
export const REVIEWS_SDL = federated(`
type Query { newest: String }
type Item @key(fields: "id") { id: ID! review: String }
`);

export function startReviews(): Promise<TinySubgraph> {
  return startTinySubgraph('reviews', REVIEWS_SDL, {
    Query: { newest: () => 'newest' },
    Item: {
      __resolveReference: ({ id }: { id: string }) => ({ id }),
      review: ({ id }: { id: string }) => `review of ${id}`,
    },
  });
}

function listening(server: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
}
