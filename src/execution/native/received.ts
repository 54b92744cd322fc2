import type { FetchRecord } from '../../audit/event.ts';

/** How an answer came. */
export interface Received {
  readonly place: PlaceError;
  readonly tookUs: number;
  /** What came of the trace that was asked for; absent where none was. */
  readonly trace?: FetchRecord['trace'] | undefined;
}

/** Finds where in the answer an error's path, as the subgraph tells it, belongs. */
export type PlaceError = (path: readonly (string | number)[]) => (string | number)[][];
