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
  /** Where the whole use is refused: told once, not per object. */
  readonly removedBy: { readonly guard: number; readonly coordinate: string } | null;
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
      if (verdict.removedBy !== null) removals.push({ ...verdict.removedBy, path: keyPath, dynamic: false });
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
    ofUse: (use) => uses.get(use) ?? { allowed: [], refused: NOTHING_REFUSED, removedBy: null },
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
  const first = refused.entries().next().value;
  if (first !== undefined && allowed.length === 0) {
    return { allowed, refused, removedBy: { guard: first[1], coordinate: `${first[0]}.${use.name}` } };
  }
  return removedByTypes(operation, { use, failed, allowed }) ?? { allowed, refused, removedBy: null };
}

/** A use is removed as well where every type it could return is refused: nothing of it could be shown. */
function removedByTypes(
  operation: GuardedOperation,
  at: { readonly use: FieldUse; readonly failed: ReadonlySet<number>; readonly allowed: readonly string[] },
): UseVerdict | null {
  const { children } = at.use;
  if (children === null || at.allowed.length === 0) return null;
  const refused = refusedTypesAt(operation, children, at.failed);
  const first = refused.entries().next().value;
  if (first === undefined || refused.size < children.types.length) return null;
  const removedBy = { guard: first[1], coordinate: first[0] };
  return { allowed: [], refused: new Map(at.allowed.map((typeName) => [typeName, first[1]])), removedBy };
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
