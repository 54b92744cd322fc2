import type { Deferral, FieldUse } from './expand.ts';

/**
 * When a field use is answered with a part, or with the primary answer (null); null where it never is.
 * Invariant: of all parts around a use, exactly the innermost that is deferred answers it.
 */
export function whenIn(
  use: FieldUse,
  target: number | null,
  deferrals: readonly Deferral[],
): readonly number[] | null {
  let { when } = use;
  for (let part = use.part; part !== target; ) {
    const around = part === null ? undefined : deferrals[part];
    if (around === undefined || around.unless === null) return null;
    when = when.includes(around.unless) ? when : [...when, around.unless];
    part = around.parent;
  }
  return when;
}

/** Whether a field use, or anything below it, is answered with a part or with the primary answer (null). */
export function reaches(use: FieldUse, target: number | null, deferrals: readonly Deferral[]): boolean {
  if (whenIn(use, target, deferrals) !== null) return true;
  return use.children?.uses.some((each) => reaches(each, target, deferrals)) === true;
}
