import { Agent, type Dispatcher } from 'undici';
import type { SubgraphEndpoint, SubgraphMessage } from '../subgraph-client.ts';
import { readEventStream } from './event-stream.ts';
import { asStreamFault, broken, type EventBody, eventBody, type StreamBounds } from './subgraph-stream.ts';

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
        if (type === 'next') yield eventBody(JSON.parse(data));
      }
      throw broken('the stream ended before the subscription did');
    } catch (fault) {
      throw asStreamFault(fault, signal, isTimeout(fault));
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

const TIMEOUTS: ReadonlySet<string> = new Set(['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT']);

/** True for a fault that says that time is up. */
function isTimeout(fault: unknown): boolean {
  return TIMEOUTS.has((fault as { readonly code?: string }).code ?? '');
}
