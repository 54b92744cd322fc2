import type { RequestListener, Server } from 'node:http';
import {
  constants,
  createServer,
  type Http2Server,
  Http2ServerResponse,
  type OutgoingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { TLSSocket } from 'node:tls';
import type { Http2Bounds, ListenerOptions } from './listener.ts';

/** HTTP/2 beside HTTP/1.1 on one TLS port. */
export interface Http2Side {
  /** Serves the connections whose client chose HTTP/2; the server goes on with the others as it did. */
  attach(server: Server, handler: RequestListener): void;
  /** Tells clients to send nothing more on their connections, which end with what runs. */
  drain(): void;
  /** Cuts what is left. */
  cut(): void;
}

/** Resets that are forgiven each second. Source: the default of nghttp2; the threat is the rapid reset, CVE-2023-44487. */
const RESETS_PER_SECOND = 33;

/** Frames that are no part of a lawful exchange, and requests beyond the bound, which end a connection. */
const FAULTS_MAX = 100;

/** What the specification counts for each header field besides its bytes. Source: RFC 9113 section 6.5.2. */
const FIELD_BYTES = 32;

/** Protocols in the order in which the server chooses. */
export const ALPN_PROTOCOLS = ['h2', 'http/1.1'];

/** Creates the HTTP/2 side of a listener with TLS: the same handler for the same requests, within the same limits. */
export function createHttp2Side(
  { headerBytesMax, requestTimeoutMs }: Pick<ListenerOptions, 'headerBytesMax' | 'requestTimeoutMs'>,
  { streamsMax, resetsMax }: Http2Bounds,
): Http2Side {
  const sessions = new Set<ServerHttp2Session>();
  let draining = false;
  const open = (session: ServerHttp2Session): void => {
    sessions.add(session);
    session.once('close', () => sessions.delete(session));
    endWhenIdle(session, requestTimeoutMs);
    if (draining) session.close();
  };
  const http2 = (handler: RequestListener): Http2Server =>
    createServer({
      settings: { maxConcurrentStreams: streamsMax, maxHeaderListSize: headerBytesMax },
      maxHeaderListPairs: Math.ceil(headerBytesMax / FIELD_BYTES),
      maxSessionInvalidFrames: FAULTS_MAX,
      maxSessionRejectedStreams: FAULTS_MAX,
      streamResetBurst: resetsMax,
      streamResetRate: RESETS_PER_SECOND,
      Http2ServerResponse: Outgoing,
      // The classes of HTTP/2 stand in for those of HTTP/1.1 in all that the edge uses of them.
    }).on('request', handler as unknown as (...exchange: readonly unknown[]) => void);
  return {
    attach(server, handler) {
      const streams = http2(handler).on('session', open);
      const [serveHttp1] = server.listeners('secureConnection');
      server.removeAllListeners('secureConnection');
      server.on('secureConnection', (socket: TLSSocket) => {
        if (socket.alpnProtocol === 'h2') streams.emit('connection', socket);
        else serveHttp1?.call(server, socket);
      });
    },
    drain() {
      draining = true;
      for (const session of sessions) session.close();
    },
    cut() {
      for (const session of sessions) session.destroy();
    },
  };
}

/** Ends a connection that has had no request for too long, whatever else is sent on it. */
function endWhenIdle(session: ServerHttp2Session, idleMs: number): void {
  let running = 0;
  const watch = (): NodeJS.Timeout => setTimeout(() => session.destroy(), idleMs);
  let idle = watch();
  session.on('stream', (stream) => {
    running += 1;
    clearTimeout(idle);
    stream.once('close', () => {
      running -= 1;
      if (running === 0 && !session.destroyed) idle = watch();
    });
  });
  session.once('close', () => clearTimeout(idle));
}

/** An answer over HTTP/2 with the manners of one over HTTP/1.1, as far as the edge relies on them. */
class Outgoing extends Http2ServerResponse {
  constructor(stream: ServerHttp2Stream) {
    super(stream);
    // The class it extends lacks it, whatever its type says.
    Object.defineProperty(this, 'destroyed', { get: () => stream.destroyed || stream.closed });
    // There it holds for a stream that was reset, too.
    const finished = () => this.writableEnded && stream.rstCode === constants.NGHTTP2_NO_ERROR;
    Object.defineProperty(this, 'writableFinished', { get: finished });
  }

  /** A connection is not ended with an answer here. */
  override writeHead(status: number, ...rest: readonly unknown[]): this {
    const { connection: _connection, ...headers } = (rest.at(-1) ?? {}) as OutgoingHttpHeaders;
    return super.writeHead(status, headers);
  }

  /** What the client still sends of a request that was answered is of no use to anybody. */
  override end(...args: readonly unknown[]): this {
    const { stream, req } = this;
    super.end(...(args as []));
    if (!req.complete) stream.once('finish', () => stream.close(constants.NGHTTP2_NO_ERROR));
    return this;
  }

  /** An answer that breaks off must not look as if it had ended. */
  override destroy(): this {
    this.stream.destroy(new Error('the answer breaks off'));
    return this;
  }
}
