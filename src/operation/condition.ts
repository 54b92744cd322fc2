/** What the values of one input type may hold: a protected value itself, or fields below which one may stand. */
export interface InputNode {
  readonly isProtected: boolean;
  /** Field names with the index of the node for their values. */
  readonly fields: readonly (readonly [name: string, node: number])[];
}

/**
 * One thing a variable's value decides: a `@skip`/`@include`, or whether an input carries a protected value.
 * `is` compares a Boolean; `unless` holds for anything but true; `carries` walks the value, lists included, from the first node on.
 */
export type Condition =
  | { readonly kind: 'is'; readonly variable: string; readonly value: boolean }
  | { readonly kind: 'unless'; readonly variable: string }
  | { readonly kind: 'carries'; readonly variable: string; readonly nodes: readonly InputNode[] };

/** Disjunction of conjunctions of indexes into the condition table; null means always. */
export type When = readonly (readonly number[])[] | null;

/** Decides a condition on coerced variables. */
export function conditionHolds(condition: Condition, variables: Readonly<Record<string, unknown>>): boolean {
  const value = variables[condition.variable];
  if (condition.kind === 'is') return value === condition.value;
  if (condition.kind === 'unless') return value !== true;
  return carries(value, condition.nodes, 0);
}

function carries(value: unknown, nodes: readonly InputNode[], at: number): boolean {
  if (value === undefined || value === null) return false;
  if (Array.isArray(value)) return value.some((item) => carries(item, nodes, at));
  const node = nodes[at];
  if (node === undefined || node.isProtected) return true;
  return node.fields.some(
    ([name, next]) =>
      Object.hasOwn(value, name) && carries((value as Record<string, unknown>)[name], nodes, next),
  );
}

/** Decides a disjunction of conjunctions, given which conditions hold. */
export function whenApplies(when: When, held: readonly boolean[]): boolean {
  return when === null || when.some((conjunction) => conjunction.every((index) => held[index] === true));
}
