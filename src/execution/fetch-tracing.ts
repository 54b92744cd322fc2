/** Traces calls to subgraphs. */
export interface FetchTracing {
  /** Begins a call for the request that runs now; null where nothing is to be told of it. */
  begin(subgraph: string): FetchSpan | null;
}

/** One call in a trace. */
export interface FetchSpan {
  /** What the subgraph is sent. Source: W3C Trace Context. */
  readonly traceparent: string;
  /** Sent besides where it is not null. */
  readonly tracestate: string | null;
  /** Told where another request's call is waited for instead of one of its own. */
  joined(leader: FetchSpan): void;
  /** `status` is that of HTTP, or 0 where no answer came; `fault` is a code, or null. */
  end(status: number, fault: string | null): void;
}

/** Headers of a trace: ours, whatever a client sent. */
export const TRACE_HEADERS: ReadonlySet<string> = new Set(['traceparent', 'tracestate']);
