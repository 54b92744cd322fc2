import type { GatewayError } from '../errors.ts';

export type ResponseMediaType = 'application/graphql-response+json' | 'application/json';

/** The four parameters of GraphQL over HTTP, shapes checked, contents not yet. */
export interface GraphQLParams {
  readonly query: string | null;
  readonly operationName: string | null;
  readonly variables: Readonly<Record<string, unknown>>;
  readonly extensions: Readonly<Record<string, unknown>>;
}

/**
 * One operation as it came in, whatever the transport: what was asked, or the refusal the edge already gave.
 * Each operation of a batch is one of these and shares `batch`.
 */
export interface GraphQLRequest {
  readonly id: string;
  /** Units: milliseconds since the epoch. */
  readonly receivedAtMs: number;
  readonly method: string;
  readonly remoteAddress: string;
  readonly responseMediaType: ResponseMediaType;
  /** Every value of the `Authorization` header, in order. */
  readonly authorization: readonly string[];
  /** Every value of the header that is set up for API keys, in order; absent where none is. */
  readonly apiKeys?: readonly string[] | undefined;
  /** Lower-case names; only used for headers that config forwards to subgraphs. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly params: GraphQLParams | GatewayError;
  readonly batch: BatchTotals | null;
  /** Whether the transport can deliver more than one answer. */
  readonly streams: boolean;
  /** Whether it can deliver one answer in parts; absent where it cannot. */
  readonly defers?: boolean;
  /** Fires when nobody waits for the answer any more; its reason is a `GatewayError`. */
  readonly signal: AbortSignal;
}

/** What the operations of one batch have used so far; the sum is held to the limits too. */
export interface BatchTotals {
  readonly size: number;
  readonly used: Map<string, number>;
}

/** What goes back, before a transport turns it into bytes. */
export interface GatewayResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: GraphQLResponseBody;
}

/**
 * The answers to a subscription, or one answer in its parts. One that only has errors refuses the rest and is the last.
 * Invariant: whoever gets it iterates it, to its end or to `return`: only then is what it holds given back.
 */
export interface GatewayStream {
  readonly kind: 'stream' | 'deferred';
  readonly events: AsyncIterable<GatewayResponse>;
}

/** One answer, or those of a subscription. */
export type GatewayAnswer = GatewayResponse | GatewayStream;

export interface GraphQLResponseBody {
  readonly errors?: readonly ResponseError[];
  /** Absent when nothing ran. */
  readonly data?: Readonly<Record<string, unknown>> | null;
  readonly extensions?: AnswerExtensions;
  /** Whether more parts of the answer come; absent where it is whole. */
  readonly hasNext?: boolean;
  /** What this part adds to those before. */
  readonly incremental?: readonly IncrementalPart[];
}

/** What a deferred fragment adds to one object. */
export interface IncrementalPart {
  readonly label?: string;
  readonly path: readonly (string | number)[];
  readonly data: Readonly<Record<string, unknown>> | null;
  readonly errors?: readonly ResponseError[];
  readonly extensions?: AnswerExtensions;
}

/** What is told beside an answer. */
export interface AnswerExtensions {
  /** Where refusals are not told as errors. */
  readonly authorizationErrors?: readonly ResponseError[];
}

export interface ResponseError {
  readonly message: string;
  readonly locations?: readonly { readonly line: number; readonly column: number }[];
  readonly path?: readonly (string | number)[];
  readonly extensions: Readonly<Record<string, unknown>>;
}

/** The request path as the listener sees it. Never rejects: a fault is a response too. */
export type Handle = (request: GraphQLRequest) => Promise<GatewayAnswer>;

/** Tells the two kinds of answer apart. */
export function isStream(answer: GatewayAnswer): answer is GatewayStream {
  return 'kind' in answer;
}
