import { isListType, isNonNullType } from 'graphql';
import type { FieldUse, Position } from './expand.ts';
import type { GuardedOperation } from './guards.ts';
import type { Removal } from './operation.ts';

/** What a set of failed guards leaves of one field use. */
export interface UseVerdict {
  /** Concrete parent types on which it still runs; empty where it is removed. */
  readonly allowed: readonly string[];
  /** Refused concrete parent types, with the guard that refuses. */
  readonly refused: ReadonlyMap<string, number>;
  /** Why the whole use is refused, once for each type it is refused on; empty where some of it runs. */
  readonly removedFor: readonly Cause[];
}

/** A guard that refuses, and the coordinate it stands before. */
interface Cause {
  readonly guard: number;
  readonly coordinate: string;
}

export interface Verdicts {
  readonly removals: readonly Removal[];
  ofUse(use: FieldUse): UseVerdict;
  /** Concrete types whose objects become null at an abstract position, with the guard that refuses. */
  refusedTypes(position: Position): ReadonlyMap<string, number>;
}

const NOTHING_REFUSED: ReadonlyMap<string, number> = new Map();

/** Decides, for one set of failed guards, which parts of an operation run, are removed, or wait for the object's type. */
export function judge(operation: GuardedOperation, failed: ReadonlySet<number>): Verdicts {
  const uses = new Map<FieldUse, UseVerdict>();
  const positions = new Map<Position, ReadonlyMap<string, number>>();
  const removals: Removal[] = [];

  const visit = (position: Position, path: readonly string[]): void => {
    const refusedTypes = positions.get(position) ?? NOTHING_REFUSED;
    for (const use of position.uses) {
      const verdict = judgeUse(operation, { use, refusedTypes, failed });
      uses.set(use, verdict);
      const keyPath = [...path, use.key];
      for (const cause of verdict.removedFor) removals.push({ ...cause, path: keyPath, dynamic: false });
      if (verdict.allowed.length === 0) continue;
      for (const [typeName, guard] of verdict.refused) {
        removals.push({ guard, coordinate: `${typeName}.${use.name}`, path: keyPath, dynamic: true });
      }
      if (use.children === null) continue;
      const childPath = [...keyPath, ...listSteps(use)];
      const refused = refusedTypesAt(operation, use.children, failed);
      positions.set(use.children, refused);
      for (const [coordinate, guard] of refused) {
        removals.push({ guard, coordinate, path: childPath, dynamic: true });
      }
      visit(use.children, childPath);
    }
  };
  visit(operation.root, []);
  return {
    removals,
    ofUse: (use) => uses.get(use) ?? { allowed: [], refused: NOTHING_REFUSED, removedFor: [] },
    refusedTypes: (position) => positions.get(position) ?? NOTHING_REFUSED,
  };
}

function judgeUse(
  operation: GuardedOperation,
  at: {
    readonly use: FieldUse;
    readonly refusedTypes: ReadonlyMap<string, number>;
    readonly failed: ReadonlySet<number>;
  },
): UseVerdict {
  const { use, refusedTypes, failed } = at;
  const allowed: string[] = [];
  const refused = new Map<string, number>();
  for (const typeName of use.on.keys()) {
    if (refusedTypes.has(typeName)) continue;
    const guard = operation.guardsOf(use, typeName).find((index) => failed.has(index));
    if (guard === undefined) allowed.push(typeName);
    else refused.set(typeName, guard);
  }
  const causes = [...refused].map(([typeName, guard]) => ({ guard, coordinate: `${typeName}.${use.name}` }));
  if (allowed.length === 0) return { allowed, refused, removedFor: causes };
  const ofTypes = removingTypes(operation, use, failed);
  const [first] = ofTypes;
  if (first === undefined) return { allowed, refused, removedFor: [] };
  // Nothing of it runs, so it is refused on the types that would have been allowed as well.
  for (const typeName of allowed) refused.set(typeName, first.guard);
  return { allowed: [], refused, removedFor: [...causes, ...ofTypes] };
}

/** A use is removed as well where every type it could return is refused: nothing of it could be shown. */
function removingTypes(
  operation: GuardedOperation,
  use: FieldUse,
  failed: ReadonlySet<number>,
): readonly Cause[] {
  const { children } = use;
  if (children === null) return [];
  const refused = refusedTypesAt(operation, children, failed);
  if (refused.size < children.types.length) return [];
  return [...refused].map(([coordinate, guard]) => ({ guard, coordinate }));
}

function refusedTypesAt(
  operation: GuardedOperation,
  position: Position,
  failed: ReadonlySet<number>,
): ReadonlyMap<string, number> {
  const refused = new Map<string, number>();
  for (const typeName of position.types) {
    const guard = operation.typeGuardOf(position, typeName);
    if (guard !== null && failed.has(guard)) refused.set(typeName, guard);
  }
  return refused;
}

/** One `@` for each list that the field's type nests. */
function listSteps(use: FieldUse): string[] {
  const steps: string[] = [];
  let type = use.on.values().next().value?.type;
  while (type !== undefined && (isNonNullType(type) || isListType(type))) {
    if (isListType(type)) steps.push('@');
    type = type.ofType;
  }
  return steps;
}
