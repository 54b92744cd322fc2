import type { FetchRecord } from '../../audit/event.ts';
import type { ResolverClock } from '../executor.ts';
import type { SubgraphAnswer } from '../subgraph-answer.ts';
import type { DataObject } from './entities.ts';
import { traceIn } from './trace-in.ts';

/** A fetch under way. */
export interface Sent {
  /** Units: microseconds, monotonic. */
  readonly startedUs: number;
  /** What takes the times that the answer tells; null where none are asked for. */
  readonly take: ReturnType<ResolverClock['of']>;
  readonly answer: Promise<SubgraphAnswer>;
}

/** A fetch that was sent, and what becomes of the data that it is answered. */
export interface AskedFetch {
  readonly sent: Sent;
  readonly place: PlaceError;
  readonly merge: (data: DataObject) => void;
}

/** How an answer came. */
export interface Received {
  readonly place: PlaceError;
  readonly tookUs: number;
  /** What came of the trace that was asked for; absent where none was. */
  readonly trace?: FetchRecord['trace'] | undefined;
}

/** Finds where in the answer an error's path, as the subgraph tells it, belongs. */
export type PlaceError = (path: readonly (string | number)[]) => (string | number)[][];

/** What is known of the answer that has come to a fetch. */
export function receivedFrom(
  answer: SubgraphAnswer,
  { startedUs, take }: Sent,
  { place, endedUs }: Pick<Received, 'place'> & { readonly endedUs: number },
): Received {
  return { place, tookUs: endedUs - startedUs, trace: take === null ? undefined : traceIn(answer, take) };
}
