import { conditionHolds } from '../condition.ts';
import {
  addCosts,
  COST_MAX,
  type CostEstimate,
  type CostFormula,
  type CostNode,
  type InputCost,
  multiplyCosts,
  NOT_A_SIZE,
  type SizeNode,
  type Slice,
} from './formula.ts';

type Variables = Readonly<Record<string, unknown>>;

/** What an operation costs with these variables, which must be coerced. */
export function evaluateCost(formula: CostFormula, variables: Variables): CostEstimate {
  if (formula.fixed !== null) return formula.fixed;
  const faults = new Set<string>();
  const values = evaluateNodes(formula, variables, faults);
  const at = (index: number): number => values[index] ?? COST_MAX;
  return {
    estimated: at(formula.total),
    base: at(formula.base),
    perSubgraph: new Map(formula.subgraphs.map(([name, index]) => [name, at(index)])),
    faults: [...faults],
  };
}

/** The value of each node, in order. */
export function evaluateNodes(
  { nodes, conditions }: Pick<CostFormula, 'nodes' | 'conditions'>,
  variables: Variables,
  faults: Set<string>,
): readonly number[] {
  const values: number[] = [];
  const holds = (index: number): boolean => {
    const condition = conditions[index];
    return condition === undefined || conditionHolds(condition, variables);
  };
  for (const node of nodes) values.push(nodeValue(node, { values, holds, variables, faults }));
  return values;
}

interface Evaluation {
  readonly values: readonly number[];
  readonly holds: (condition: number) => boolean;
  readonly variables: Variables;
  readonly faults: Set<string>;
}

function nodeValue(node: CostNode, evaluation: Evaluation): number {
  const { values, holds, variables } = evaluation;
  const at = (index: number): number => values[index] ?? COST_MAX;
  switch (node.kind) {
    case 'constant':
      return node.value;
    case 'sum':
      return node.of.reduce((sum, index) => addCosts(sum, at(index)), 0);
    case 'product':
      return node.of.reduce((product, index) => multiplyCosts(product, at(index)), 1);
    case 'max':
      return node.of.reduce((most, index) => Math.max(most, at(index)), 0);
    case 'when':
      return node.when.some((all) => all.every(holds)) ? at(node.then) : 0;
    case 'size':
      return sizeOf(node, variables, evaluation.faults);
    case 'input': {
      const value = variables[node.variable];
      return value === undefined ? node.absent : inputCost(value, node.nodes, 0);
    }
  }
}

/**
 * Size of a list as its slicing arguments have it: the largest counts, defaults of the schema included.
 * Arguments that only have the schema's default are no fault of the client, whatever their number.
 */
function sizeOf(node: SizeNode, variables: Variables, faults: Set<string>): number {
  let largest: number | null = null;
  let explicit = 0;
  for (const slice of node.slices) {
    const given = sliceValue(slice, variables);
    if (given.value === null) continue;
    if (given.explicit) explicit += 1;
    const fits = given.value >= 0;
    if (!fits) faults.add(node.coordinate);
    largest = Math.max(largest ?? 0, fits ? Math.min(Math.ceil(given.value), COST_MAX) : COST_MAX);
  }
  if (node.requireOne && (largest === null || explicit > 1)) faults.add(node.coordinate);
  return largest ?? node.otherwise;
}

function sliceValue(slice: Slice, variables: Variables): { explicit: boolean; value: number | null } {
  if (!('variable' in slice)) return slice;
  let value = variables[slice.variable];
  if (value === undefined) return { explicit: false, value: slice.absent };
  for (const name of slice.path) {
    if (value === null || value === undefined) break;
    if (typeof value !== 'object' || Array.isArray(value)) return { explicit: true, value: NOT_A_SIZE };
    value = Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : null;
  }
  return { explicit: true, value: sliceOfValue(value) };
}

/** What a coerced value says of a list's size: null where nothing. */
export function sliceOfValue(value: unknown): number | null {
  if (value === null || value === undefined) return null;
  if (Array.isArray(value)) return value.length;
  return typeof value === 'number' && value >= 0 ? Math.min(value, COST_MAX) : NOT_A_SIZE;
}

/** What a coerced value of an input type costs; null is nothing and the items of a list are summed. */
export function inputCost(value: unknown, nodes: readonly InputCost[], at: number): number {
  if (value === null || value === undefined) return 0;
  if (Array.isArray(value)) {
    return value.reduce((sum: number, item) => addCosts(sum, inputCost(item, nodes, at)), 0);
  }
  const node = nodes[at];
  if (node === undefined) return 0;
  let cost = node.weight;
  for (const [name, next] of node.fields) {
    if (Object.hasOwn(value, name))
      cost = addCosts(cost, inputCost((value as Record<string, unknown>)[name], nodes, next));
  }
  return cost;
}
