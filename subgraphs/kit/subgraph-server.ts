import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ApolloServer, type ApolloServerPlugin, HeaderMap, type HTTPGraphQLResponse } from '@apollo/server';
import { unwrapResolverError } from '@apollo/server/errors';
import * as disabled from '@apollo/server/plugin/disabled';
import { buildSubgraphSchema } from '@apollo/subgraph';
import { type DocumentNode, GraphQLError, type GraphQLFormattedError, type GraphQLSchema } from 'graphql';
import {
  ASSERTION_HEADER,
  type AssertionTrust,
  createAssertionVerifier,
  type SubgraphPrincipal,
  type VerifyAssertion,
} from './assertion.ts';
import { type EventStreamOptions, serveEvents, wantsEvents } from './event-streams.ts';
import { BodyError, readJsonBody } from './http-body.ts';

/** Largest request body: an entity fetch of a thousand representations stays far below. */
const BODY_BYTES_MAX = 4 * 1_024 * 1_024;
/** How long a client may take to send one request. */
const REQUEST_TIMEOUT_MS = 30_000;
/** Longer than the gateway keeps idle connections, so that it never sends into one that closes. */
const KEEP_ALIVE_TIMEOUT_MS = 75_000;
/** How long `close` waits for requests that run. */
const DRAIN_TIMEOUT_MS = 5_000;

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
  const apollo = createApollo(schema, options, log);
  const closing = new AbortController();
  const streams: EventStreamOptions = {
    schema,
    closing: closing.signal,
    mask: (error) => maskUnforeseen(error.toJSON(), error, () => log(faultLine(options.name, error))),
  };
  const verify = createAssertionVerifier(options.trust);
  await apollo.start();
  const server = createServer((request, response) => {
    answer({ apollo, streams, verify, options }, request, response).catch((error: unknown) => {
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

function createApollo<L>(
  schema: GraphQLSchema,
  { name, extensionsOf }: SubgraphOptions<L>,
  log: (line: string) => void,
) {
  const line = (message: unknown): void => log(`${name}: ${String(message)}`);
  const quiet = (): void => undefined;
  return new ApolloServer<SubgraphContext<L>>({
    schema,
    introspection: false,
    includeStacktraceInErrorResponses: false,
    hideSchemaDetailsFromClientErrors: true,
    persistedQueries: false,
    stopOnTerminationSignals: false,
    formatError: (formatted, error) => maskUnforeseen(formatted, error, () => log(faultLine(name, error))),
    logger: { debug: quiet, info: quiet, warn: line, error: line },
    plugins: [
      disabled.ApolloServerPluginLandingPageDisabled(),
      disabled.ApolloServerPluginCacheControlDisabled(),
      disabled.ApolloServerPluginInlineTraceDisabled(),
      disabled.ApolloServerPluginUsageReportingDisabled(),
      disabled.ApolloServerPluginSchemaReportingDisabled(),
      ...(extensionsOf === undefined ? [] : [telling(extensionsOf)]),
    ],
  });
}

/** Adds to each whole answer what its request has to tell. */
function telling<L>(
  extensionsOf: NonNullable<SubgraphOptions<L>['extensionsOf']>,
): ApolloServerPlugin<SubgraphContext<L>> {
  return {
    requestDidStart: async () => ({
      willSendResponse: async ({ response: { body }, contextValue }) => {
        const told = extensionsOf(contextValue.loaders);
        if (told !== null && body.kind === 'single')
          body.singleResult.extensions = { ...body.singleResult.extensions, ...told };
      },
    }),
  };
}

interface Endpoint<L> {
  readonly apollo: ApolloServer<SubgraphContext<L>>;
  readonly streams: EventStreamOptions;
  readonly verify: VerifyAssertion;
  readonly options: SubgraphOptions<L>;
}

async function answer<L>(
  { apollo, streams, verify, options }: Endpoint<L>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
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
    const tell = () => options.extensionsOf?.(context.loaders) ?? null;
    await serveEvents({ body, context, renew, tell }, response, streams);
    return;
  }
  const headers = new HeaderMap();
  for (const [name, values] of Object.entries(request.headersDistinct))
    headers.set(name, (values ?? []).join(', '));
  const result = await apollo.executeHTTPGraphQLRequest({
    httpGraphQLRequest: { method: 'POST', headers, search: '', body },
    context: async () => context,
  });
  await sendResult(response, result);
}

async function sendResult(response: ServerResponse, result: HTTPGraphQLResponse): Promise<void> {
  response.statusCode = result.status ?? 200;
  for (const [name, value] of result.headers) response.setHeader(name, value);
  if (result.body.kind === 'complete') {
    response.end(result.body.string);
    return;
  }
  for await (const chunk of result.body.asyncIterator) response.write(chunk);
  response.end();
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

// What a resolver throws as a GraphQLError is meant for the caller; anything else may carry data in its text.
function maskUnforeseen(
  formatted: GraphQLFormattedError,
  error: unknown,
  report: () => void,
): GraphQLFormattedError {
  if (unwrapResolverError(error) instanceof GraphQLError) return formatted;
  report();
  return { ...formatted, message: 'Internal server error', extensions: { code: 'INTERNAL_SERVER_ERROR' } };
}

function faultLine(subgraph: string, error: unknown): string {
  const origin = unwrapResolverError(error);
  const path = error instanceof GraphQLError ? error.path?.join('.') : undefined;
  const name = origin instanceof Error ? origin.name : typeof origin;
  return JSON.stringify({ level: 'error', subgraph, error: name, path });
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
