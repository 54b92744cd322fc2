import { Buffer } from 'node:buffer';
import { Agent } from 'undici';
import { Deadlines } from '../deadlines.ts';
import type { HostConnections } from './executor.ts';
import { HttpCall } from './http/http-call.ts';
import { HttpPool } from './http/http-pool.ts';
import { type HttpTarget, httpTargetOf, printFields } from './http/request-head.ts';
import {
  type Done,
  type RunningCall,
  type SubgraphAnswer,
  type SubgraphFailure,
  type SubgraphText,
  understand,
} from './subgraph-answer.ts';
import { UndiciCall } from './undici-call-client.ts';

export interface SubgraphEndpoint {
  readonly name: string;
  readonly url: string;
  readonly timeoutMs: number;
  /** Queries that may be under way on one connection at once; absent where only one. */
  readonly pipelining?: number;
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

/** A message with the end of the time there is for it. Units: milliseconds since the epoch. */
export interface TimedMessage extends SubgraphMessage {
  readonly untilMs: number;
  /** Whether sending it twice does no harm; absent where it might. */
  readonly repeatable?: boolean;
}

/**
 * Posts GraphQL requests to subgraphs over kept connections; follows no redirect, bounds time and size.
 * Plain HTTP goes by our own client, which costs a third of undici; anything else goes by undici.
 */
export class SubgraphClient {
  readonly #options: SubgraphClientOptions;
  readonly #now: () => number;
  readonly #deadlines: Deadlines;
  readonly #pools = new Map<string, HttpPool>();
  readonly #agent: Agent;

  /** `now` in milliseconds since the epoch. */
  constructor(options: SubgraphClientOptions, now: () => number) {
    this.#options = options;
    this.#now = now;
    this.#deadlines = new Deadlines(now);
    this.#agent = new Agent({ connections: options.connectionsMax, pipelining: 1 });
  }

  /** Never rejects: what goes wrong is a failure with its code. */
  async post(
    subgraph: SubgraphEndpoint,
    message: SubgraphMessage,
    signal: AbortSignal,
  ): Promise<SubgraphAnswer> {
    return understand(await this.#postText(subgraph, message, signal));
  }

  /** Starts a call; `done` is told once, whatever happens. */
  start(subgraph: SubgraphEndpoint, message: TimedMessage, done: Done): RunningCall {
    const location = locationOf(subgraph);
    return location.http === null
      ? this.#startUndici(location, message, done)
      : this.#startHttp({ subgraph, target: location.http }, message, done);
  }

  /** Connections over plain HTTP; those of undici are its own. */
  connections(): readonly HostConnections[] {
    return [...this.#pools].map(([host, { counts }]) => ({ host, ...counts }));
  }

  async close(): Promise<void> {
    for (const pool of this.#pools.values()) pool.close();
    await this.#agent.destroy();
  }

  #postText(
    subgraph: SubgraphEndpoint,
    { body, headers }: SubgraphMessage,
    signal: AbortSignal,
  ): Promise<SubgraphText | SubgraphFailure> {
    return new Promise((resolve) => {
      const onAbort = (): void => call.cut(isTimeout(signal) ? 'SUBGRAPH_TIMEOUT' : 'REQUEST_ABORTED');
      const untilMs = this.#now() + subgraph.timeoutMs;
      const call = this.start(subgraph, { body, headers, untilMs }, (answer) => {
        signal.removeEventListener('abort', onAbort);
        resolve(answer);
      });
      if (signal.aborted) onAbort();
      else signal.addEventListener('abort', onAbort, { once: true });
    });
  }

  #startHttp(
    { subgraph, target }: { readonly subgraph: SubgraphEndpoint; readonly target: HttpTarget },
    { headers, body, untilMs, repeatable = false }: TimedMessage,
    done: Done,
  ): RunningCall {
    const fields = fieldsOf(headers);
    const bytes = Buffer.byteLength(body);
    const head = `${target.start}${fields}content-length: ${bytes}\r\n\r\n`;
    const pipelining = repeatable ? (subgraph.pipelining ?? 1) : 1;
    // What is ASCII is its own bytes; written as one text, it goes out with the others of the turn.
    const encoded = bytes === body.length ? body : Buffer.from(body).toString('latin1');
    const request = { bytes: head + encoded, untilMs, pipelining };
    const call = new HttpCall(request, { deadlines: this.#deadlines, done });
    if (fields === null) {
      call.fail('DOWNSTREAM_SERVICE_ERROR', { status: 0, cause: new Error('A header cannot be sent.') });
    } else this.#poolOf(target).start(call);
    return call;
  }

  #poolOf(target: HttpTarget): HttpPool {
    const known = this.#pools.get(target.authority);
    if (known !== undefined) return known;
    const { connectionsMax, responseBytesMax } = this.#options;
    const pool = new HttpPool(target, { bytesMax: responseBytesMax, connectionsMax, now: this.#now });
    this.#pools.set(target.authority, pool);
    return pool;
  }

  #startUndici({ origin, path }: Location, message: TimedMessage, done: Done): RunningCall {
    const { responseBytesMax: bytesMax } = this.#options;
    const call = new UndiciCall({ untilMs: message.untilMs, bytesMax, deadlines: this.#deadlines, done });
    // Undici takes the headers without copying and does not write to them.
    const headers = message.headers as Record<string, string>;
    try {
      this.#agent.dispatch({ origin, path, method: 'POST', headers, body: message.body }, call);
    } catch (cause) {
      call.onResponseError(null, cause);
    }
    return call;
  }
}

interface Location {
  readonly origin: string;
  readonly path: string;
  /** Null where it is no plain HTTP. */
  readonly http: HttpTarget | null;
}

/** Parsed URLs by endpoint: endpoints live as long as their graph. */
const locations = new WeakMap<SubgraphEndpoint, Location>();

function locationOf(subgraph: SubgraphEndpoint): Location {
  const known = locations.get(subgraph);
  if (known !== undefined) return known;
  const { origin, pathname, search } = new URL(subgraph.url);
  const location = { origin, path: pathname + search, http: httpTargetOf(subgraph.url) };
  locations.set(subgraph, location);
  return location;
}

/** Printed fields: the headers of a caller without fields of its own are one object for all its calls. */
const printed = new WeakMap<object, string | null>();

function fieldsOf(headers: SubgraphMessage['headers']): string | null {
  const known = printed.get(headers);
  if (known !== undefined) return known;
  const fields = printFields(headers);
  printed.set(headers, fields);
  return fields;
}

function isTimeout(signal: AbortSignal): boolean {
  return signal.reason instanceof DOMException && signal.reason.name === 'TimeoutError';
}
