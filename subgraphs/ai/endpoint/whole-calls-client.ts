import { connect as connectPlain, isIP, type LookupFunction, type OnReadOpts, type Socket } from 'node:net';
import { connect as connectSecure } from 'node:tls';
import { Deadlines } from '../../../src/deadlines.ts';
import { HttpCall } from '../../../src/execution/http/http-call.ts';
import { HttpPool } from '../../../src/execution/http/http-pool.ts';
import { type HttpTarget, printFields } from '../../../src/execution/http/request-head.ts';
import { AnswerTooLargeError } from '../../../src/execution/http/response-parser.ts';
import { readFieldLine } from '../../../src/field-line.ts';
import { NotSentError } from '../routing/sent-mark.ts';
import {
  ANSWER_BYTES_MAX,
  type ResponseHead,
  ResponseTooLargeError,
  WholeResponse,
} from './provider-response.ts';

/** Where a request goes that may go there. */
export interface CallPlace {
  readonly origin: string;
  readonly path: string;
}

/** What is sent, as texts. */
export interface WholeRequest {
  readonly fields: Readonly<Record<string, string>>;
  readonly body: string;
  readonly signal: AbortSignal | null;
}

/** What each request says where it says nothing else. */
export const DEFAULT_FIELDS = Object.freeze({ accept: '*/*', 'accept-encoding': 'identity' });

/** What would send a key to another host. Source: Fetch, "redirect status". */
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
/** Names of no encoding; `none` is what servers say that keep proxies from encoding. */
const UNENCODED: ReadonlySet<string> = new Set(['identity', 'none', '']);
/** How long a connection may take to be made, its keys agreed. */
const CONNECT_TIMEOUT_MS = 10_000;
const HAS_CODING = /\r\ncontent-encoding:/iu;
const STATUS_TEXT = /^HTTP\/1\.[01] [0-9]{3} ?([^\r]*)/u;

/** No connection was made in time, and so nothing was sent. */
class ConnectTimeoutError extends Error {
  override readonly name = 'ConnectTimeoutError';
  readonly code = 'CONNECT_TIMEOUT';
}

interface CallsOptions {
  /** Judges each address that is connected to. */
  readonly lookup: LookupFunction;
  /** To one origin. */
  readonly connectionsMax: number;
  /** Units: milliseconds. */
  readonly now: () => number;
}

/**
 * Posts texts and takes answers as a whole, over kept connections of our own client, whose parser is strict. What goes wrong has the forms
 * that `fetch` gives it. Follows no redirect, takes no encoding, bounds the answer.
 */
export class WholeCalls {
  readonly #options: CallsOptions;
  readonly #deadlines: Deadlines;
  /** By origin; as many as addresses that are configured. */
  readonly #pools = new Map<string, HttpPool>();
  readonly #targets = new WeakMap<CallPlace, HttpTarget>();
  /** A model is asked with the same fields each time. */
  readonly #printed = new WeakMap<WholeRequest['fields'], string>();

  constructor(options: CallsOptions) {
    this.#options = options;
    this.#deadlines = new Deadlines(options.now);
  }

  /**
   * Null where a field is one that this client does not send. Throws: ResponseTooLargeError, the reason of the signal, and TypeError with its
   * cause, as `fetch` does.
   */
  post(place: CallPlace, request: WholeRequest): Promise<WholeResponse> | null {
    const printed = this.#fieldsOf(request.fields);
    return printed === null ? null : this.#post(place, printed, request);
  }

  close(): void {
    for (const pool of this.#pools.values()) pool.close();
  }

  #post(place: CallPlace, printed: string, { body, signal }: WholeRequest): Promise<WholeResponse> {
    const target = this.#targetOf(place);
    const length = Buffer.byteLength(body);
    // What is ASCII is its own bytes.
    const encoded = length === body.length ? body : Buffer.from(body).toString('latin1');
    const bytes = `${target.start}${printed}content-length: ${length}\r\n\r\n${encoded}`;
    return new Promise((resolve, reject) => {
      const onAbort = (): void => call.cut('REQUEST_ABORTED');
      const sent = { bytes, untilMs: Number.POSITIVE_INFINITY, pipelining: 1 };
      const call: HttpCall = new HttpCall(sent, {
        deadlines: this.#deadlines,
        done: (answer) => {
          signal?.removeEventListener('abort', onAbort);
          if (answer.kind === 'failure') {
            reject(signal?.aborted === true ? signal.reason : faultOf(answer));
            return;
          }
          const unusable = unusableIn(call.head, answer.status);
          if (unusable === null) resolve(responseOf(call.head, answer));
          else reject(failed(unusable));
        },
      });
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#poolOf(target).start(call);
    });
  }

  #fieldsOf(fields: WholeRequest['fields']): string | null {
    const known = this.#printed.get(fields);
    if (known !== undefined) return known;
    const printed = printFields({ ...DEFAULT_FIELDS, ...fields });
    if (printed !== null) this.#printed.set(fields, printed);
    return printed;
  }

  #targetOf(place: CallPlace): HttpTarget {
    const known = this.#targets.get(place);
    if (known !== undefined) return known;
    const { host, hostname, port, protocol } = new URL(place.origin);
    const target = {
      authority: place.origin,
      host: hostname.replace(/^\[(.*)\]$/u, '$1'),
      port: port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port),
      start: `POST ${place.path} HTTP/1.1\r\nhost: ${host}\r\n`,
    };
    this.#targets.set(place, target);
    return target;
  }

  #poolOf(target: HttpTarget): HttpPool {
    const known = this.#pools.get(target.authority);
    if (known !== undefined) return known;
    const { connectionsMax, now } = this.#options;
    const connect = (to: HttpTarget, onread: OnReadOpts): Socket => this.#connect(to, onread);
    const pool = new HttpPool(target, { bytesMax: ANSWER_BYTES_MAX, connectionsMax, now, connect });
    this.#pools.set(target.authority, pool);
    return pool;
  }

  #connect({ authority, host, port }: HttpTarget, onread: OnReadOpts): Socket {
    const { lookup } = this.#options;
    const isSecure = authority.startsWith('https:');
    const options = { host, port, lookup, noDelay: true, onread };
    // An address has no name that a certificate could be asked for by.
    const secure = { ALPNProtocols: ['http/1.1'], ...(isIP(host) === 0 ? { servername: host } : {}) };
    const socket = isSecure ? connectSecure({ ...options, ...secure }) : connectPlain(options);
    socket.setTimeout(CONNECT_TIMEOUT_MS, () => socket.destroy(new ConnectTimeoutError('no connection')));
    socket.once(isSecure ? 'secureConnect' : 'connect', () => socket.setTimeout(0));
    return socket;
  }
}

type Failure = Extract<Parameters<ConstructorParameters<typeof HttpCall>[1]['done']>[0], { kind: 'failure' }>;

/** As `fetch` has it: before the answer it failed, in its midst it was terminated. */
function faultOf({ code, status, cause }: Failure): Error {
  if (cause instanceof AnswerTooLargeError) return new ResponseTooLargeError('The answer is too large.');
  if (code === 'SUBGRAPH_UNAVAILABLE') return failed(new NotSentError('Too many calls wait.'));
  const known = cause instanceof Error ? cause : new Error('The connection ended.');
  return status > 0 ? new TypeError('terminated', { cause: known }) : failed(known);
}

function failed(cause: Error): TypeError {
  return new TypeError('fetch failed', { cause });
}

function responseOf(head: string, { status, text }: { readonly status: number; readonly text: string }) {
  let fields: ReadonlyMap<string, string> | null = null;
  const all = (): ReadonlyMap<string, string> => {
    fields ??= fieldsIn(head);
    return fields;
  };
  const headers: ResponseHead['headers'] = {
    get: (name) => all().get(name.toLowerCase()) ?? null,
    [Symbol.iterator]: () => all()[Symbol.iterator](),
  };
  const statusText = STATUS_TEXT.exec(head)?.[1] ?? '';
  return new WholeResponse({ status, statusText, headers }, text);
}

/** The lines of a head that was read without a fault. */
function fieldsIn(head: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (const line of head.split('\r\n').slice(1)) {
    const field = readFieldLine(line);
    if (field === null) continue;
    const before = fields.get(field.name);
    fields.set(field.name, before === undefined ? field.value : `${before}, ${field.value}`);
  }
  return fields;
}

/** Why an answer is not taken; null where it is. */
function unusableIn(head: string, status: number): Error | null {
  if (REDIRECTS.has(status)) return new Error('a redirect is not followed');
  const coding = HAS_CODING.test(head) ? (fieldsIn(head).get('content-encoding') ?? '') : '';
  return UNENCODED.has(coding.toLowerCase()) ? null : new Error('the answer is encoded');
}
