import { Agent, type Dispatcher } from 'undici';

export interface SubgraphEndpoint {
  readonly name: string;
  readonly url: string;
  readonly timeoutMs: number;
}

export interface SubgraphClientOptions {
  /** Largest answer of a subgraph. */
  readonly responseBytesMax: number;
  /** Connections to one subgraph. */
  readonly connectionsMax: number;
}

export interface SubgraphMessage {
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Why a call has no answer. */
export interface SubgraphFailure {
  readonly kind: 'failure';
  /** HTTP status, or 0 where none came. */
  readonly status: number;
  readonly code: 'DOWNSTREAM_SERVICE_ERROR' | 'SUBGRAPH_TIMEOUT' | 'REQUEST_ABORTED';
  readonly cause: unknown;
}

/** An answer as it came, not yet understood. */
export interface SubgraphText {
  readonly kind: 'text';
  readonly status: number;
  readonly text: string;
}

/** What came of one call: an answer that is a JSON object, or why there is none. */
export type SubgraphAnswer =
  | { readonly kind: 'answer'; readonly status: number; readonly body: Readonly<Record<string, unknown>> }
  | SubgraphFailure;

/** Posts GraphQL requests to subgraphs over kept connections; follows no redirect, bounds time and size. */
export class SubgraphClient {
  readonly #agent: Agent;
  readonly #responseBytesMax: number;

  constructor({ responseBytesMax, connectionsMax }: SubgraphClientOptions) {
    this.#agent = new Agent({ connections: connectionsMax, pipelining: 1 });
    this.#responseBytesMax = responseBytesMax;
  }

  /** Never rejects: what goes wrong is a failure with its code. */
  async post(
    subgraph: SubgraphEndpoint,
    message: SubgraphMessage,
    signal: AbortSignal,
  ): Promise<SubgraphAnswer> {
    return understand(await this.postText(subgraph, message, signal));
  }

  /** As `post`, with the answer's text as it came, so that several callers can each make their own object of it. */
  postText(
    subgraph: SubgraphEndpoint,
    message: SubgraphMessage,
    signal: AbortSignal,
  ): Promise<SubgraphText | SubgraphFailure> {
    const { promise, resolve } = Promise.withResolvers<SubgraphText | SubgraphFailure>();
    const { origin, pathname, search } = locationOf(subgraph);
    const exchange = new Exchange({
      signal,
      resolve,
      timeoutMs: subgraph.timeoutMs,
      bytesMax: this.#responseBytesMax,
    });
    // Undici takes the headers without copying and does not write to them.
    const headers = message.headers as Record<string, string>;
    try {
      this.#agent.dispatch(
        { origin, path: pathname + search, method: 'POST', headers, body: message.body },
        exchange,
      );
    } catch (cause) {
      exchange.onResponseError(null, cause);
    }
    return promise;
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }
}

/** Reads an answer's text as the JSON object that GraphQL over HTTP promises. */
export function understand(answer: SubgraphText | SubgraphFailure): SubgraphAnswer {
  if (answer.kind === 'failure') return answer;
  try {
    const body: unknown = JSON.parse(answer.text);
    if (typeof body === 'object' && body !== null && !Array.isArray(body)) {
      return { kind: 'answer', status: answer.status, body: body as Record<string, unknown> };
    }
    return { kind: 'failure', status: answer.status, code: 'DOWNSTREAM_SERVICE_ERROR', cause: null };
  } catch (cause) {
    return { kind: 'failure', status: answer.status, code: 'DOWNSTREAM_SERVICE_ERROR', cause };
  }
}

/** URLs by endpoint: endpoints live as long as their graph. */
const locations = new WeakMap<SubgraphEndpoint, URL>();

function locationOf(subgraph: SubgraphEndpoint): URL {
  const known = locations.get(subgraph);
  if (known !== undefined) return known;
  const location = new URL(subgraph.url);
  locations.set(subgraph, location);
  return location;
}

interface ExchangeOptions {
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
  readonly bytesMax: number;
  readonly resolve: (answer: SubgraphText | SubgraphFailure) => void;
}

/** One request and its answer: settles once, by whichever comes first of end, fault, size, time and the caller leaving. */
class Exchange implements Dispatcher.DispatchHandler {
  readonly #options: ExchangeOptions;
  readonly #chunks: Buffer[] = [];
  readonly #timer: NodeJS.Timeout;
  #controller: Dispatcher.DispatchController | null = null;
  #bytes = 0;
  #status = 0;
  #settled = false;

  constructor(options: ExchangeOptions) {
    this.#options = options;
    this.#timer = setTimeout(() => this.#cut('SUBGRAPH_TIMEOUT'), options.timeoutMs);
    if (options.signal.aborted) this.#onAbort();
    else options.signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#settled) controller.abort(new Error('The call ended before it was sent.'));
  }

  onResponseStart(_controller: Dispatcher.DispatchController, statusCode: number): void {
    this.#status = statusCode;
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#bytes > this.#options.bytesMax) this.#cut('DOWNSTREAM_SERVICE_ERROR');
    else this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    const [first] = this.#chunks;
    const bytes = this.#chunks.length === 1 && first !== undefined ? first : Buffer.concat(this.#chunks);
    this.#settle({ kind: 'text', status: this.#status, text: bytes.toString('utf8') });
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, cause: unknown): void {
    this.#settle({ kind: 'failure', status: 0, code: 'DOWNSTREAM_SERVICE_ERROR', cause });
  }

  readonly #onAbort = (): void => {
    const { reason } = this.#options.signal;
    this.#cut(
      reason instanceof DOMException && reason.name === 'TimeoutError'
        ? 'SUBGRAPH_TIMEOUT'
        : 'REQUEST_ABORTED',
    );
  };

  #cut(code: SubgraphFailure['code']): void {
    if (this.#settled) return;
    this.#settle({ kind: 'failure', status: this.#status, code, cause: null });
    this.#controller?.abort(new Error('The call was cut off.'));
  }

  #settle(answer: SubgraphText | SubgraphFailure): void {
    if (this.#settled) return;
    this.#settled = true;
    clearTimeout(this.#timer);
    this.#options.signal.removeEventListener('abort', this.#onAbort);
    this.#options.resolve(answer);
  }
}
