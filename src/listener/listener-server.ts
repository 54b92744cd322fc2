import { createServer as createHttpServer, type RequestListener, type Server } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import cors from '@fastify/cors';
import {
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  fastify,
} from 'fastify';
import { GatewayError } from '../errors.ts';
import { takenWithin } from './answer-end-sink.ts';
import { createClientErrorSink } from './client-error-sink.ts';
import { createDirectSide, type DirectSide } from './direct/direct-server.ts';
import { createEdge, type Edge } from './edge-server.ts';
import { SECURITY_HEADERS } from './encode-response.ts';
import { ALPN_PROTOCOLS, createHttp2Side, type Http2Side } from './http2-server.ts';
import type { Listener, ListenerDeps, ListenerOptions } from './listener.ts';
import { createOpenAiDoor, type OpenAiDoor } from './openai-server.ts';
import { registerSandbox } from './sandbox-server.ts';
import { createSocketServer, type SocketServer, wantsSocket } from './socket-server.ts';
import { StreamSlots } from './stream-slots.ts';

/** How often Node looks for connections whose request is late. */
const LATE_CHECK_MS = 500;

/** Node's own bound on a request stands behind the edge's, which answers and audits. */
const BACKSTOP_MS = 2000;

/** How long requests that were cut may take to notice and leave their audit event. */
const SETTLE_MS = 1000;

/** Answer header fields that pages of allowed origins may read. */
const EXPOSED_HEADERS = [
  'deprecation',
  'ratelimit',
  'ratelimit-policy',
  'retry-after',
  'sunset',
  'www-authenticate',
  'x-cost-actual',
  'x-cost-estimated',
  'x-cost-max',
  'x-request-id',
];

/** Creates the HTTP edge on Fastify. Nothing listens before `listen`. */
export function createListener(options: ListenerOptions, deps: ListenerDeps): Listener {
  const slots = new StreamSlots(options.subscriptions.maxConnections);
  const edge = createEdge(options, { ...deps, slots, apiKeyHeader: options.apiKeyHeader });
  const sockets = createSocketServer(options, { ...deps, slots });
  const http2 =
    options.tls === undefined || options.http2 === null ? null : createHttp2Side(options, options.http2);
  const { openAiPath: openAi } = options;
  const door = openAi === null ? null : createOpenAiDoor(options, { ...deps, slots, path: openAi });
  const direct = isPlain(options) ? createDirectSide(options, deps, door) : null;
  const app = fastify({
    logger: false,
    exposeHeadRoutes: false,
    // Else it loads two compilers of schemas, which takes longer than all else that it does at a start.
    schemaController: { compilersFactory: { buildValidator: noSchemas, buildSerializer: noSchemas } },
    // Requests that arrive while closing are refused by the edge, so that they are audited like any refusal.
    return503OnClosing: false,
    // The entry the proxy in front wrote; further ones are whatever the client sent.
    trustProxy: options.trustProxy ? (_address, hop) => hop < 1 : false,
    routerOptions: { querystringParser: () => ({}) },
    serverFactory: (handler) => createServer(options, { http2, direct }, shortcut(options, edge, handler)),
    clientErrorHandler: createClientErrorSink(deps.newId),
    frameworkErrors: (_error, request, reply) => {
      void edge.refuse(request as FastifyRequest, reply as FastifyReply, new GatewayError('BAD_REQUEST'));
    },
  });
  // What the edge does not write itself, such as the files of the sandbox, has its bound here.
  app.addHook('onSend', (_request, reply, payload, done) => {
    done(null, payload);
    takenWithin(reply.raw, options.answerTimeoutMs);
  });
  let draining = false;
  let closing: Promise<void> | undefined;
  if (options.subscriptions.enabled) sockets.attach(app.server);
  registerRefusals(app, edge, options);
  registerEndpoint(app, edge, options);
  door?.register(app);
  registerWellKnown(app, deps, () => draining);
  return {
    async listen() {
      // Goes through to Node, though the framework's types do not know `reusePort`.
      const where = { host: options.host, port: options.port, reusePort: options.sharesPort ?? false };
      await app.listen(where);
      return endpointUrl(app, options);
    },
    close() {
      draining = true;
      edge.drain();
      direct?.drain();
      door?.drain();
      sockets.drain();
      http2?.drain();
      closing ??= stop(app, { edge, direct, door, sockets, http2 }, options.shutdownTimeoutMs);
      return closing;
    },
  };
}

/** No route has a schema: requests are read by the edge. */
function noSchemas(): never {
  throw new TypeError('a route has a schema');
}

/** Lets plain POSTs to the endpoint past the framework; what needs CORS, a proxy's word or a route goes through it. */
function shortcut(options: ListenerOptions, edge: Edge, handler: RequestListener): RequestListener {
  if (!takesShortcuts(options)) return handler;
  const { path } = options;
  return (incoming, outgoing) => {
    if (incoming.method === 'POST' && incoming.url === path) void edge.serveDirectly(incoming, outgoing);
    else handler(incoming, outgoing);
  };
}

function takesShortcuts({ trustProxy, cors }: ListenerOptions): boolean {
  return !trustProxy && cors.origins.length === 0;
}

/** Whether plain requests can be answered from the bytes of their connection. */
function isPlain(options: ListenerOptions): boolean {
  return options.tls === undefined && takesShortcuts(options);
}

function createServer(
  options: ListenerOptions,
  { http2, direct }: Pick<Ends, 'http2' | 'direct'>,
  handler: RequestListener,
): Server {
  const bounds = {
    maxHeaderSize: options.headerBytesMax,
    headersTimeout: options.requestTimeoutMs,
    requestTimeout: options.requestTimeoutMs + BACKSTOP_MS,
    connectionsCheckingInterval: LATE_CHECK_MS,
    shouldUpgradeCallback: wantsSocket,
  };
  const { tls, requestTimeoutMs } = options;
  const offered = http2 === null ? {} : { ALPNProtocols: ALPN_PROTOCOLS };
  const server =
    tls === undefined
      ? createHttpServer(bounds, handler)
      : createHttpsServer({ ...bounds, ...tls, ...offered, handshakeTimeout: requestTimeoutMs }, handler);
  http2?.attach(server, handler);
  direct?.attach(server);
  // Beyond a count Node drops header fields silently; their bytes are bounded, so none needs to be dropped.
  server.maxHeadersCount = 0;
  return server;
}

function registerRefusals(app: FastifyInstance, edge: Edge, options: ListenerOptions): void {
  const allow = options.cors.origins.length > 0 ? 'GET, POST, OPTIONS' : 'GET, POST';
  const unserved = ({ raw }: FastifyRequest): GatewayError => {
    if (!isEndpoint(raw.url, options.path)) return new GatewayError('NOT_FOUND');
    return new GatewayError('METHOD_NOT_ALLOWED', { headers: { allow } });
  };
  // The edge reads bodies itself: bounded while decoding, and with a deadline.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, _payload, done) => done(null));
  app.setErrorHandler((fault: FastifyError, request, reply) => {
    if (fault.statusCode === undefined || fault.statusCode >= 500) {
      return edge.refuse(request, reply, new GatewayError('INTERNAL_SERVER_ERROR', { cause: fault }));
    }
    // Fastify refuses a content type it cannot parse before any handler; the edge is the judge of that.
    const served = request.method === 'POST' && isEndpoint(request.raw.url, options.path);
    return served ? edge.serve(request, reply) : edge.refuse(request, reply, unserved(request));
  });
  app.setNotFoundHandler((request, reply) => edge.refuse(request, reply, unserved(request)));
}

function isEndpoint(url: string | undefined, path: string): boolean {
  return url === path || (url?.startsWith(`${path}?`) ?? false);
}

function registerEndpoint(app: FastifyInstance, edge: Edge, options: ListenerOptions): void {
  const { origins, credentials } = options.cors;
  const { path } = options;
  app.register(async (scope) => {
    if (origins.length > 0) {
      await scope.register(cors, {
        origin: [...origins],
        credentials,
        methods: ['GET', 'POST'],
        exposedHeaders: EXPOSED_HEADERS,
        maxAge: 600,
        // The strict form refuses in plain text, past the edge.
        strictPreflight: false,
      });
    }
    scope.post(path, (request, reply) => edge.serve(request, reply));
    if (options.sandbox === 'off') {
      scope.get(path, (request, reply) => edge.serve(request, reply));
      return;
    }
    const sandbox = registerSandbox(scope, options.sandbox, path);
    scope.get(path, (request, reply) =>
      sandbox.wants(request) ? sandbox.sendPage(request, reply) : edge.serve(request, reply),
    );
  });
}

function registerWellKnown(app: FastifyInstance, deps: ListenerDeps, isDraining: () => boolean): void {
  const head = { exposeHeadRoute: true };
  app.get('/health/live', head, (_request, reply) => {
    return reply.headers(SECURITY_HEADERS).send({ status: 'ok' });
  });
  app.get('/health/ready', head, (_request, reply) => {
    const { ready, checks } = deps.readiness();
    const serving = ready && !isDraining();
    return reply
      .code(serving ? 200 : 503)
      .headers(SECURITY_HEADERS)
      .send({ ready: serving, checks: { ...checks, accepting: !isDraining() } });
  });
  app.get('/.well-known/jwks.json', (_request, reply) => {
    return reply
      .headers({ ...SECURITY_HEADERS, 'cache-control': 'public, max-age=300' })
      .type('application/jwk-set+json')
      .send(JSON.stringify(deps.jwks()));
  });
}

/** A wildcard address is where it listens, not where it can be reached; then the loopback address is named. */
function endpointUrl(app: FastifyInstance, options: ListenerOptions): string {
  const address = app.server.address();
  const port = typeof address === 'object' && address !== null ? address.port : options.port;
  const reachable = new Map([
    ['0.0.0.0', '127.0.0.1'],
    ['::', '::1'],
  ]);
  const host = reachable.get(options.host) ?? options.host;
  const scheme = options.tls === undefined ? 'http' : 'https';
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}${options.path}`;
}

interface Ends {
  readonly edge: Edge;
  /** Null where plain requests need more than their bytes. */
  readonly direct: DirectSide | null;
  readonly door: OpenAiDoor | null;
  readonly sockets: SocketServer;
  readonly http2: Http2Side | null;
}

async function stop(
  app: FastifyInstance,
  { edge, direct, door, sockets, http2 }: Ends,
  shutdownTimeoutMs: number,
): Promise<void> {
  const cut = setTimeout(() => {
    sockets.cut();
    http2?.cut();
    direct?.cut();
    app.server.closeAllConnections();
  }, shutdownTimeoutMs);
  await app.close();
  clearTimeout(cut);
  await Promise.all([edge, direct, door].map((each) => each?.settled(SETTLE_MS)));
}
