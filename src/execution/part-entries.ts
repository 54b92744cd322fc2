import type { PartStep } from '../operation/deferred-part.ts';
import type { ResponsePath } from './shape-result.ts';

type DataObject = Readonly<Record<string, unknown>>;

/** An object of the answer that a deferred part completes. */
export interface PartEntry {
  readonly path: ResponsePath;
  /** As subgraphs told it. */
  readonly source: DataObject;
  /** As it was answered, with the part before. */
  readonly answered: DataObject;
}

/**
 * The objects that a path leads to from objects that were answered.
 * Invariant: what was not answered, since it was refused, withheld or null, leads nowhere; an object whose type does not have
 * a step does not either.
 */
export function entriesBelow(from: readonly PartEntry[], steps: readonly PartStep[]): PartEntry[] {
  const found: PartEntry[] = [];
  const walk = (source: unknown, answered: unknown, at: number, path: ResponsePath): void => {
    if (Array.isArray(source) && Array.isArray(answered)) {
      for (const [index, item] of answered.entries()) walk(source[index], item, at, [...path, index]);
      return;
    }
    if (!isObject(source) || !isObject(answered)) return;
    const step = steps[at];
    if (step === undefined) {
      found.push({ path, source, answered });
      return;
    }
    if (step.types !== null && !step.types.includes(String(own(source, '__typename')))) return;
    walk(own(source, step.key), own(answered, step.key), at + 1, [...path, step.key]);
  };
  for (const { source, answered, path } of from) walk(source, answered, 0, path);
  return found;
}

export function isObject(value: unknown): value is DataObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What a value has at a step of a path; undefined where it has nothing of its own there. */
export function own(value: unknown, key: string | number): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
  return (value as Readonly<Record<string | number, unknown>>)[key];
}
