import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { DirectConnection, type DirectLane } from './direct-connection-server.ts';
import type { Framed } from './plain-head.ts';

/** How often late connections are looked for. */
const CHECK_MS = 500;
/** How much longer a connection is kept than its client was told, so that its last request is not lost. */
const KEEP_MARGIN_MS = 1_000;

/** The connections of a server that a lane answers first, until it gives them to the server. */
export class DirectConnections<Head extends Framed> {
  readonly #open = new Set<DirectConnection<Head>>();
  #takeOver: (socket: Socket) => void = () => undefined;
  /** How long one without a request is kept; 0 until there is a server. */
  keepAliveMs = 0;
  /** As its client is told. */
  keepSeconds = 0;

  /** Stands before a server that was just made. `nowMs` is a clock that never goes back. */
  attach(server: Server, lane: DirectLane<Head>, nowMs: () => number): void {
    const [serve] = server.listeners('connection');
    this.#takeOver = (socket) => serve?.call(server, socket);
    this.keepAliveMs = server.keepAliveTimeout + KEEP_MARGIN_MS;
    this.keepSeconds = Math.floor(server.keepAliveTimeout / 1000);
    server.removeAllListeners('connection');
    server.on('connection', (socket: Socket) => this.#open.add(new DirectConnection(socket, lane, nowMs)));
    const timer = setInterval(() => {
      for (const connection of this.#open) connection.check();
    }, CHECK_MS);
    timer.unref();
    server.once('close', () => clearInterval(timer));
  }

  /** Gives a connection to the server, with what was read of its next request. */
  handOver(socket: Socket, bytes: Buffer): void {
    this.#takeOver(socket);
    if (bytes.length > 0) socket.unshift(bytes);
    socket.resume();
  }

  /** Ends each connection, with its answer where a request runs. */
  drain(): void {
    for (const connection of this.#open) connection.drain();
  }

  cut(): void {
    for (const connection of this.#open) connection.cut();
  }

  forget(connection: DirectConnection<Head>): void {
    this.#open.delete(connection);
  }
}
