import type { ObjectShape } from './shape.ts';

/** A step from an object to what one of its fields holds, lists walked. */
export interface PartStep {
  readonly key: string;
  /** Concrete types of the object that have the step; null for all that it can be. */
  readonly types: readonly string[] | null;
}

/** A fragment with `@defer`, where it stands: what may be answered after the rest. */
export interface DeferredPart {
  /** As the client wrote it. */
  readonly label: string | null;
  /** Index of the part that it stands in; null where that is the answer itself. */
  readonly parent: number | null;
  /** From the objects of the parent, or from the root, to those that the part completes. */
  readonly path: readonly PartStep[];
  /** The variable that says whether it is deferred; null where it is in any case. */
  readonly variable: string | null;
  /** What it adds to each of its objects. */
  readonly shape: ObjectShape;
  /** Numbers of the fetches that it waits for. */
  readonly waitsFor: readonly number[];
}

/** An operation that may be answered in parts. */
export interface DeferredParts {
  /** The answer without what is deferred. */
  readonly primary: Pick<DeferredPart, 'shape' | 'waitsFor'>;
  readonly parts: readonly DeferredPart[];
}

/** Which parts are deferred with these variables; null where none is. A variable that is null defers nothing. */
export function deferredNow(
  deferred: DeferredParts | null | undefined,
  variables: Readonly<Record<string, unknown>>,
): readonly boolean[] | null {
  if (deferred == null) return null;
  const now = deferred.parts.map(({ variable }) => variable === null || variables[variable] === true);
  return now.includes(true) ? now : null;
}
