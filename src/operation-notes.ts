import { ChangeLog } from './change-log.ts';
import type { CompiledOperation, OperationVariant } from './operation/operation.ts';
import { type ResolverTimes, timesOf } from './resolver-times.ts';

/** What the execution of an operation tells its audit event besides the answer. */
export interface OperationNotes {
  /** Null where nobody wants to know how long the subgraphs' resolvers take. */
  readonly times: ResolverTimes | null;
  /** Null where nothing can change. */
  readonly changes: ChangeLog | null;
}

/** The operation as it runs, and whether it is among those whose resolvers are timed. */
export interface Noted {
  readonly operation: Pick<CompiledOperation, 'type' | 'coordinates'>;
  readonly variant: Pick<OperationVariant, 'audited'>;
  readonly isSampled: () => boolean;
}

/** What takes the notes of an operation; nothing where there is nothing to note. */
export function notesOf({ operation, variant, isSampled }: Noted): OperationNotes {
  return {
    times: timesOf(operation, variant, isSampled),
    changes: operation.type === 'mutation' ? new ChangeLog(operation) : null,
  };
}
