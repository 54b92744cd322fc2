import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buildSubgraphSchema } from '@apollo/subgraph';
import {
  type DocumentNode,
  type ExecutionResult,
  execute,
  GraphQLError,
  type GraphQLSchema,
  parse,
  validate,
} from 'graphql';
import type { SubgraphResolvers } from '../../../subgraphs/kit/subgraph-server.ts';

/** A subgraph of a test: its schema without the link to federation, and who answers. */
export interface SubgraphFixture {
  readonly name: string;
  readonly typeDefs: string;
  readonly resolvers: SubgraphResolvers;
}

/** One request as the subgraph got it. */
export interface SubgraphCall {
  readonly subgraph: string;
  readonly query: string;
  readonly variables: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** What resolvers get as their context. */
export interface FixtureContext {
  readonly headers: SubgraphCall['headers'];
}

/** Stands in for the answer of a subgraph; `answer` makes the true one. */
export type Fault = (
  response: ServerResponse,
  call: SubgraphCall,
  answer: () => Promise<{ data?: unknown; errors?: unknown }>,
) => void | Promise<void>;

export interface RunningFixture {
  readonly name: string;
  readonly url: string;
  readonly sdl: string;
  readonly calls: SubgraphCall[];
  fault: Fault | null;
  close(): Promise<void>;
}

const FEDERATION = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: [
  "@key", "@shareable", "@external", "@requires", "@provides", "@override", "@inaccessible", "@interfaceObject",
  "@authenticated", "@requiresScopes", "@policy"
])`;

/** Serves a fixture over plain HTTP, without checking who asks. */
export async function startFixture(fixture: SubgraphFixture): Promise<RunningFixture> {
  const sdl = `${FEDERATION}\n${fixture.typeDefs}`;
  const schema = buildSubgraphSchema([{ typeDefs: parse(sdl), resolvers: fixture.resolvers }]);
  const check = checker(schema);
  const running: RunningFixture = {
    name: fixture.name,
    url: '',
    sdl,
    calls: [],
    fault: null,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  const server = createServer((request, response) => {
    void answer(request, response, { running, schema, check });
  });
  // Longer than any test, so that no kept connection closes just when something is sent.
  server.keepAliveTimeout = 75_000;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return Object.assign(running, { url: `http://127.0.0.1:${port}/graphql` });
}

interface Serving {
  readonly running: RunningFixture;
  readonly schema: GraphQLSchema;
  readonly check: (query: string) => Checked;
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { running, check, schema }: Serving,
): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const { query, variables } = JSON.parse(Buffer.concat(chunks).toString('utf8'));
  const call: SubgraphCall = { subgraph: running.name, query, variables, headers: request.headers };
  running.calls.push(call);
  const contextValue: FixtureContext = { headers: request.headers };
  const run = async (): Promise<ExecutionResult> => {
    const { document, errors } = check(query);
    if (document === null) return { errors };
    return execute({ schema, document, variableValues: variables, contextValue });
  };
  if (running.fault !== null) await running.fault(response, call, run);
  else sendJson(response, await run());
}

/** A query as it runs, or what is wrong with it. */
interface Checked {
  readonly document: DocumentNode | null;
  readonly errors: readonly GraphQLError[];
}

/** Both engines ask a subgraph the same, which is parsed and validated once. */
function checker(schema: GraphQLSchema): (query: string) => Checked {
  const known = new Map<string, Checked>();
  return (query) => {
    const checked = known.get(query) ?? checkedOn(schema, query);
    known.set(query, checked);
    return checked;
  };
}

function checkedOn(schema: GraphQLSchema, query: string): Checked {
  try {
    const document = parse(query);
    const errors = validate(schema, document);
    return { document: errors.length === 0 ? document : null, errors };
  } catch (error) {
    if (error instanceof GraphQLError) return { document: null, errors: [error] };
    throw error;
  }
}

/** Answers with JSON, as a subgraph does. */
export function sendJson(response: ServerResponse, body: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
