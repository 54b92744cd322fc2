import type { Dnf } from './policy.ts';

/**
 * Most conjunctions one requirement may have, before and after it is combined with others.
 * A product of a few long lists grows without bound otherwise, and each conjunction is judged per request.
 */
export const CONJUNCTIONS_MAX = 1024;

/** True where every caller that passes `a` passes `b`: each conjunction of `a` contains one of `b`. */
export function implies(a: Dnf, b: Dnf): boolean {
  const wanted = b.map((conjunction) => [...new Set(conjunction)]);
  return a.every((conjunction) => {
    const given = new Set(conjunction);
    return wanted.some((names) => names.every((name) => given.has(name)));
  });
}

/**
 * What passes both: the product of the disjunctions, names sorted, conjunctions that contain another one dropped.
 * Throws: RangeError where the product has more than CONJUNCTIONS_MAX conjunctions.
 */
export function and(a: Dnf, b: Dnf): Dnf {
  const left = minimal(a);
  const right = minimal(b);
  if (left.length * right.length > CONJUNCTIONS_MAX) {
    throw new RangeError(`more than ${CONJUNCTIONS_MAX} alternatives`);
  }
  return minimal(left.flatMap((first) => right.map((second) => [...first, ...second])));
}

/** The same requirement with sorted, distinct names, and without conjunctions that contain another one. */
export function minimal(dnf: Dnf): Dnf {
  const byLength = dnf
    .map((conjunction) => [...new Set(conjunction)].sort())
    .sort((a, b) => a.length - b.length || compareText(a.join('\0'), b.join('\0')));
  const kept: string[][] = [];
  for (const conjunction of byLength) {
    const names = new Set(conjunction);
    if (!kept.some((shorter) => shorter.every((name) => names.has(name)))) kept.push(conjunction);
  }
  return kept;
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
