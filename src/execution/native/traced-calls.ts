import { type FetchSpan, type FetchTracing, TRACE_HEADERS } from '../fetch-tracing.ts';
import type { SubgraphAnswer } from '../subgraph-answer.ts';

type Headers = Readonly<Record<string, string>>;

/** A call that may be shared. */
export interface TracedCall {
  readonly subgraph: string;
  /** Of all that could change the answer: a trace never could, and is no part of it. */
  readonly key: string;
  readonly headers: Headers;
}

/** Joins the call of that key, or starts it with these headers, and then says so before it returns. */
export type Join = (headers: Headers, onStart: () => void) => Promise<SubgraphAnswer>;

/**
 * Tells calls to a trace, and the trace to subgraphs.
 * Invariant: of calls that share one, the first is the one that the subgraph is told of; the others link to it.
 */
export class TracedCalls {
  readonly #tracing: FetchTracing;
  readonly #leaders = new Map<string, FetchSpan>();

  constructor(tracing: FetchTracing) {
    this.#tracing = tracing;
  }

  async send({ subgraph, key, headers }: TracedCall, join: Join): Promise<SubgraphAnswer> {
    const span = this.#tracing.begin(subgraph);
    if (span === null) return join(headers, () => undefined);
    let isLeader = false;
    const joining = join(withTrace(headers, span), () => {
      isLeader = true;
      this.#leaders.set(key, span);
    });
    const leader = this.#leaders.get(key);
    if (!isLeader && leader !== undefined) span.joined(leader);
    try {
      const answer = await joining;
      span.end(answer.status, answer.kind === 'failure' ? answer.code : null);
      return answer;
    } finally {
      if (isLeader && this.#leaders.get(key) === span) this.#leaders.delete(key);
    }
  }
}

function withTrace(headers: Headers, { traceparent, tracestate }: FetchSpan): Headers {
  return tracestate === null ? { ...headers, traceparent } : { ...headers, traceparent, tracestate };
}

/** Settings by which nothing that a client says of its own trace goes on: ours does in its place. */
export function withoutTrace<S extends { readonly forwardHeaders: readonly string[] }>(subgraph: S): S {
  const forwardHeaders = subgraph.forwardHeaders.filter((name) => !TRACE_HEADERS.has(name));
  return { ...subgraph, forwardHeaders };
}
