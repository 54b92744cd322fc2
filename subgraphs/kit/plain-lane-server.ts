import { type Server, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { printFields } from '../../src/execution/http/request-head.ts';
import type {
  DirectConnection,
  DirectLane,
  DirectRequest,
} from '../../src/listener/direct/direct-connection-server.ts';
import { DirectConnections } from '../../src/listener/direct/direct-connections-server.ts';
import { directStart, type PlainHead, readPlainHead } from '../../src/listener/direct/plain-head.ts';
import { ASSERTION_HEADER } from './assertion.ts';
import { isJson } from './http-body.ts';
import { refusalOf, type WholeAnswer } from './whole-answer.ts';

function typeOf(type: string): WholeAnswer['headers'] {
  return Object.freeze({ 'content-type': type });
}

/** What is answered to those who say what they accept as gateways do, or say nothing; by the others' wishes Apollo Server finds the type. */
export const USUAL_TYPES: ReadonlyMap<string | undefined, WholeAnswer['headers']> = new Map([
  [
    'application/graphql-response+json, application/json',
    typeOf('application/graphql-response+json; charset=utf-8'),
  ],
  ['application/json', typeOf('application/json; charset=utf-8')],
  [undefined, typeOf('application/json; charset=utf-8')],
]);

/** A request that came as a whole, with one assertion that nobody has verified yet. */
export interface PlainRequest {
  readonly headers: PlainHead['headers'];
  readonly body: Buffer;
}

interface PlainLaneOptions {
  /** How long a client may take to take an answer. */
  readonly answerTimeoutMs: number;
  /** Of a clock that never goes back. Units: milliseconds. */
  readonly nowMs: () => number;
  /** Units: milliseconds since the epoch. */
  readonly dateMs: () => number;
  /** Never rejects. */
  readonly answer: (request: PlainRequest) => Promise<WholeAnswer>;
}

/** Where gateways send operations. */
const PATH = '/graphql';
/** As Node's own. */
const HEADER_BYTES_MAX = 16_384;
/** What is held before its assertion is verified; larger bodies are read by Node's server, after it. Reason: most are far smaller. */
const BODY_BYTES_MAX = 262_144;
/** Time for the rest of a request; reason: what is in flight comes within it, and beyond it Node's server has its own. */
const PATIENCE_MS = 500;

/** Answers what gateways send over and over past Node's server, which costs as much as executing it. All else is Node's. */
export class PlainLane implements DirectLane<PlainHead> {
  readonly starts: readonly string[] = [directStart(PATH)];
  readonly headerBytesMax = HEADER_BYTES_MAX;
  readonly patienceMs = PATIENCE_MS;
  readonly answerTimeoutMs: number;
  readonly #options: PlainLaneOptions;
  readonly #connections = new DirectConnections<PlainHead>();
  #isDraining = false;
  #second = 0;
  #end = '';

  constructor(options: PlainLaneOptions) {
    this.#options = options;
    this.answerTimeoutMs = options.answerTimeoutMs;
  }

  get keepAliveMs(): number {
    return this.#connections.keepAliveMs;
  }

  /** Stands before a server that was just made: connections come here first. */
  attach(server: Server): void {
    this.#connections.attach(server, this, this.#options.nowMs);
  }

  /** Ends each connection, with its answer where a request runs. */
  drain(): void {
    this.#isDraining = true;
    this.#connections.drain();
  }

  cut(): void {
    this.#connections.cut();
  }

  isDraining(): boolean {
    return this.#isDraining;
  }

  readHead(text: string): PlainHead | null {
    const bounds = { path: PATH, headerBytesMax: HEADER_BYTES_MAX, bodyBytesMax: BODY_BYTES_MAX };
    const head = readPlainHead(text, bounds);
    if (head === null) return null;
    const { accept, 'content-type': type, [ASSERTION_HEADER]: assertion } = head.headers;
    return assertion !== undefined && USUAL_TYPES.has(accept) && isJson(type) ? head : null;
  }

  takes(): boolean {
    return true;
  }

  handOver(socket: Socket, bytes: Buffer): void {
    this.#connections.handOver(socket, bytes);
  }

  serve({ head, body }: DirectRequest<PlainHead>, connection: DirectConnection<PlainHead>): void {
    // Its sender left before all of it had come.
    if (body === null) return;
    const { headers } = head;
    void this.#options.answer({ headers, body }).then((answer) => this.#tell(answer, connection));
  }

  onGone(connection: DirectConnection<PlainHead>): void {
    this.#connections.forget(connection);
  }

  #tell(answer: WholeAnswer, connection: DirectConnection<PlainHead>): void {
    const fields = fieldsOf(answer.headers);
    // As Node's server would refuse to send it.
    const { status, text } = fields === null ? UNSENDABLE : answer;
    const last = this.#isDraining;
    const length = Buffer.byteLength(text);
    const end = last ? 'connection: close\r\n\r\n' : this.#endOf();
    const head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${fields ?? ''}content-length: ${length}\r\n${end}`;
    const encoding = length === text.length ? 'latin1' : 'utf8';
    connection.answer({ text: head + text, encoding, bytes: null, last });
  }

  /** How the head ends of an answer on a connection that is kept, printed once in a second. */
  #endOf(): string {
    const nowMs = this.#options.dateMs();
    const second = Math.floor(nowMs / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#end = `date: ${new Date(nowMs).toUTCString()}\r\nconnection: keep-alive\r\nkeep-alive: timeout=${this.#connections.keepSeconds}\r\n\r\n`;
    }
    return this.#end;
  }
}

const UNSENDABLE = refusalOf(new TypeError('A header field cannot be sent.'));
/** Printed fields: those of usual answers are few objects. */
const printed = new WeakMap<WholeAnswer['headers'], string | null>();

/** Null where one of them cannot be sent, or would frame the answer in another way. */
function fieldsOf(headers: WholeAnswer['headers']): string | null {
  const known = printed.get(headers);
  if (known !== undefined) return known;
  const fields = printFields(headers);
  printed.set(headers, fields);
  return fields;
}
