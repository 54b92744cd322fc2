import { GraphQLSchema, parse } from 'graphql';
import { type Context, makeServer, type WebSocket as Peer, type SubscribePayload } from 'graphql-ws';
import { GatewayError } from '../errors.ts';
import { refusalResponse } from './encode-response.ts';
import type { HeaderFields } from './header-fields.ts';
import type { ListenerDeps, StreamOptions } from './listener.ts';
import { type ParsedParams, parseParams } from './parse-params.ts';
import { type GraphQLRequest, type GraphQLResponseBody, isStream } from './request.ts';

/** Who opened a socket, as its handshake says. */
export interface SocketCaller {
  readonly remoteAddress: string;
  readonly headers: HeaderFields;
  readonly authorization: readonly string[];
  readonly apiKeys?: readonly string[];
}

/** One operation that runs on a socket. */
interface Running {
  streaming: boolean;
  readonly controller: AbortController;
}

/** One open socket. */
export interface SocketSession {
  readonly caller: SocketCaller;
  readonly running: Set<Running>;
  /** Told whenever an operation begins or ends. */
  onChange(): void;
  /** True once no new operation is taken. */
  draining: boolean;
}

/** The errors of an operation that is refused, or that ends early: one message, and nothing after it. */
class OperationRefused extends Error {
  readonly errors: NonNullable<GraphQLResponseBody['errors']>;

  constructor(errors: NonNullable<GraphQLResponseBody['errors']>) {
    super('refused');
    this.errors = errors;
  }
}

type ProtocolDeps = Pick<ListenerDeps, 'handle' | 'newId' | 'now' | 'onFault'>;
type Events = AsyncGenerator<GraphQLResponseBody, void, undefined>;

/** What the protocol's server wants to see; what runs is up to `handle`, for queries as for subscriptions. */
const ANY_OPERATION = { schema: new GraphQLSchema({}), document: parse('subscription { any }') };

/** The request as `handle` takes it. */
export function socketRequest(
  caller: SocketCaller,
  params: ParsedParams,
  deps: Pick<ProtocolDeps, 'newId' | 'now'>,
): Omit<GraphQLRequest, 'signal'> {
  return {
    ...caller,
    id: deps.newId(),
    receivedAtMs: deps.now(),
    method: 'WEBSOCKET',
    responseMediaType: 'application/graphql-response+json',
    params,
    batch: null,
    streams: true,
  };
}

/**
 * Speaks `graphql-transport-ws` on sockets; `open` returns what is to be called when the socket has closed.
 * Source: the GraphQL over WebSocket protocol, as `graphql-ws` implements it.
 */
export function createSocketProtocol(options: StreamOptions, deps: ProtocolDeps) {
  const server = makeServer<Readonly<Record<string, unknown>>, SocketSession>({
    connectionInitWaitTimeout: options.initTimeoutMs,
    onSubscribe: (context, _id, payload) => ({
      ...ANY_OPERATION,
      contextValue: startOperation(context, payload, { options, deps }),
    }),
    subscribe: ({ contextValue }) => contextValue as AsyncGenerator<never>,
    onNext: (_context, _id, _payload, _args, result) => result as never,
    onError: (_context, _id, _payload, [error]) => {
      const cause = error instanceof Error && 'originalError' in error ? error.originalError : error;
      if (cause instanceof OperationRefused) return [...cause.errors] as never;
      const id = deps.newId();
      deps.onFault?.(cause, id);
      return (refusalResponse('INTERNAL_SERVER_ERROR', id).body.errors ?? []) as never;
    },
  });
  return {
    open: (peer: Peer, session: SocketSession) => server.opened(peer, session),
  };
}

interface Frame {
  readonly options: StreamOptions;
  readonly deps: ProtocolDeps;
}

function startOperation(
  { extra: session, connectionParams }: Context<Readonly<Record<string, unknown>>, SocketSession>,
  payload: SubscribePayload,
  { options, deps }: Frame,
): Events {
  const full = session.running.size >= options.maxPerConnection;
  const params = session.draining
    ? new GatewayError('SHUTTING_DOWN')
    : full
      ? new GatewayError('SUBSCRIPTION_LIMIT_EXCEEDED')
      : parseParams(payload);
  const running: Running = { streaming: false, controller: new AbortController() };
  session.running.add(running);
  session.onChange();
  const caller = { ...session.caller, authorization: credentialsOf(session.caller, connectionParams) };
  const request = { ...socketRequest(caller, params, deps), signal: running.controller.signal };
  const events = deliver(request, running, { session, deps });
  const finish = (): void => {
    if (session.running.delete(running)) session.onChange();
  };
  const leave = (): void => {
    running.controller.abort(new GatewayError('REQUEST_ABORTED'));
    finish();
  };
  return guarded(events, { finish, leave });
}

/** Whoever leaves must be noticed at once, also while the next event is awaited and before the first one is. */
function guarded(events: Events, hooks: { finish(): void; leave(): void }): Events {
  return {
    async next() {
      try {
        const step = await events.next();
        if (step.done === true) hooks.finish();
        return step;
      } catch (fault) {
        hooks.finish();
        throw fault;
      }
    },
    return() {
      hooks.leave();
      return events.return();
    },
    throw(fault: unknown) {
      hooks.leave();
      return events.throw(fault);
    },
    [Symbol.asyncIterator]() {
      return this;
    },
    async [Symbol.asyncDispose]() {
      await this.return();
    },
  };
}

async function* deliver(
  request: GraphQLRequest,
  running: Running,
  { session, deps }: { readonly session: SocketSession; readonly deps: ProtocolDeps },
): Events {
  const answer = await deps.handle(request);
  if (!isStream(answer)) {
    yield toldOrRefused(answer.body);
    return;
  }
  running.streaming = true;
  if (session.draining) running.controller.abort(new GatewayError('SHUTTING_DOWN'));
  for await (const { body } of answer.events) yield toldOrRefused(body);
}

function toldOrRefused(body: GraphQLResponseBody): GraphQLResponseBody {
  if (body.data === undefined) throw new OperationRefused(body.errors ?? []);
  return body;
}

/** What `connection_init` brings counts before the handshake: browsers cannot set headers of a WebSocket. */
function credentialsOf(
  { authorization }: SocketCaller,
  params: Readonly<Record<string, unknown>> | undefined,
): readonly string[] {
  const given = ['Authorization', 'authorization'].flatMap((name) =>
    params !== undefined && Object.hasOwn(params, name) ? [params[name]] : [],
  );
  // What is no text is a credential all the same, and no good one: it must not pass for none.
  return given.length === 0 ? authorization : given.map((value) => (typeof value === 'string' ? value : ''));
}
