import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { GRAPHQL_TRANSPORT_WS_PROTOCOL, handleProtocols } from 'graphql-ws';
import { WebSocket, WebSocketServer } from 'ws';
import { type ErrorCode, GatewayError } from '../errors.ts';
import { clientAddress } from './client-address.ts';
import { encodeResponse } from './encode-response.ts';
import { credentialFields, headerValue } from './header-fields.ts';
import type { ListenerDeps, ListenerOptions, StreamOptions } from './listener.ts';
import { isStream } from './request.ts';
import {
  createSocketProtocol,
  type SocketCaller,
  type SocketSession,
  socketRequest,
} from './socket-protocol.ts';
import type { StreamSlots } from './stream-slots.ts';

type SocketOptions = Pick<
  ListenerOptions,
  'path' | 'cors' | 'trustProxy' | 'bodyBytesMax' | 'subscriptions' | 'apiKeyHeader'
>;
type SocketDeps = Pick<ListenerDeps, 'handle' | 'newId' | 'now' | 'onFault'> & {
  readonly slots: StreamSlots;
};

/** WebSockets at the endpoint. */
export interface SocketServer {
  attach(server: Server): void;
  /** Ends every stream with a word about it, lets other operations finish, then closes each socket. */
  drain(): void;
  /** Cuts what is left. */
  cut(): void;
}

/** What may wait for a client that does not read; beyond it the socket is cut. */
const SEND_BUFFER_BYTES_MAX = 16 * 1024 * 1024;

/** The server ends the connection, and the client may open another. Source: RFC 6455 section 7.4.1. */
const GOING_AWAY = 1001;

/** Whether a request asks for a WebSocket; other upgrades, such as h2c, are optional and pass for plain requests. */
export function wantsSocket({ headers }: IncomingMessage): boolean {
  return headers.upgrade?.toLowerCase() === 'websocket';
}

/** Creates the WebSocket side of a listener: `graphql-transport-ws` only, each operation through `handle`. */
export function createSocketServer(options: SocketOptions, deps: SocketDeps): SocketServer {
  const protocol = createSocketProtocol(options.subscriptions, deps);
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: options.bodyBytesMax,
    perMessageDeflate: false,
    handleProtocols: (offered) => handleProtocols(offered) || false,
  });
  const sessions = new Map<WebSocket, SocketSession>();
  let draining = false;

  const upgrade = (incoming: IncomingMessage, socket: Duplex, head: Buffer): void => {
    // A connection may break at any time; `close` tells what matters.
    socket.on('error', () => socket.destroy());
    const caller = callerOf(incoming, options);
    const code = draining ? 'SHUTTING_DOWN' : checkHandshake(incoming, options);
    const giveBack = code === null ? deps.slots.take() : null;
    if (giveBack === null) {
      void refuse(socket, caller, { code: code ?? 'SUBSCRIPTION_LIMIT_EXCEEDED', deps });
      return;
    }
    socket.once('close', giveBack);
    server.handleUpgrade(incoming, socket, head, (client) => {
      const session = openSession(client, caller, options.subscriptions);
      sessions.set(client, session);
      const closed = protocol.open(peerOf(client, options.subscriptions), session);
      client.once('close', (status, reason) => {
        sessions.delete(client);
        void closed(status, String(reason));
      });
    });
  };
  return {
    attach: (http) => void http.on('upgrade', upgrade),
    drain() {
      draining = true;
      for (const session of sessions.values()) drainSession(session);
    },
    cut() {
      for (const client of server.clients) client.terminate();
    },
  };
}

/**
 * What refuses a handshake. A page of any origin may open a socket without asking, so its origin must be named in
 * `cors.origins`; clients that are no browsers send none.
 */
function checkHandshake({ url, headers }: IncomingMessage, { path, cors }: SocketOptions): ErrorCode | null {
  if (url !== path && !(url?.startsWith(`${path}?`) ?? false)) return 'NOT_FOUND';
  const { origin } = headers;
  return origin === undefined || cors.origins.includes(origin) ? null : 'FORBIDDEN';
}

function callerOf(
  { socket, headers, rawHeaders }: IncomingMessage,
  { trustProxy, apiKeyHeader }: SocketOptions,
): SocketCaller {
  const forwarded = trustProxy
    ? headerValue(headers, 'x-forwarded-for')?.split(',').at(-1)?.trim()
    : undefined;
  return {
    remoteAddress: clientAddress(forwarded || (socket.remoteAddress ?? '')),
    headers,
    ...credentialFields(rawHeaders, apiKeyHeader),
  };
}

/** A refused handshake is answered and audited like any refused request. */
async function refuse(
  socket: Duplex,
  caller: SocketCaller,
  { code, deps }: { readonly code: ErrorCode; readonly deps: SocketDeps },
): Promise<void> {
  const signal = new AbortController().signal;
  const request = { ...socketRequest(caller, new GatewayError(code), deps), signal };
  const answer = await deps.handle(request);
  if (isStream(answer)) return;
  const frame = { requestId: request.id, mediaType: request.responseMediaType };
  const { status, headers, body } = encodeResponse(answer, frame);
  const fields = { ...headers, 'content-length': Buffer.byteLength(body), connection: 'close' };
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${status} Refused\r\n${lines.join('')}\r\n${body}`);
}

/** Watches a socket: it must answer pings, have something to do, and not live for ever. */
function openSession(client: WebSocket, caller: SocketCaller, options: StreamOptions): SocketSession {
  const { heartbeatMs, idleTimeoutMs, maxLifetimeMs } = options;
  let alive = true;
  const beat = setInterval(() => {
    if (!alive || client.bufferedAmount > SEND_BUFFER_BYTES_MAX) return client.terminate();
    alive = false;
    client.ping();
  }, heartbeatMs);
  const life = setTimeout(() => client.close(GOING_AWAY, 'Lifetime over'), maxLifetimeMs);
  const watchIdle = () => setTimeout(() => client.close(GOING_AWAY, 'Idle'), idleTimeoutMs);
  // Made anew each time: a timer that was cleared never fires again, not even when refreshed.
  let idle = watchIdle();
  client.on('pong', () => {
    alive = true;
  });
  // Each ping is answered, so a client that pings and never reads would fill the memory.
  client.on('ping', () => {
    if (client.bufferedAmount > SEND_BUFFER_BYTES_MAX) client.terminate();
  });
  client.on('error', () => client.terminate());
  client.once('close', () => {
    clearInterval(beat);
    clearTimeout(life);
    clearTimeout(idle);
  });
  return {
    caller,
    running: new Set(),
    draining: false,
    onChange() {
      clearTimeout(idle);
      if (this.running.size > 0) return;
      // The last word of the last operation is sent once this call returns; the close must come after it.
      if (this.draining) setImmediate(() => client.close(GOING_AWAY, 'Going away'));
      else if (client.readyState === WebSocket.OPEN) idle = watchIdle();
    },
  };
}

function drainSession(session: SocketSession): void {
  session.draining = true;
  for (const { streaming, controller } of session.running) {
    if (streaming) controller.abort(new GatewayError('SHUTTING_DOWN'));
  }
  session.onChange();
}

/** The socket as the protocol's server sees it. A message counts as sent when the system has taken it. */
function peerOf(
  client: WebSocket,
  { eventTimeoutMs }: StreamOptions,
): Parameters<ReturnType<typeof createSocketProtocol>['open']>[0] {
  return {
    protocol: client.protocol === GRAPHQL_TRANSPORT_WS_PROTOCOL ? client.protocol : '',
    send: (text) =>
      new Promise((resolve) => {
        if (client.bufferedAmount > SEND_BUFFER_BYTES_MAX) client.terminate();
        // Whoever waits for the close to be told has to have a turn.
        if (client.readyState !== WebSocket.OPEN) {
          setImmediate(resolve);
          return;
        }
        const timer = setTimeout(() => client.terminate(), eventTimeoutMs);
        client.send(text, () => {
          clearTimeout(timer);
          resolve();
        });
      }),
    close: (code, reason) => client.close(code, reason),
    onMessage: (take) => {
      client.on('message', (data) => {
        take(String(data)).catch(() => client.close(1011, 'Internal error'));
      });
    },
  };
}
