import { GatewayError } from '../../errors.ts';
import type { CostReport } from '../operation.ts';
import { evaluateCost } from './evaluate-cost.ts';
import { addCosts, type CostEstimate, type CostFormula } from './formula.ts';

/** What operations may cost. */
export interface CostLimits {
  readonly mode: 'off' | 'measure' | 'enforce';
  readonly max: number;
  readonly perSubgraph: ReadonlyMap<string, number>;
}

/** The cost of one request: estimated before it runs, actual once it has. */
export interface CostMeter {
  readonly report: CostReport;
  /**
   * Refuses an operation that costs more than it may, by itself or with what its batch has used; only where costs are enforced.
   * Throws: COST_QUERY_PARSE_FAILURE, COST_ESTIMATED_TOO_EXPENSIVE, SUBGRAPH_COST_ESTIMATED_TOO_EXPENSIVE.
   */
  enforce(used?: Map<string, number>): void;
  /** Takes the cost of what came back; gives the header fields that tell the cost. */
  settle(returned: number): Readonly<Record<string, string>>;
}

/** Estimates one operation; null where costs are not counted. `variables` must be coerced. */
export function meterCost(
  formula: CostFormula | null,
  variables: Readonly<Record<string, unknown>>,
  limits: CostLimits,
): CostMeter | null {
  if (formula === null || limits.mode === 'off') return null;
  const estimate = evaluateCost(formula, variables);
  const { estimated, base } = estimate;
  const { max } = limits;
  const report: { -readonly [Key in keyof CostReport]: CostReport[Key] } = { estimated, actual: null, max };
  return {
    report,
    enforce(used = new Map()) {
      if (limits.mode === 'enforce') enforce(estimate, limits, used);
    },
    settle(returned) {
      report.actual = addCosts(base, returned);
      return {
        'x-cost-estimated': String(estimated),
        'x-cost-actual': String(report.actual),
        'x-cost-max': String(max),
      };
    },
  };
}

function enforce(
  { estimated, faults, perSubgraph }: CostEstimate,
  limits: CostLimits,
  used: Map<string, number>,
): void {
  if (faults.length > 0) {
    throw new GatewayError('COST_QUERY_PARSE_FAILURE', {
      details: faults.map((coordinate) => ({
        message: `"${coordinate}" needs exactly one slicing argument, which is not negative.`,
      })),
    });
  }
  const total = spend(used, 'cost', estimated);
  if (total > limits.max) throw tooExpensive('COST_ESTIMATED_TOO_EXPENSIVE', total, limits.max);
  for (const [name, max] of limits.perSubgraph) {
    const cost = spend(used, `cost in ${name}`, perSubgraph.get(name) ?? 0);
    if (cost > max) throw tooExpensive('SUBGRAPH_COST_ESTIMATED_TOO_EXPENSIVE', cost, max);
  }
}

/** Adds to what was used under a name, and gives the sum. */
function spend(used: Map<string, number>, name: string, cost: number): number {
  const sum = addCosts(used.get(name) ?? 0, cost);
  used.set(name, sum);
  return sum;
}

function tooExpensive(
  code: 'COST_ESTIMATED_TOO_EXPENSIVE' | 'SUBGRAPH_COST_ESTIMATED_TOO_EXPENSIVE',
  estimated: number,
  max: number,
): GatewayError {
  return new GatewayError(code, {
    extensions: { cost: { estimated, max } },
    headers: { 'x-cost-estimated': String(estimated), 'x-cost-max': String(max) },
  });
}
