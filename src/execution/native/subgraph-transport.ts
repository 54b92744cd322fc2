import type { FetchStep } from '../../operation/plan.ts';
import type { ExecutionInput, HostConnections, SubscriptionInput } from '../executor.ts';
import type { SubgraphAnswer } from '../subgraph-answer.ts';
import type { Departure } from './departure.ts';
import type { DataObject } from './entities.ts';

/** For whom fetches are sent, and how long they wait. */
export interface FetchCaller
  extends Pick<ExecutionInput, 'principal' | 'headers' | 'deadlineMs' | 'changes'> {
  readonly departure: Departure;
  /** True where the subgraph is to tell how long its resolvers take; absent where it is not. */
  readonly isTimed?: boolean;
}

/** Sends one operation to one subgraph as its caller. Never rejects. */
export interface SubgraphTransport {
  /** `variables` is a JSON object, printed. */
  send(fetch: FetchStep, variables: string, caller: FetchCaller): Promise<SubgraphAnswer>;
  /** Opens a subscription; each event is a GraphQL result, not yet understood. Throws: as `Executor.subscribe`. */
  open(fetch: FetchStep, variables: string, input: SubscriptionInput): AsyncIterable<DataObject>;
  connections?(): readonly HostConnections[];
  close(): Promise<void>;
}
