/**
 * One thing a variable's value decides: a `@skip`/`@include`, or whether an input carries a protected value.
 * `is` compares a Boolean; `carries` asks whether one of the paths below the variable holds a value (lists are walked).
 */
export type Condition =
  | { readonly kind: 'is'; readonly variable: string; readonly value: boolean }
  | { readonly kind: 'carries'; readonly variable: string; readonly paths: readonly (readonly string[])[] };

/** Disjunction of conjunctions of indexes into the condition table; null means always. */
export type When = readonly (readonly number[])[] | null;

/** Decides a condition on coerced variables. */
export function conditionHolds(condition: Condition, variables: Readonly<Record<string, unknown>>): boolean {
  const value = variables[condition.variable];
  if (condition.kind === 'is') return value === condition.value;
  return condition.paths.some((path) => carries(value, path));
}

function carries(value: unknown, path: readonly string[]): boolean {
  if (value === undefined || value === null) return false;
  if (Array.isArray(value)) return value.some((item) => carries(item, path));
  const [head, ...rest] = path;
  if (head === undefined) return true;
  return typeof value === 'object' && carries((value as Record<string, unknown>)[head], rest);
}

/** Decides a disjunction of conjunctions, given which conditions hold. */
export function whenApplies(when: When, held: readonly boolean[]): boolean {
  return when === null || when.some((conjunction) => conjunction.every((index) => held[index] === true));
}
