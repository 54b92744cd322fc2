import { on } from 'node:events';
import { type ClientOptions, type RawData, WebSocket } from 'ws';
import type { SubgraphEndpoint, SubgraphMessage } from '../subgraph-client.ts';
import { asStreamFault, broken, type EventBody, eventBody, type StreamBounds } from './subgraph-stream.ts';

const PROTOCOL = 'graphql-transport-ws';
/** Each socket carries one operation. */
const ID = '1';
/** What a message has around its event. Units: bytes. */
const ENVELOPE_BYTES = 256;
/** How long a subgraph may take to close a socket that it was told to close. */
const CLOSE_MS = 1000;

/** What may wait for a subgraph that does not read. */
const UNREAD_BYTES_MAX = 1_048_576;

/** A message of the protocol, as far as it is one. */
interface Message {
  readonly type?: unknown;
  readonly id?: unknown;
  readonly payload?: unknown;
}

/**
 * Opens subscriptions at subgraphs over WebSockets, one socket for each: none is shared, so nothing that one caller may see
 * comes by the socket of another. Reads only as fast as events are taken. A socket that breaks is not opened again: what
 * happened meanwhile would be missing without a word.
 * Source: the GraphQL over WebSocket protocol (graphql-transport-ws).
 */
export class SubgraphSocketClient {
  readonly #sockets = new Set<WebSocket>();

  /**
   * Throws: DOWNSTREAM_SERVICE_ERROR where the subgraph refuses, closes early or sends anything else, SUBGRAPH_TIMEOUT where
   * it does not acknowledge in time or is silent for too long, the reason of `signal` where that ends the stream.
   */
  async *events(
    subgraph: SubgraphEndpoint,
    message: SubgraphMessage,
    { bounds, signal }: { readonly bounds: StreamBounds; readonly signal: AbortSignal },
  ): AsyncGenerator<EventBody, void, undefined> {
    const socket = this.#open(subgraph.url, message.headers, bounds);
    const watch = new Watch(socket);
    try {
      watch.limit(subgraph.timeoutMs);
      socket.once('open', () => socket.send(JSON.stringify({ type: 'connection_init' })));
      let acknowledged = false;
      for await (const { type, id, payload } of messagesOf(socket, signal)) {
        if (type === 'ping') answerPing(socket);
        else if (!acknowledged) {
          if (type !== 'connection_ack') throw broken('no acknowledgement');
          acknowledged = true;
          socket.send(`{"id":"${ID}","type":"subscribe","payload":${message.body}}`);
        } else if (type === 'complete' && id === ID) return;
        else if (type === 'error' && id === ID) {
          yield eventBody({ errors: payload });
          return;
        } else if (type === 'next' && id === ID) {
          // Who takes an event may take its time.
          watch.rest();
          yield eventBody(payload);
        } else if (type !== 'pong') throw broken('no message of the protocol');
        if (acknowledged) watch.expect(bounds.idleTimeoutMs);
      }
      throw broken('the socket was closed before the subscription ended');
    } catch (fault) {
      throw asStreamFault(fault, signal, watch.isLate);
    } finally {
      watch.rest();
      leave(socket);
    }
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.terminate();
  }

  #open(url: string, headers: SubgraphMessage['headers'], { eventBytesMax }: StreamBounds): WebSocket {
    // These are about a body, and there is none.
    const { 'content-type': _type, accept: _accept, ...fields } = headers;
    const options: ClientOptions = {
      headers: fields,
      maxPayload: eventBytesMax + ENVELOPE_BYTES,
      perMessageDeflate: false,
      followRedirects: false,
    };
    const socket = new WebSocket(url, PROTOCOL, options);
    this.#sockets.add(socket);
    // What matters of it reaches whoever reads messages; later it is of no interest.
    socket.on('error', () => undefined);
    socket.once('close', () => this.#sockets.delete(socket));
    return socket;
  }
}

/** Messages as they come, until the socket closes; while one is not taken, no more are read. */
async function* messagesOf(socket: WebSocket, signal: AbortSignal): AsyncGenerator<Message, void, undefined> {
  const incoming = on(socket, 'message', {
    ...{ signal, close: ['close'], highWaterMark: 1, lowWaterMark: 1 },
  }) as AsyncIterable<[data: RawData, isBinary: boolean]>;
  for await (const [data, isBinary] of incoming) {
    if (isBinary) throw broken('no text');
    const message: unknown = JSON.parse(String(data));
    if (typeof message !== 'object' || message === null) throw broken('no message');
    yield message;
  }
}

/** Ends a socket on which nothing came in time. */
class Watch {
  isLate = false;
  readonly #socket: WebSocket;
  #timer: NodeJS.Timeout | undefined;
  #withinMs: number | null = null;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    // A sign of life, as comments in an event stream are.
    socket.on('ping', () => {
      if (socket.bufferedAmount > UNREAD_BYTES_MAX) socket.terminate();
      if (this.#withinMs !== null) this.expect(this.#withinMs);
    });
  }

  /** Something has to come in this time, and then again. */
  expect(withinMs: number): void {
    this.limit(withinMs);
    this.#withinMs = withinMs;
  }

  /** What is waited for has to come in this time, signs of life or not. */
  limit(withinMs: number): void {
    this.rest();
    this.#timer = setTimeout(() => {
      this.isLate = true;
      this.#socket.terminate();
    }, withinMs);
  }

  rest(): void {
    clearTimeout(this.#timer);
    this.#withinMs = null;
  }
}

/** Each ping is answered, so one that pings and never reads would fill the memory. */
function answerPing(socket: WebSocket): void {
  if (socket.bufferedAmount > UNREAD_BYTES_MAX) throw broken('answers are not read');
  socket.send('{"type":"pong"}');
}

/** Tells the subgraph that nobody listens any more; one that does not close is cut off. */
function leave(socket: WebSocket): void {
  if (socket.readyState !== WebSocket.OPEN) {
    socket.terminate();
    return;
  }
  socket.send(`{"id":"${ID}","type":"complete"}`);
  // What was not read any more stands before its answer.
  socket.resume();
  socket.close(1000);
  const cut = setTimeout(() => socket.terminate(), CLOSE_MS).unref();
  socket.once('close', () => clearTimeout(cut));
}
