import type { FetchRecord } from '../audit/event.ts';
import type { Switches } from '../control/switches.ts';
import type { Principal } from '../identity/principal.ts';
import type { OperationVariant } from '../operation/operation.ts';
import type { OnResolver } from './inline-trace.ts';

export interface ExecutionInput {
  /** The operation as authorized; nothing else runs. */
  readonly variant: OperationVariant;
  /** Coerced, defaults applied. */
  readonly variables: Readonly<Record<string, unknown>>;
  readonly principal: Principal;
  /** Subgraphs that are switched off are not asked; null or absent where none is. */
  readonly switches?: Pick<Switches, 'isSubgraphOff'> | null;
  /** Takes what the gateway's own subgraph tells of changes; null or absent where nothing can change. */
  readonly changes?: { take(told: unknown): void } | null;
  /** Null or absent where nobody wants to know. */
  readonly times?: ResolverClock | null;
  readonly requestId: string;
  /** Client headers, lower-case; the executor forwards only what config names. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** Fires when the client goes away. */
  readonly signal: AbortSignal;
  /** Answers a document of schema introspection with what the caller may know; null where the operation has none. */
  readonly introspect: ((document: string) => Promise<Readonly<Record<string, unknown>>>) | null;
  /** Which deferred parts may come later; null or absent where all come at once. */
  readonly later?: readonly boolean[] | null;
  /** When execution must be over. Units: milliseconds since the epoch. */
  readonly deadlineMs: number;
}

/** What a subscription runs with: as an operation, but each event has its own deadline, and the stream its bounds. */
export type SubscriptionInput = Omit<ExecutionInput, 'deadlineMs' | 'introspect' | 'later'> & {
  /** Time what an event needs from other subgraphs may take. */
  readonly eventTimeoutMs: number;
  readonly bounds: {
    readonly eventBytesMax: number;
    readonly idleTimeoutMs: number;
  };
};

/** Wants to know how long the subgraphs' own resolvers take. */
export interface ResolverClock {
  /** What takes the times that a fetch tells, by its number in the plan; null where it is not to be asked. */
  of(planned: number): OnResolver | null;
}

/** An error of a subgraph or of execution, unmasked: not for the client as it is. */
export interface ExecutionError {
  readonly message: string;
  readonly path: readonly (string | number)[] | null;
  /** The subgraph that answered it; null for an error of execution itself. */
  readonly subgraph: string | null;
  readonly extensions: Readonly<Record<string, unknown>>;
}

export interface ExecutionResult {
  readonly data: Readonly<Record<string, unknown>> | null;
  readonly errors: readonly ExecutionError[];
  /** What was fetched; what comes later adds to it. */
  readonly fetches: readonly FetchRecord[];
  /** What comes later, part by part, in data that grows by it; absent where nothing does. */
  readonly later?: AsyncIterable<PartDone>;
}

/** A deferred part of which everything has come. */
export interface PartDone {
  readonly part: number;
  /** Whether more parts come after it. */
  readonly hasNext: boolean;
  /** Paths from the root, as of all errors. */
  readonly errors: readonly ExecutionError[];
}

/** Runs an authorized operation. A failing subgraph is an error in the result; it rejects only with a GatewayError. */
export interface Executor {
  execute(input: ExecutionInput): Promise<ExecutionResult>;
  /**
   * Opens upstream at the first `next`; closes it on `return` or `signal`.
   * Throws: SUBSCRIPTION_NOT_SUPPORTED, SWITCHED_OFF, DOWNSTREAM_SERVICE_ERROR where upstream refuses or breaks.
   */
  subscribe(input: SubscriptionInput): AsyncIterable<ExecutionResult>;
  /** Connections that are kept to each host; absent where nobody can tell. */
  connections?(): readonly HostConnections[];
  close(): Promise<void>;
}

/** Connections to one host, and calls that wait for one. */
export interface HostConnections {
  /** Name and port, as the schema has them. */
  readonly host: string;
  readonly busy: number;
  readonly idle: number;
  readonly waiting: number;
}
