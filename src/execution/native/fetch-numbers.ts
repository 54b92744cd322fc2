import { type FetchStep, fetchesOf, type Plan } from '../../operation/plan.ts';

const numbered = new WeakMap<Plan, ReadonlyMap<FetchStep, number>>();

/** The number of each fetch in the order of its plan. */
export function fetchNumbers(plan: Plan): ReadonlyMap<FetchStep, number> {
  const known = numbered.get(plan);
  if (known !== undefined) return known;
  const numbers = new Map(fetchesOf(plan).map((fetch, index) => [fetch, index]));
  numbered.set(plan, numbers);
  return numbers;
}
