import { Agent, type Dispatcher } from 'undici';
import { GatewayError } from '../../errors.ts';
import type { SubgraphEndpoint, SubgraphMessage } from '../subgraph-client.ts';
import { readEventStream } from './event-stream.ts';

/** Bounds of one stream from a subgraph. */
export interface StreamBounds {
  readonly eventBytesMax: number;
  /** Longest silence, comments that keep the connection alive included. */
  readonly idleTimeoutMs: number;
}

/** What a subgraph sent as one event: a GraphQL result. */
export type EventBody = Readonly<Record<string, unknown>>;

/**
 * Opens subscriptions at subgraphs: server-sent events, one request for each, as the "distinct connections" mode of
 * graphql-sse has it. Reads only as fast as events are taken: a slow reader slows the subgraph down, nothing piles up here.
 */
export class SubgraphStreamClient {
  readonly #agent = new Agent({ pipelining: 1 });

  /**
   * Throws: DOWNSTREAM_SERVICE_ERROR where the subgraph refuses, breaks off or sends anything else, SUBGRAPH_TIMEOUT where
   * it is silent for too long, the reason of `signal` where that ends the stream.
   */
  async *events(
    subgraph: SubgraphEndpoint,
    message: SubgraphMessage,
    { bounds, signal }: { readonly bounds: StreamBounds; readonly signal: AbortSignal },
  ): AsyncGenerator<EventBody, void, undefined> {
    let body: Dispatcher.ResponseData['body'] | null = null;
    try {
      const response = await this.#agent.request({
        ...locationOf(subgraph.url),
        method: 'POST',
        headers: { ...message.headers, accept: 'text/event-stream' },
        body: message.body,
        signal,
        headersTimeout: subgraph.timeoutMs,
        bodyTimeout: bounds.idleTimeoutMs,
      });
      body = response.body;
      const { statusCode, headers } = response;
      if (statusCode !== 200 || !isEventStream(headers['content-type'])) throw broken('no event stream');
      for await (const { type, data } of readEventStream(body, bounds.eventBytesMax)) {
        if (type === 'complete') return;
        if (type === 'next') yield parse(data);
      }
      throw broken('the stream ended before the subscription did');
    } catch (fault) {
      throw asStreamFault(fault, signal);
    } finally {
      // What is left unread says nothing any more.
      body?.on('error', () => undefined).destroy();
    }
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }
}

function locationOf(url: string): { readonly origin: string; readonly path: string } {
  const { origin, pathname, search } = new URL(url);
  return { origin, path: pathname + search };
}

function isEventStream(contentType: string | string[] | undefined): boolean {
  return typeof contentType === 'string' && /^text\/event-stream\s*(?:;|$)/iu.test(contentType);
}

function parse(data: string): EventBody {
  const body: unknown = JSON.parse(data);
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw broken('no GraphQL result');
  return body as EventBody;
}

function broken(reason: string): GatewayError {
  return new GatewayError('DOWNSTREAM_SERVICE_ERROR', { cause: new Error(reason) });
}

const TIMEOUTS: ReadonlySet<string> = new Set(['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT']);

function asStreamFault(fault: unknown, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason;
  if (fault instanceof GatewayError) return fault;
  const timedOut = TIMEOUTS.has((fault as { readonly code?: string }).code ?? '');
  return new GatewayError(timedOut ? 'SUBGRAPH_TIMEOUT' : 'DOWNSTREAM_SERVICE_ERROR', { cause: fault });
}
