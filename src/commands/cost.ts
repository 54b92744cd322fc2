import { readConfig } from '../config/config-source.ts';
import { GatewayError } from '../errors.ts';
import type { CostLine } from '../operation/cost/build-cost.ts';
import { evaluateCost, evaluateNodes } from '../operation/cost/evaluate-cost.ts';
import { COST_MAX } from '../operation/cost/formula.ts';

interface CostOptions {
  readonly config: string;
  readonly query: string;
  /** JSON object. */
  readonly variables?: string;
  readonly operation?: string;
}

function parseVariables(text: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = null;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new GatewayError('BAD_USER_INPUT', { details: [{ message: '--variables must be a JSON object' }] });
  }
  return Object.assign(Object.create(null), value);
}

/**
 * `portcullis cost`: explains what an operation would cost a caller who may see everything, line by line.
 * Throws: CONFIG_INVALID, SUPERGRAPH_INVALID, COMPOSITION_FAILED, and what compiling and its variables throw.
 */
export async function explainCost(options: CostOptions, environment: NodeJS.ProcessEnv): Promise<void> {
  const config = await readConfig(options.config, environment);
  const given = parseVariables(options.variables ?? '{}');
  // Apollo's planner takes a second to load: not before the input is known to be good.
  const { sourceOptions } = await import('../gateway.ts');
  const { costSizes } = await import('../graph.ts');
  const { createSupergraphSource } = await import('../supergraph/supergraph-source.ts');
  const { compileOperation } = await import('../operation/compile.ts');
  const { createPlanner } = await import('../operation/plan-operation.ts');
  const { coerceVariables } = await import('../operation/variables.ts');
  const source = createSupergraphSource(sourceOptions(config));
  try {
    const graph = await source.load();
    const { facts, variant } = compileOperation(options.query, options.operation ?? null, {
      supergraphId: graph.id,
      schema: graph.apiSchema,
      policy: graph.policy,
      limits: config.limits,
      planner: config.execution.engine === 'native' ? createPlanner(graph.strippedSdl) : null,
      coverage: false,
      cost: { rules: graph.costRules, sizes: costSizes(config) },
    });
    const lines: CostLine[] = [];
    const unmasked = variant('', lines);
    const operation = { ...facts, hash: '', supergraphId: graph.id, planFor: async () => unmasked };
    const variables = coerceVariables(operation, given, graph);
    if (unmasked.cost === null) throw new GatewayError('INTERNAL_SERVER_ERROR');
    const values = evaluateNodes(unmasked.cost, variables, new Set());
    const at = (index: number): number => values[index] ?? COST_MAX;
    const { estimated, perSubgraph, faults } = evaluateCost(unmasked.cost, variables);
    const told = [
      ...(facts.type === 'mutation' ? ['mutation = 10'] : []),
      ...lines.map(
        (line) =>
          `${'  '.repeat(line.path.length - 1)}${line.path.at(-1)} (${line.coordinate}): ${at(line.instances)} × ${at(line.item)} + ${at(line.arguments)} = ${at(line.total)}`,
      ),
      `estimated ${estimated}, max ${config.cost.max}, mode ${config.cost.mode}`,
      ...[...perSubgraph].map(([name, cost]) => `in ${name} ${cost}`),
      ...faults.map((coordinate) => `fault: the slicing arguments of ${coordinate}`),
    ];
    process.stdout.write(`${told.join('\n')}\n`);
  } finally {
    await source.close();
  }
}
