import { Buffer } from 'node:buffer';
import { type Server, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import { GatewayError } from '../../errors.ts';
import { type Asked, answerAll, isBatch } from '../answer-operations.ts';
import { type PlainResponse, plainBatch, plainResponse, refusalResponse } from '../encode-response.ts';
import type { ListenerDeps, ListenerOptions } from '../listener.ts';
import type { OpenAiDoor } from '../openai-server.ts';
import { parseBody, single } from '../parse-request.ts';
import { isStream } from '../request.ts';
import { compressed } from '../response-sink.ts';
import { RunningRequests } from '../running-requests.ts';
import { type DirectFrame, DirectHeads } from './direct-answer.ts';
import { chatWire, mayStream } from './direct-chat.ts';
import type { DirectConnection, DirectLane, DirectRequest } from './direct-connection-server.ts';
import { DirectConnections } from './direct-connections-server.ts';
import { type DirectHead, type DirectHeadOptions, readDirectHead } from './direct-head.ts';
import { directStart } from './plain-head.ts';

/** Answers what is a plain POST to the endpoint past Node's HTTP server, which costs as much as all the rest of a small request. */
export interface DirectSide {
  /** Stands before a server that was just made: connections come here first. */
  attach(server: Server): void;
  /** Refuses from now on, and ends each connection with its next answer. */
  drain(): void;
  /** Ends all connections. */
  cut(): void;
  /** Resolves when nothing runs any more, or after `timeoutMs`. */
  settled(timeoutMs: number): Promise<void>;
}

/** Time for the rest of a request; reason: what is in flight comes within it, and beyond it Node's server has its own. */
const PATIENCE_MS = 500;

/** Where chats of OpenAI's clients are answered. */
export type DirectDoor = Pick<OpenAiDoor, 'chatPath' | 'chat'>;

/** Creates the side of a listener that answers plain requests. */
export function createDirectSide(
  options: ListenerOptions,
  deps: ListenerDeps,
  door: DirectDoor | null,
): DirectSide {
  const lane = new Lane(options, deps, door);
  return {
    attach: (server) => lane.attach(server),
    drain: () => lane.drain(),
    cut: () => lane.cut(),
    settled: (timeoutMs) => lane.running.settled(timeoutMs),
  };
}

class Lane implements DirectLane {
  readonly starts: readonly string[];
  readonly headerBytesMax: number;
  readonly patienceMs = PATIENCE_MS;
  readonly answerTimeoutMs: number;
  readonly running = new RunningRequests();
  draining = false;
  readonly #options: ListenerOptions;
  readonly #deps: ListenerDeps;
  readonly #door: DirectDoor | null;
  readonly #heads: readonly DirectHeadOptions[];
  readonly #connections = new DirectConnections<DirectHead>();
  readonly #answerHeads = new DirectHeads();

  constructor(options: ListenerOptions, deps: ListenerDeps, door: DirectDoor | null) {
    this.#options = options;
    this.#deps = deps;
    this.#door = door;
    this.#heads = [options, ...(door === null ? [] : [chatHeads(options, door)])];
    this.starts = this.#heads.map(({ path }) => directStart(path));
    this.headerBytesMax = options.headerBytesMax;
    this.answerTimeoutMs = options.answerTimeoutMs;
  }

  get keepAliveMs(): number {
    return this.#connections.keepAliveMs;
  }

  attach(server: Server): void {
    this.#connections.attach(server, this, () => performance.now());
  }

  drain(): void {
    this.draining = true;
    this.#connections.drain();
  }

  cut(): void {
    this.#connections.cut();
  }

  isDraining(): boolean {
    return this.draining;
  }

  readHead(text: string) {
    for (const options of this.#heads) {
      const head = readDirectHead(text, options);
      if (head !== null) return head;
    }
    return null;
  }

  takes({ path }: DirectHead, body: Buffer): boolean {
    return path === this.#options.path || !mayStream(body);
  }

  handOver(socket: Socket, bytes: Buffer): void {
    this.#connections.handOver(socket, bytes);
  }

  serve(request: DirectRequest, connection: DirectConnection): void {
    this.running.begin();
    const door = request.head.path === this.#options.path ? null : this.#door;
    if (door === null) {
      void this.#answer(request, connection);
      return;
    }
    const wire = chatWire(request, connection, (answer, id) => this.#tell(answer, id, connection));
    void door.chat(wire).finally(() => this.running.end());
  }

  onGone(connection: DirectConnection): void {
    this.#connections.forget(connection);
  }

  /** Waits once where nothing is compressed: each wait costs as much as a stage. */
  async #answer(request: DirectRequest, connection: DirectConnection): Promise<void> {
    const requestId = this.#deps.newId();
    const { mediaType, coding } = request.head;
    const frame = { requestId, mediaType, coding, last: this.draining };
    try {
      const answers = await answerAll(this.#asked(request, connection, requestId), this.#deps.handle);
      const plain = plainAnswers(answers);
      const length = Buffer.byteLength(plain.body);
      const compressing = compressed(plain.body, length, coding);
      const bytes = compressing === null ? null : await compressing;
      this.#send({ plain, length, bytes }, frame, connection);
    } catch (fault) {
      this.#deps.onFault?.(fault, requestId);
      const plain = plainResponse(refusalResponse('INTERNAL_SERVER_ERROR', requestId));
      const length = Buffer.byteLength(plain.body);
      this.#send({ plain, length, bytes: null }, { ...frame, last: true }, connection);
    } finally {
      this.running.end();
    }
  }

  #asked({ head, body }: DirectRequest, { remoteAddress, signal }: DirectConnection, id: string): Asked {
    return {
      id,
      receivedAtMs: this.#deps.now(),
      method: 'POST',
      remoteAddress,
      signal,
      streams: false,
      responseMediaType: head.mediaType,
      credentials: head.credentials,
      headers: head.headers,
      parsed: body === null ? BROKEN_OFF : this.#parse(head.refusal, body),
    };
  }

  #send({ plain, length, bytes }: Encoded, frame: Frame, connection: DirectConnection): void {
    const last = frame.last || this.draining;
    const sent: DirectFrame = {
      reason: STATUS_CODES[plain.status] ?? '',
      requestId: frame.requestId,
      mediaType: frame.mediaType,
      length: bytes?.length ?? length,
      coding: bytes === null ? null : frame.coding,
      varies: true,
      keepSeconds: last ? null : this.#connections.keepSeconds,
    };
    const head = this.#answerHeads.print(plain, sent, Date.now());
    const text = bytes === null ? head + plain.body : head;
    connection.answer({ text, encoding: length === plain.body.length ? 'latin1' : 'utf8', bytes, last });
  }

  /** Sends an answer that has one form. */
  #tell(plain: PlainResponse, requestId: string, connection: DirectConnection): void {
    const { body, status } = plain;
    const [length, last] = [Buffer.byteLength(body), this.draining];
    const sent: DirectFrame = {
      ...{ reason: STATUS_CODES[status] ?? '', requestId, mediaType: 'application/json', length },
      ...{ coding: null, varies: false, keepSeconds: last ? null : this.#connections.keepSeconds },
    };
    const text = this.#answerHeads.print(plain, sent, Date.now()) + body;
    connection.answer({ text, encoding: length === body.length ? 'latin1' : 'utf8', bytes: null, last });
  }

  #parse(refusal: GatewayError | null, body: Buffer) {
    if (this.draining) return single(new GatewayError('SHUTTING_DOWN'));
    return refusal === null ? parseBody(body, this.#options.batching) : single(refusal);
  }
}

/** How heads of chats are read: their answers have one form, and go as they are. */
function chatHeads(options: ListenerOptions, { chatPath }: DirectDoor): DirectHeadOptions {
  return { ...options, path: chatPath, compression: false, defers: false, isOneForm: true };
}

/** How an answer goes to its client. */
interface Frame extends Pick<DirectHead, 'mediaType' | 'coding'> {
  readonly requestId: string;
  /** Whether the connection ends with it. */
  readonly last: boolean;
}

/** An answer and its length as it is, and its bytes where it is compressed. */
interface Encoded {
  readonly plain: PlainResponse;
  /** Units: bytes. */
  readonly length: number;
  readonly bytes: Buffer | null;
}

const BROKEN_OFF = single(new GatewayError('REQUEST_ABORTED'));

/** A connection here takes no streams, and none was offered. */
const NO_STREAMS: PlainResponse = plainBatch([]);

function plainAnswers(answers: Awaited<ReturnType<typeof answerAll>>): PlainResponse {
  if (isBatch(answers)) return plainBatch(answers);
  return isStream(answers) ? NO_STREAMS : plainResponse(answers);
}
