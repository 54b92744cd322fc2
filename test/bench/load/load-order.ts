/** What the load generator is told to do. */
export interface LoadOrder {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly query: string;
  /** Whether each request has variables of its own. */
  readonly distinct: boolean;
  readonly connections: number;
  /** Load before anything is counted. */
  readonly warmUpMs: number;
  readonly durationMs: number;
  /** Process whose use of the machine is accounted. */
  readonly pid: number;
}

/** What was seen in the measured window. */
export interface LoadResult {
  readonly requests: number;
  /** Answers with another status or length than they should have. */
  readonly faults: number;
  readonly seconds: number;
  /** CPU time of the gateway per request. Units: microseconds. */
  readonly cpuUsPerRequest: number;
  /** Share of one core that the gateway used. */
  readonly cpuShare: number;
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly residentBytes: number;
}

export type LoadReply = LoadResult | { readonly failed: string };
