import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ApolloServer } from '@apollo/server';
import { buildSubgraphSchema } from '@apollo/subgraph';
import { type DocumentNode, GraphQLError, type GraphQLSchema } from 'graphql';
import { answerByApollo, createApollo, type ReadRequest } from './apollo-answers.ts';
import {
  ASSERTION_HEADER,
  type AssertionTrust,
  createAssertionVerifier,
  type SubgraphPrincipal,
  type VerifyAssertion,
} from './assertion.ts';
import { type EventStreamOptions, serveEvents, wantsEvents } from './event-streams.ts';
import { executeKept } from './execute-kept.ts';
import { BodyError, readJsonBody } from './http-body.ts';
import { createKeptDocuments, type KeptDocuments } from './kept-documents.ts';
import { faultLine, maskUnforeseen } from './mask-unforeseen.ts';
import { replayRoots } from './replayed-roots.ts';

/** Largest request body: an entity fetch of a thousand representations stays far below. */
const BODY_BYTES_MAX = 4 * 1_024 * 1_024;
/** How long a client may take to send one request. */
const REQUEST_TIMEOUT_MS = 30_000;
/** Longer than the gateway keeps idle connections, so that it never sends into one that closes. */
const KEEP_ALIVE_TIMEOUT_MS = 75_000;
/** How long `close` waits for requests that run. */
const DRAIN_TIMEOUT_MS = 5_000;

/** What is answered to those who say what they accept as gateways do, or say nothing; by the others' wishes Apollo Server finds the type. */
const USUAL_TYPES: ReadonlyMap<string | undefined, string> = new Map([
  ['application/graphql-response+json, application/json', 'application/graphql-response+json; charset=utf-8'],
  ['application/json', 'application/json; charset=utf-8'],
  [undefined, 'application/json; charset=utf-8'],
]);

/** What every resolver of a subgraph gets as its context, made anew for each request. */
export interface SubgraphContext<L = undefined> {
  readonly principal: SubgraphPrincipal;
  readonly loaders: L;
}

// Apollo does not export the type by name.
type SchemaModules = Extract<Parameters<typeof buildSubgraphSchema>[0], readonly unknown[]>;
type SchemaModule = Extract<SchemaModules[number], { typeDefs: DocumentNode }>;
export type SubgraphResolvers = NonNullable<SchemaModule['resolvers']>;

export interface SubgraphOptions<L> {
  readonly name: string;
  readonly typeDefs: DocumentNode;
  readonly resolvers: SubgraphResolvers;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly trust: AssertionTrust;
  readonly createLoaders?: (principal: SubgraphPrincipal) => L;
  /** What the answer to one request tells its gateway besides data and errors; null for nothing. */
  readonly extensionsOf?: (loaders: L) => Readonly<Record<string, unknown>> | null;
  /** Takes one line per fault that a resolver did not foresee: its name and path, never its text. Default: stderr. */
  readonly log?: (line: string) => void;
}

/** What the owner of a subgraph says about where it listens and whom it trusts. */
export type SubgraphPlacement = Pick<SubgraphOptions<never>, 'host' | 'port' | 'trust' | 'log'>;

export interface RunningSubgraph {
  /** Where to send operations. */
  readonly url: string;
  close(): Promise<void>;
}

/** Serves one subgraph to its gateway: no request without a valid assertion reads a body or reaches a resolver. */
export async function startSubgraph<L>(options: SubgraphOptions<L>): Promise<RunningSubgraph> {
  const log = options.log ?? ((line: string) => void process.stderr.write(`${line}\n`));
  const schema = buildSubgraphSchema([{ typeDefs: options.typeDefs, resolvers: options.resolvers }]);
  replayRoots(schema);
  const tell = ({ loaders }: SubgraphContext<L>) => options.extensionsOf?.(loaders) ?? null;
  const apollo = createApollo<SubgraphContext<L>>(schema, { name: options.name, log, tell });
  const closing = new AbortController();
  const streams: EventStreamOptions = {
    schema,
    closing: closing.signal,
    mask: (error) => maskUnforeseen(error.toJSON(), error, () => log(faultLine(options.name, error))),
  };
  const verify = createAssertionVerifier(options.trust);
  const kept = createKeptDocuments(schema);
  await apollo.start();
  const endpoint = { apollo, kept, schema, log, tell, streams, verify, options };
  const server = createServer((request, response) => {
    answer(endpoint, request, response).catch((error: unknown) => {
      if (request.destroyed && !request.complete) return;
      const status = statusOf(error);
      if (status === 500) log(faultLine(options.name, error));
      send(response, { status, error: toClientError(error) });
    });
  });
  server.requestTimeout = REQUEST_TIMEOUT_MS;
  server.keepAliveTimeout = KEEP_ALIVE_TIMEOUT_MS;
  try {
    await listen(server, options.port, options.host ?? '127.0.0.1');
  } catch (error) {
    await apollo.stop();
    throw error;
  }
  return {
    url: urlOf(server.address() as AddressInfo),
    close: async () => {
      const drained = drain(server);
      closing.abort();
      await drained;
      await apollo.stop();
    },
  };
}

interface Endpoint<L> {
  readonly apollo: ApolloServer<SubgraphContext<L>>;
  readonly kept: KeptDocuments;
  readonly schema: GraphQLSchema;
  readonly log: (line: string) => void;
  readonly tell: (context: SubgraphContext<L>) => Readonly<Record<string, unknown>> | null;
  readonly streams: EventStreamOptions;
  readonly verify: VerifyAssertion;
  readonly options: SubgraphOptions<L>;
}

async function answer<L>(
  endpoint: Endpoint<L>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { apollo, streams, verify, tell, options } = endpoint;
  if (request.method !== 'POST') {
    response.setHeader('allow', 'POST');
    send(response, {
      status: 405,
      error: { message: 'Send operations by POST.', code: 'METHOD_NOT_ALLOWED' },
    });
    return;
  }
  const principal = await verify(request.headersDistinct[ASSERTION_HEADER] ?? []);
  const body = await readJsonBody(request, BODY_BYTES_MAX);
  // Without a factory L is undefined, which the type system cannot see.
  const loaders = (): L => options.createLoaders?.(principal) as L;
  const context = { principal, loaders: loaders() };
  if (wantsEvents(request.headers.accept)) {
    // Loaders remember what they loaded: each event gets its own.
    const renew = (): void => {
      context.loaders = loaders();
    };
    await serveEvents({ body, context, renew, tell: () => tell(context) }, response, streams);
    return;
  }
  const read = { request, body, context };
  if (!(await answerKept(endpoint, read, response))) await answerByApollo(apollo, read, response);
}

/**
 * What a gateway sends over and over is executed at once: it was parsed and validated before, and has no more of its own than variables.
 * Returns false where nothing was executed, and Apollo Server says why.
 */
async function answerKept<L>(
  { kept, schema, log, tell, options }: Endpoint<L>,
  { request, body, context }: ReadRequest<SubgraphContext<L>>,
  response: ServerResponse,
): Promise<boolean> {
  const type = USUAL_TYPES.get(request.headers.accept);
  const operation = type === undefined ? null : kept.operationOf(body);
  if (type === undefined || operation === null) return false;
  const answered = await executeKept(operation, {
    ...{ schema, contextValue: context },
    mask: (formatted, error) => maskUnforeseen(formatted, error, () => log(faultLine(options.name, error))),
    tell: () => tell(context),
  });
  if (answered === null) return false;
  const { status, text } = answered;
  // With its length, head and body go out in one piece.
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(text) });
  response.end(text);
  return true;
}

interface ClientError {
  readonly message: string;
  readonly code: string;
}

function send(response: ServerResponse, { status, error }: { status: number; error: ClientError }): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  // What is left of a body that is too large is not read: the connection ends instead.
  if (status === 413) response.setHeader('connection', 'close');
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' });
  response.end(JSON.stringify({ errors: [{ message: error.message, extensions: { code: error.code } }] }));
}

function statusOf(error: unknown): number {
  if (error instanceof BodyError) return error.status;
  const http = error instanceof GraphQLError ? error.extensions['http'] : undefined;
  return typeof http === 'object' && http !== null && 'status' in http ? Number(http.status) : 500;
}

function toClientError(error: unknown): ClientError {
  if (error instanceof BodyError) return { message: error.message, code: 'BAD_REQUEST' };
  if (error instanceof GraphQLError)
    return { message: error.message, code: String(error.extensions['code']) };
  return { message: 'Internal server error', code: 'INTERNAL_SERVER_ERROR' };
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function drain(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const force = setTimeout(() => server.closeAllConnections(), DRAIN_TIMEOUT_MS);
    server.close(() => {
      clearTimeout(force);
      resolve();
    });
  });
}

function urlOf({ address, family, port }: AddressInfo): string {
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}/graphql`;
}
