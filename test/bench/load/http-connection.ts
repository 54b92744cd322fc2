import { connect, type Socket } from 'node:net';

/** Where requests go. */
export interface Target {
  readonly host: string;
  readonly port: number;
}

type OnAnswer = (status: number, bodyBytes: number) => void;

const HEADER_END = Buffer.from('\r\n\r\n');
const CHUNKED_END = Buffer.from('0\r\n\r\n');

/** One kept connection with one request at a time, as lean as an HTTP/1.1 client can be. */
export class HttpConnection {
  readonly #socket: Socket;
  #onAnswer: OnAnswer = () => undefined;
  #pending: Buffer = Buffer.alloc(0);

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.#received(chunk));
  }

  static open(target: Target, onFault: (fault: Error) => void): Promise<HttpConnection> {
    return new Promise((resolve) => {
      const socket = connect(target.port, target.host, () => resolve(new HttpConnection(socket)));
      socket.on('error', onFault);
      socket.on('end', () => onFault(new Error('the gateway closed a connection')));
    });
  }

  send(bytes: string, onAnswer: OnAnswer): void {
    this.#onAnswer = onAnswer;
    this.#socket.write(bytes, 'latin1');
  }

  close(): void {
    this.#socket.removeAllListeners('end').destroy();
  }

  #received(chunk: Buffer): void {
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    const bytes = this.#pending;
    const headEnd = bytes.indexOf(HEADER_END);
    if (headEnd < 0) return;
    const head = bytes.toString('latin1', 0, headEnd).toLowerCase();
    const bodyStart = headEnd + HEADER_END.length;
    const bodyBytes = bodyLength(head, bytes.subarray(bodyStart));
    if (bodyBytes === null) return;
    this.#pending = Buffer.alloc(0);
    this.#onAnswer(Number(head.slice(9, 12)), bodyBytes);
  }
}

/** Bytes of a complete body, chunk framing included; null while there is more to come. */
function bodyLength(head: string, body: Buffer): number | null {
  const declared = /\r\ncontent-length: *(\d+)/.exec(head);
  if (declared !== null) return body.length >= Number(declared[1]) ? Number(declared[1]) : null;
  const ended = body.length >= CHUNKED_END.length && body.subarray(-CHUNKED_END.length).equals(CHUNKED_END);
  return ended ? body.length : null;
}
