import { Buffer } from 'node:buffer';
import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { GatewayError } from '../../errors.ts';
import { atTurnEnd } from '../../turn-end.ts';
import { clientAddress } from '../client-address.ts';
import type { DirectHead } from './direct-head.ts';
import type { Framed } from './plain-head.ts';

/** What a connection is part of. */
export interface DirectLane<Head extends Framed = DirectHead> {
  /** What each request begins with that may be answered here. */
  readonly starts: readonly string[];
  /** Units: bytes. */
  readonly headerBytesMax: number;
  /** How long a kept connection waits for its next request. */
  readonly keepAliveMs: number;
  /** How long the rest of a request is waited for before Node's own server waits on. */
  readonly patienceMs: number;
  readonly answerTimeoutMs: number;
  /** Whether no connection is kept any more. */
  isDraining(): boolean;
  readHead(text: string): Head | null;
  /** Whether a request of which all has come is answered here. */
  takes(head: Head, body: Buffer): boolean;
  /** Takes over a connection with what was read of its next request. */
  handOver(socket: Socket, bytes: Buffer): void;
  /** Answers a request by `connection.answer`, once. Never rejects. */
  serve(request: DirectRequest<Head>, connection: DirectConnection<Head>): void;
  onGone(connection: DirectConnection<Head>): void;
}

/** A request that came whole; `body` is null where its sender left before all of it had come. */
export interface DirectRequest<Head extends Framed = DirectHead> {
  readonly head: Head;
  readonly body: Buffer | null;
}

/** An answer as it goes out. */
export interface DirectAnswer {
  /** Its head, and its body where that is text. */
  readonly text: string;
  readonly encoding: 'latin1' | 'utf8';
  /** Its body where that is compressed. */
  readonly bytes: Buffer | null;
  /** Whether the connection ends with it. */
  readonly last: boolean;
}

/** Between requests, with one that runs, or with an answer that the client has not taken yet. */
type Phase = 'idle' | 'running' | 'delivering';

const HEAD_END = '\r\n\r\n';
/** Bytes of further requests that are kept while one runs; reason: as many as the system gives at once. */
const PENDING_BYTES_MAX = 65_536;
/** Reads that are held apart until they are needed; reason: joined one by one, each costs as much as all that is held. */
const PIECES_MAX = 256;
const NOTHING = Buffer.alloc(0);
const PUSH: Socket['push'] = Readable.prototype.push;

/**
 * One connection of a client, for as long as all it sends are plain requests to the endpoint, one after the other.
 * Invariant: what is not understood to the last byte goes, unread, to Node's own server, with the connection and for good.
 */
export class DirectConnection<Head extends Framed = DirectHead> {
  readonly remoteAddress: string;
  readonly #socket: Socket;
  readonly #lane: DirectLane<Head>;
  readonly #gone = new AbortController();
  /** Fires when the client leaves while its request runs. */
  readonly signal: AbortSignal = this.#gone.signal;
  #head: Head | null = null;
  /** Of the head, the empty line that ends it included. */
  #headText = '';
  /** Read and not yet part of a request. */
  #pending: Buffer = NOTHING;
  /** Read since, and not yet joined to it. */
  #pieces: Buffer[] = [];
  #piecesBytes = 0;
  /** Bytes of a request whose head is read; 0 where its end is not known. */
  #wantedBytes = 0;
  #phase: Phase = 'idle';
  /** Goes out together with those of the same turn. */
  #answer: DirectAnswer | null = null;
  #ended = false;
  /** Units: milliseconds of the lane's clock; when whatever is waited for is late. */
  #untilMs: number;
  readonly #nowMs: () => number;

  constructor(socket: Socket, lane: DirectLane<Head>, nowMs: () => number) {
    this.#socket = socket;
    this.#lane = lane;
    this.#nowMs = nowMs;
    this.#untilMs = nowMs() + lane.patienceMs;
    this.remoteAddress = clientAddress(socket.remoteAddress ?? '');
    socket.push = this.#onPush;
    socket.on('data', this.#onData).on('end', this.#onEnd).on('close', this.#onClose);
    socket.on('error', this.#onError);
  }

  /** Sends the answer to the request that runs. */
  answer(answer: DirectAnswer): void {
    this.#answer = answer;
    atTurnEnd(this.#flush);
  }

  readonly #flush = (): void => {
    if (this.#answer === null || this.#ended) return;
    const { text, encoding, bytes, last } = this.#answer;
    this.#answer = null;
    const socket = this.#socket;
    if (bytes === null) socket.write(text, encoding);
    else {
      socket.cork();
      socket.write(text, encoding);
      socket.write(bytes);
      socket.uncork();
    }
    if (last) socket.end();
    if (!last && socket.writableLength === 0) this.#next();
    else {
      this.#phase = 'delivering';
      this.#waitFor(this.#lane.answerTimeoutMs);
      // Told behind all that waits; `drain` is told only of more than the stream likes to hold.
      if (!last) socket.write('', this.#onTaken);
    }
  };

  /** Ends it unless a request runs or arrives; the answer to that one is then the last. */
  drain(): void {
    if (this.#phase !== 'idle') return;
    if (this.#pending.length > 0) this.#handOver();
    else this.#socket.destroy();
  }

  cut(): void {
    this.#flush();
    this.#socket.destroy();
  }

  /** Called from time to time; ends what is late. */
  check(): void {
    if (this.#phase === 'running' || this.#nowMs() < this.#untilMs) return;
    // Of a request that has begun Node's server knows what to say, and a connection that has sent nothing is one.
    const waitsForClient = this.#pending.length > 0 || this.#headText === '';
    if (waitsForClient && this.#phase === 'idle') this.#handOver();
    else this.#socket.destroy();
  }

  /**
   * Takes what was read before the stream does, whose way with it costs as much as a stage. While the stream is held back or
   * holds something itself, and for the end, it is the stream's.
   */
  readonly #onPush: Socket['push'] = (chunk, encoding) => {
    const socket = this.#socket;
    const isOurs = Buffer.isBuffer(chunk) && !socket.isPaused() && socket.readableLength === 0;
    if (!isOurs) return PUSH.call(socket, chunk, encoding);
    this.#onData(chunk);
    return true;
  };

  readonly #onData = (chunk: Buffer): void => {
    if (this.#pending.length === 0) {
      this.#pending = chunk;
      if (this.#phase === 'idle') this.#waitFor(this.#lane.patienceMs);
    } else {
      this.#piecesBytes += chunk.length;
      if (this.#pieces.push(chunk) >= PIECES_MAX) this.#join();
    }
    const held = this.#pending.length + this.#piecesBytes;
    if (this.#phase !== 'idle') {
      if (held > PENDING_BYTES_MAX) this.#socket.pause();
    } else if (held >= this.#wantedBytes) this.#take();
  };

  readonly #onTaken = (): void => {
    if (this.#phase === 'delivering' && this.#socket.writable) this.#next();
  };

  readonly #onError = (): void => {
    this.#socket.destroy();
  };

  /** The client has sent its last byte: as with Node's server, nobody waits for an answer any more. */
  readonly #onEnd = (): void => {
    if (this.#ended) return;
    this.#ended = true;
    if (this.#phase !== 'idle') this.#gone.abort(new GatewayError('REQUEST_ABORTED'));
    else if (this.#head !== null && this.#pending.length > 0) this.#breakOff(this.#head);
    // Whoever does not take the rest of an answer either is cut off like all others.
    this.#phase = 'delivering';
    this.#waitFor(this.#lane.answerTimeoutMs);
    this.#socket.end();
  };

  readonly #onClose = (): void => {
    this.#onEnd();
    this.#lane.onGone(this);
  };

  /** All that is held, in one piece. */
  #join(): Buffer {
    if (this.#piecesBytes > 0) {
      this.#pending = Buffer.concat([this.#pending, ...this.#pieces]);
      [this.#pieces, this.#piecesBytes] = [[], 0];
    }
    return this.#pending;
  }

  /** A request of which only the head came leaves its trace, too. */
  #breakOff(head: Head): void {
    if (this.#join().indexOf(HEAD_END) >= 0) this.#lane.serve({ head, body: null }, this);
  }

  #next(): void {
    this.#phase = 'idle';
    if (this.#lane.isDraining()) {
      this.drain();
      return;
    }
    if (this.#pending.length === 0) this.#waitFor(this.#lane.keepAliveMs);
    else {
      this.#waitFor(this.#lane.patienceMs);
      this.#take();
    }
    this.#readOn();
  }

  /** What is held grows by a whole read each time: none where it is much already, unless a request is still without its end. */
  #readOn(): void {
    if (this.#ended || !this.#socket.isPaused()) return;
    const held = this.#pending.length + this.#piecesBytes;
    if (this.#phase === 'idle' || held <= PENDING_BYTES_MAX) this.#socket.resume();
  }

  /** Takes the next request from what was read, if all of it is there. */
  #take(): void {
    const bytes = this.#join();
    this.#wantedBytes = 0;
    if (!this.#readHead(bytes)) {
      this.#requireStart(bytes);
      return;
    }
    const head = this.#head;
    if (head === null) {
      this.#handOver();
      return;
    }
    const bodyStart = this.#headText.length;
    const bodyEnd = bodyStart + head.contentLength;
    if (bytes.length < bodyEnd) {
      this.#wantedBytes = bodyEnd;
      return;
    }
    const body = bytes.subarray(bodyStart, bodyEnd);
    if (!this.#lane.takes(head, body)) {
      this.#handOver();
      return;
    }
    this.#pending = bytes.length === bodyEnd ? NOTHING : bytes.subarray(bodyEnd);
    this.#phase = 'running';
    this.#lane.serve({ head, body }, this);
  }

  /** False where a head has not come to its end. One that is the same as that before is known without being looked through. */
  #readHead(bytes: Buffer): boolean {
    const known = this.#headText;
    if (known !== '' && bytes.toString('latin1', 0, known.length) === known) return true;
    const end = bytes.indexOf(HEAD_END);
    if (end < 0) return false;
    this.#headText = bytes.toString('latin1', 0, end + HEAD_END.length);
    this.#head = this.#lane.readHead(this.#headText.slice(0, end));
    return true;
  }

  /** What begins in another way is not waited for. */
  #requireStart(bytes: Buffer): void {
    const { starts, headerBytesMax } = this.#lane;
    const isBegun = starts.some((start) => start.startsWith(bytes.toString('latin1', 0, start.length)));
    if (!isBegun || bytes.length > headerBytesMax) this.#handOver();
  }

  #waitFor(ms: number): void {
    this.#untilMs = this.#nowMs() + ms;
  }

  #handOver(): void {
    const socket = this.#socket;
    this.#ended = true;
    socket.pause();
    socket.off('data', this.#onData).off('end', this.#onEnd).off('close', this.#onClose);
    socket.off('error', this.#onError);
    socket.push = PUSH;
    this.#lane.onGone(this);
    this.#lane.handOver(socket, this.#join());
    this.#pending = NOTHING;
  }
}
