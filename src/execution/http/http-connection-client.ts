import { connect, type Socket } from 'node:net';
import type { HttpCall } from './http-call.ts';
import type { HttpTarget } from './request-head.ts';
import { type ParserStatus, ResponseParser } from './response-parser.ts';

/** Bytes read at once; reason: as many as the system gives at once, so that almost every answer comes whole. */
const READ_BYTES = 65_536;

export interface ConnectionOwner {
  /** Largest body of an answer. */
  readonly bytesMax: number;
  /** Takes a connection back that may wait so long for its next call. */
  onFree(connection: HttpConnection, reusableMs: number): void;
  /** Told once of each connection that has ended. */
  onGone(connection: HttpConnection): void;
}

/**
 * One connection to a subgraph with one call at a time.
 * Invariant: after anything but a whole and well-formed answer it is closed, so that no call reads what another was sent.
 */
export class HttpConnection {
  readonly #socket: Socket;
  readonly #owner: ConnectionOwner;
  #call: HttpCall | null = null;
  #parser: ResponseParser | null = null;
  #gone = false;

  constructor({ host, port }: HttpTarget, owner: ConnectionOwner) {
    this.#owner = owner;
    const callback = (bytes: number, buffer: Uint8Array): boolean => {
      this.#received(Buffer.from(buffer.buffer, buffer.byteOffset, bytes));
      return true;
    };
    // One buffer for all that is read: the parser keeps nothing of it.
    const onread = { buffer: Buffer.allocUnsafeSlow(READ_BYTES), callback };
    this.#socket = connect({ host, port, noDelay: true, onread });
    this.#socket.on('end', () => this.#ended());
    this.#socket.on('error', (cause) => this.#close(cause));
    this.#socket.on('close', () => this.#close(null));
  }

  /** Sends a call; only while no other is under way. */
  send(call: HttpCall): void {
    this.#call = call;
    this.#parser = new ResponseParser(this.#owner.bytesMax);
    call.heldBy(() => this.#close(null));
    const { head, body, plain } = call.request;
    if (plain) {
      this.#socket.write(head + body, 'latin1');
      return;
    }
    this.#socket.cork();
    this.#socket.write(head, 'latin1');
    this.#socket.write(body, 'utf8');
    this.#socket.uncork();
  }

  close(cause: unknown): void {
    this.#close(cause);
  }

  #received(bytes: Buffer): void {
    // What comes unasked could be taken for the answer to the next call.
    if (this.#parser === null) this.#close(null);
    else this.#take(this.#parser, this.#parser.push(bytes));
  }

  #ended(): void {
    if (this.#parser === null) this.#close(null);
    else this.#take(this.#parser, this.#parser.end());
  }

  #take(parser: ResponseParser, status: ParserStatus): void {
    if (status === 'more') return;
    if (status === 'fault') {
      this.#close(null);
      return;
    }
    const call = this.#call;
    this.#call = null;
    this.#parser = null;
    const { reusableMs } = parser;
    if (reusableMs === null) this.#close(null);
    else this.#owner.onFree(this, reusableMs);
    call?.answer(parser.status, parser.text);
  }

  #close(cause: unknown): void {
    if (this.#gone) return;
    this.#gone = true;
    const call = this.#call;
    const status = this.#parser?.status ?? 0;
    this.#call = null;
    this.#socket.destroy();
    this.#owner.onGone(this);
    call?.fail('DOWNSTREAM_SERVICE_ERROR', { status, cause });
  }
}
