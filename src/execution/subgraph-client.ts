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

/** A message with the time left for it. */
export interface TimedMessage extends SubgraphMessage {
  readonly timeoutMs: number;
}

/** Why a call has no answer. */
export interface SubgraphFailure {
  readonly kind: 'failure';
  /** HTTP status, or 0 where none came. */
  readonly status: number;
  readonly code:
    | 'DOWNSTREAM_SERVICE_ERROR'
    | 'SUBGRAPH_TIMEOUT'
    | 'SUBGRAPH_UNAVAILABLE'
    | 'SWITCHED_OFF'
    | 'REQUEST_ABORTED';
  readonly cause: unknown;
}

/** What takes the place of a call to a subgraph that is switched off. */
export const NOT_ASKED: SubgraphFailure = Object.freeze({
  ...{ kind: 'failure', status: 0, code: 'SWITCHED_OFF', cause: null },
});

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

  /** As `post`, with the answer's text as it came. */
  postText(
    subgraph: SubgraphEndpoint,
    message: SubgraphMessage,
    signal: AbortSignal,
  ): Promise<SubgraphText | SubgraphFailure> {
    return new Promise((resolve) => {
      const onAbort = (): void => cancel(isTimeout(signal) ? 'SUBGRAPH_TIMEOUT' : 'REQUEST_ABORTED');
      const cancel = this.start(subgraph, { ...message, timeoutMs: subgraph.timeoutMs }, (answer) => {
        signal.removeEventListener('abort', onAbort);
        resolve(answer);
      });
      if (signal.aborted) onAbort();
      else signal.addEventListener('abort', onAbort, { once: true });
    });
  }

  /** Starts a call and returns how to cut it off; `done` is told once, whatever happens. */
  start(
    subgraph: SubgraphEndpoint,
    message: TimedMessage,
    done: Done,
  ): (code: SubgraphFailure['code']) => void {
    const { origin, path } = locationOf(subgraph);
    const exchange = new Exchange({ timeoutMs: message.timeoutMs, bytesMax: this.#responseBytesMax, done });
    // Undici takes the headers without copying and does not write to them.
    const headers = message.headers as Record<string, string>;
    try {
      this.#agent.dispatch({ origin, path, method: 'POST', headers, body: message.body }, exchange);
    } catch (cause) {
      exchange.onResponseError(null, cause);
    }
    return (code) => exchange.cut(code);
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

interface Location {
  readonly origin: string;
  readonly path: string;
}

/** Parsed URLs by endpoint: endpoints live as long as their graph. */
const locations = new WeakMap<SubgraphEndpoint, Location>();

function locationOf(subgraph: SubgraphEndpoint): Location {
  const known = locations.get(subgraph);
  if (known !== undefined) return known;
  const { origin, pathname, search } = new URL(subgraph.url);
  const location = { origin, path: pathname + search };
  locations.set(subgraph, location);
  return location;
}

function isTimeout(signal: AbortSignal): boolean {
  return signal.reason instanceof DOMException && signal.reason.name === 'TimeoutError';
}

/** Told what came of a call. */
export type Done = (answer: SubgraphText | SubgraphFailure) => void;

interface ExchangeOptions {
  readonly timeoutMs: number;
  readonly bytesMax: number;
  readonly done: Done;
}

/** One request and its answer: settles once, by whichever comes first of end, fault, size, time and being cut off. */
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
    this.#timer = setTimeout(() => this.cut('SUBGRAPH_TIMEOUT'), Math.max(options.timeoutMs, 0));
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
    if (this.#bytes > this.#options.bytesMax) this.cut('DOWNSTREAM_SERVICE_ERROR');
    else this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    const [first] = this.#chunks;
    const bytes = this.#chunks.length === 1 && first !== undefined ? first : Buffer.concat(this.#chunks);
    this.#settle({ kind: 'text', status: this.#status, text: bytes.toString('utf8') });
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, cause: unknown): void {
    this.#settle({ kind: 'failure', status: this.#status, code: 'DOWNSTREAM_SERVICE_ERROR', cause });
  }

  /** Ends the call from this side. */
  cut(code: SubgraphFailure['code']): void {
    if (this.#settled) return;
    this.#settle({ kind: 'failure', status: this.#status, code, cause: null });
    this.#controller?.abort(new Error('The call was cut off.'));
  }

  #settle(answer: SubgraphText | SubgraphFailure): void {
    if (this.#settled) return;
    this.#settled = true;
    clearTimeout(this.#timer);
    this.#options.done(answer);
  }
}
