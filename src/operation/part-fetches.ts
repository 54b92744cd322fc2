import type { GraphQLSchema } from 'graphql';
import { shapesAt, slotsBrought } from './audited-fields.ts';
import { type FetchStep, fetchesIn, fetchesOf, type Plan, type PlanStep } from './plan.ts';
import type { ObjectShape } from './shape.ts';

export interface FetchesOfParts {
  readonly plan: Plan;
  /** What the primary answer, then each part, is made of, from the root on. */
  readonly shapes: readonly ObjectShape[];
  /** Response keys of owners. */
  readonly tenantKeys: readonly string[];
  readonly schema: GraphQLSchema;
}

/**
 * Which fetches the primary answer and each part wait for, by their numbers: those that bring something of it, and those
 * that such a fetch comes after in the plan.
 * Invariant: a fetch that brings no field of any, or an owner, is one that the primary answer waits for.
 */
export function fetchesOfParts(of: FetchesOfParts): readonly (readonly number[])[] {
  const { plan, shapes, tenantKeys, schema } = of;
  const fetches = fetchesOf(plan);
  const waits = shapes.map(() => new Set<number>());
  for (const [number, fetch] of fetches.entries()) {
    const isOwners = tenantKeys.some((key) => fetch.query.includes(key));
    for (const [target, shape] of shapes.entries())
      if (tellsTypes(fetch, shape) || slotsBrought(fetch, shape, schema).size > 0) waits[target]?.add(number);
    if (isOwners || !waits.some((each) => each.has(number))) waits[0]?.add(number);
  }
  const numbers = new Map(fetches.map((fetch, index) => [fetch, index]));
  const inOrder = (step: PlanStep): void => {
    if (step.kind === 'fetch') return;
    const steps =
      step.kind === 'condition'
        ? [step.whenTrue, step.whenFalse].filter((each) => each !== null)
        : step.steps;
    for (const each of steps) inOrder(each);
    if (step.kind !== 'sequence') return;
    for (const [at, each] of steps.entries()) {
      const after = steps.slice(at + 1).flatMap(fetchesIn);
      for (const own of waits) {
        if (!after.some((fetch) => own.has(numbers.get(fetch) ?? -1))) continue;
        for (const before of fetchesIn(each)) own.add(numbers.get(before) ?? -1);
      }
    }
  };
  if (plan.root !== null) inOrder(plan.root);
  return waits.map((own) => [...own]);
}

/** Whether a fetch tells the concrete types of objects that are there: those of an `@interfaceObject` are not known before. */
function tellsTypes({ requires, query, paths }: FetchStep, shape: ObjectShape): boolean {
  if (requires === null || !query.includes('__typename')) return false;
  return paths.some((path) => [...shapesAt(shape, path)].some(({ abstract }) => abstract));
}
