import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ApolloServer } from '@apollo/server';
import { buildSubgraphSchema } from '@apollo/subgraph';
import type { DocumentNode, GraphQLSchema } from 'graphql';
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
import { parseJsonBody, readJsonBody } from './http-body.ts';
import { createKeptDocuments, type KeptDocuments } from './kept-documents.ts';
import { faultLine, maskUnforeseen } from './mask-unforeseen.ts';
import { PlainLane, type PlainRequest, USUAL_TYPES } from './plain-lane-server.ts';
import { replayRoots } from './replayed-roots.ts';
import { refusal, refusalOf, type WholeAnswer } from './whole-answer.ts';

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
  /** One of a root field that reads what is selected below it names all four of its parameters: others are not told. */
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

/** Serves one subgraph to its gateway: no request without a valid assertion has its body read or reaches a resolver. */
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
      send(response, refused(endpoint, error));
    });
  });
  server.requestTimeout = REQUEST_TIMEOUT_MS;
  server.keepAliveTimeout = KEEP_ALIVE_TIMEOUT_MS;
  const lane = new PlainLane({
    ...{ answerTimeoutMs: REQUEST_TIMEOUT_MS, nowMs: () => performance.now(), dateMs: Date.now },
    answer: (request) => answerPlain(endpoint, request).catch((error: unknown) => refused(endpoint, error)),
  });
  lane.attach(server);
  try {
    await listen(server, options.port, options.host ?? '127.0.0.1');
  } catch (error) {
    await apollo.stop();
    throw error;
  }
  return {
    url: urlOf(server.address() as AddressInfo),
    close: async () => {
      const drained = drain(server, lane);
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

/** Answers a request that came past Node's server. Throws: as `answer`. */
async function answerPlain<L>(endpoint: Endpoint<L>, { headers, body }: PlainRequest): Promise<WholeAnswer> {
  const principal = await endpoint.verify([headers[ASSERTION_HEADER] ?? '']);
  const context = { principal, loaders: loadersFor(endpoint, principal) };
  return answerWhole(
    endpoint,
    { fields: () => Object.entries(headers), body: parseJsonBody(body), context },
    headers['accept'],
  );
}

/** Throws: GraphQLError, BodyError. */
async function answer<L>(
  endpoint: Endpoint<L>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { streams, verify, tell } = endpoint;
  if (request.method !== 'POST') {
    const refused = { message: 'Send operations by POST.', code: 'METHOD_NOT_ALLOWED' };
    send(response, refusal(405, refused, { allow: 'POST' }));
    return;
  }
  const principal = await verify(request.headersDistinct[ASSERTION_HEADER] ?? []);
  const body = await readJsonBody(request, BODY_BYTES_MAX);
  const context = { principal, loaders: loadersFor(endpoint, principal) };
  const { accept } = request.headers;
  if (wantsEvents(accept)) {
    // Loaders remember what they loaded: each event gets its own.
    const renew = (): void => {
      context.loaders = loadersFor(endpoint, principal);
    };
    await serveEvents({ body, context, renew, tell: () => tell(context) }, response, streams);
    return;
  }
  const fields = () => fieldsOf(request.headersDistinct);
  send(response, await answerWhole(endpoint, { fields, body, context }, accept));
}

function fieldsOf(headers: IncomingMessage['headersDistinct']): (readonly [string, string])[] {
  return Object.entries(headers).map(([name, values]) => [name, (values ?? []).join(', ')]);
}

/** Without a factory L is undefined, which the type system cannot see. */
function loadersFor<L>({ options }: Endpoint<L>, principal: SubgraphPrincipal): L {
  return options.createLoaders?.(principal) as L;
}

/**
 * What a gateway sends over and over is executed at once: it was parsed and validated before, and has no more of its own than variables.
 * Where nothing of it can be executed, Apollo Server says why.
 */
async function answerWhole<L>(
  { apollo, kept, schema, log, tell, options }: Endpoint<L>,
  read: ReadRequest<SubgraphContext<L>>,
  accept: string | undefined,
): Promise<WholeAnswer> {
  const headers = USUAL_TYPES.get(accept);
  const operation = headers === undefined ? null : kept.operationOf(read.body);
  if (headers === undefined || operation === null) return answerByApollo(apollo, read);
  const answered = await executeKept(operation, {
    ...{ schema, contextValue: read.context },
    mask: (formatted, error) => maskUnforeseen(formatted, error, () => log(faultLine(options.name, error))),
    tell: () => tell(read.context),
  });
  if (answered === null) return answerByApollo(apollo, read);
  return { ...answered, headers };
}

function refused<L>({ log, options }: Endpoint<L>, error: unknown): WholeAnswer {
  const answer = refusalOf(error);
  if (answer.status === 500) log(faultLine(options.name, error));
  return answer;
}

function send(response: ServerResponse, { status, headers, text }: WholeAnswer): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  // With its length, head and body go out in one piece.
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(text) });
  response.end(text);
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

function drain(server: Server, lane: PlainLane): Promise<void> {
  return new Promise((resolve) => {
    const force = setTimeout(() => {
      lane.cut();
      server.closeAllConnections();
    }, DRAIN_TIMEOUT_MS);
    server.close(() => {
      clearTimeout(force);
      resolve();
    });
    lane.drain();
  });
}

function urlOf({ address, family, port }: AddressInfo): string {
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}/graphql`;
}
