import { Buffer } from 'node:buffer';
import type { OnReadOpts, Socket } from 'node:net';
import { atTurnEnd } from '../../turn-end.ts';
import type { HttpCall } from './http-call.ts';
import { ResponseHeads } from './response-head.ts';
import { AnswerTooLargeError, ResponseParser } from './response-parser.ts';

/** Bytes read at once; reason: as many as the system gives at once, so that almost every answer comes whole. */
const READ_BYTES = 65_536;

export interface ConnectionOwner {
  /** Largest body of an answer. */
  readonly bytesMax: number;
  /** Units: milliseconds since the epoch. */
  readonly now: () => number;
  /** Connects to the peer; what is read goes nowhere but to `onread`. */
  connect(onread: OnReadOpts): Socket;
  /** Takes a connection back that may wait so long for its next call. */
  onFree(connection: HttpConnection, reusableMs: number): void;
  /** Told of a connection that has been given an answer and waits for others. */
  onRoom(connection: HttpConnection): void;
  /** Told once of each connection that has ended. */
  onGone(connection: HttpConnection): void;
}

/**
 * One connection to a subgraph, with one call at a time or with several whose answers come in the order they were sent.
 * Invariant: after anything but whole and well-formed answers to what was sent it is closed, so that no call reads what another
 * was sent.
 */
export class HttpConnection {
  readonly #socket: Socket;
  readonly #owner: ConnectionOwner;
  readonly #heads = new ResponseHeads();
  /** Under way, the oldest first; null where the call has gone on elsewhere and its answer is still to come. */
  #calls: (HttpCall | null)[] = [];
  #parser: ResponseParser | null = null;
  #oldestSinceMs = 0;
  /** Requests that go out together with those of the same turn, and how many they are. */
  #unsent = '';
  #unsentCalls = 0;
  #gone = false;

  constructor(owner: ConnectionOwner) {
    this.#owner = owner;
    const callback = (bytes: number, buffer: Uint8Array): boolean => {
      this.#received(Buffer.from(buffer.buffer, buffer.byteOffset, bytes));
      return true;
    };
    // One buffer for all that is read: the parser keeps nothing of it.
    const onread = { buffer: Buffer.allocUnsafeSlow(READ_BYTES), callback };
    this.#socket = owner.connect(onread);
    this.#socket.on('end', () => this.#ended());
    this.#socket.on('error', (cause) => this.#close(cause));
    this.#socket.on('close', () => this.#close(null));
  }

  /** Calls under way. */
  get load(): number {
    return this.#calls.length;
  }

  /** Sends a call; only while there is room for it. */
  send(call: HttpCall): void {
    this.#calls.push(call);
    if (this.#calls.length === 1) this.#expectAnswer();
    call.heldBy((code) => this.#leave(code));
    this.#gather(call.request.bytes);
  }

  /** Takes off the calls that wait behind one which has not been answered since then. Units: milliseconds since the epoch. */
  takeStalled(sinceMs: number): readonly HttpCall[] {
    const [oldest = null, ...behind] = this.#calls;
    if (behind.length === 0 || this.#oldestSinceMs > sinceMs) return [];
    this.#flush();
    this.#calls = [oldest, ...behind.map(() => null)];
    // Of an answer that nobody waits for nobody would tell that it is late.
    if (!this.#isAwaited()) this.#close(null);
    return behind.filter((call) => call !== null && !call.isSettled) as HttpCall[];
  }

  close(cause: unknown): void {
    this.#close(cause);
  }

  #gather(request: string): void {
    if (this.#unsentCalls === 0) atTurnEnd(this.#flush);
    this.#unsent += request;
    this.#unsentCalls += 1;
  }

  readonly #flush = (): void => {
    if (this.#unsentCalls === 0 || this.#gone) return;
    this.#socket.write(this.#unsent, 'latin1');
    this.#unsent = '';
    this.#unsentCalls = 0;
  };

  /** A call that was cut off: where others are under way, its answer comes and is not read. */
  #leave(code: Parameters<HttpCall['cut']>[0]): void {
    if (code !== 'REQUEST_ABORTED' || !this.#isAwaited()) this.#close(null);
  }

  #isAwaited(): boolean {
    return this.#calls.some((call) => call !== null && !call.isSettled);
  }

  #expectAnswer(): void {
    this.#parser = new ResponseParser(this.#owner.bytesMax, this.#heads);
    this.#oldestSinceMs = this.#owner.now();
  }

  #received(chunk: Buffer): void {
    let bytes = chunk;
    do {
      const parser = this.#parser;
      // What comes unasked could be taken for the answer to the next call.
      const isAsked = parser !== null && this.#calls.length > this.#unsentCalls;
      const status = isAsked ? parser.push(bytes) : 'fault';
      if (status === 'more') return;
      if (status === 'fault' || parser === null) {
        this.#close(parser?.isTooLarge === true ? new AnswerTooLargeError() : null);
        return;
      }
      bytes = bytes.subarray(bytes.length - parser.surplusBytes);
      this.#answered(parser, bytes.length);
    } while (bytes.length > 0 && !this.#gone);
  }

  #ended(): void {
    const parser = this.#parser;
    if (parser?.end() === 'done') this.#answered(parser, 0);
    else this.#close(null);
  }

  #answered(parser: ResponseParser, surplusBytes: number): void {
    const call = this.#calls.shift() ?? null;
    const { reusableMs } = parser;
    this.#parser = null;
    if (reusableMs === null) this.#close(null);
    else if (this.#calls.length > 0) {
      if (this.#isAwaited()) {
        this.#expectAnswer();
        this.#owner.onRoom(this);
      } else this.#close(null);
    } else if (surplusBytes > 0) this.#close(null);
    else this.#owner.onFree(this, reusableMs);
    call?.answer(parser);
  }

  #close(cause: unknown): void {
    if (this.#gone) return;
    this.#gone = true;
    const [oldest, ...behind] = this.#calls;
    const status = this.#parser?.status ?? 0;
    this.#calls = [];
    this.#socket.destroy();
    this.#owner.onGone(this);
    oldest?.fail('DOWNSTREAM_SERVICE_ERROR', { status, cause });
    // Of these no answer had begun: they may be sent again.
    for (const call of behind) call?.fail('DOWNSTREAM_SERVICE_ERROR', { status: 0, cause });
  }
}
