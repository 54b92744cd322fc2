import { Agent, request } from 'undici';

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

/** What came of one call: an answer that is a JSON object, or why there is none. */
export type SubgraphAnswer =
  | { readonly kind: 'answer'; readonly status: number; readonly body: Readonly<Record<string, unknown>> }
  | {
      readonly kind: 'failure';
      readonly status: number;
      readonly code: 'DOWNSTREAM_SERVICE_ERROR' | 'SUBGRAPH_TIMEOUT' | 'REQUEST_ABORTED';
      readonly cause: unknown;
    };

/** Posts GraphQL requests to subgraphs over kept connections; follows no redirect, bounds time and size. */
export class SubgraphClient {
  readonly #agent: Agent;

  constructor({ responseBytesMax, connectionsMax }: SubgraphClientOptions) {
    this.#agent = new Agent({
      connections: connectionsMax,
      maxResponseSize: responseBytesMax,
      pipelining: 1,
    });
  }

  /** Never rejects: what goes wrong is a failure with its code. */
  async post(
    subgraph: SubgraphEndpoint,
    message: { readonly body: string; readonly headers: Readonly<Record<string, string>> },
    signal: AbortSignal,
  ): Promise<SubgraphAnswer> {
    const timeout = AbortSignal.timeout(subgraph.timeoutMs);
    try {
      const response = await request(subgraph.url, {
        dispatcher: this.#agent,
        method: 'POST',
        headers: message.headers,
        body: message.body,
        signal: AbortSignal.any([signal, timeout]),
      });
      const body: unknown = await response.body.json();
      if (typeof body === 'object' && body !== null && !Array.isArray(body)) {
        return { kind: 'answer', status: response.statusCode, body: body as Record<string, unknown> };
      }
      return failure(response.statusCode, 'DOWNSTREAM_SERVICE_ERROR', null);
    } catch (cause) {
      if (timeout.aborted || isTimeout(signal)) return failure(0, 'SUBGRAPH_TIMEOUT', cause);
      return failure(0, signal.aborted ? 'REQUEST_ABORTED' : 'DOWNSTREAM_SERVICE_ERROR', cause);
    }
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }
}

function failure(
  status: number,
  code: Extract<SubgraphAnswer, { kind: 'failure' }>['code'],
  cause: unknown,
): SubgraphAnswer {
  return { kind: 'failure', status, code, cause };
}

function isTimeout(signal: AbortSignal): boolean {
  return signal.aborted && signal.reason instanceof DOMException && signal.reason.name === 'TimeoutError';
}
