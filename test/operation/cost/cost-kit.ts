import { composeServices } from '@apollo/composition';
import { parse } from 'graphql';
import { compileOperation } from '../../../src/operation/compile.ts';
import { evaluateCost } from '../../../src/operation/cost/evaluate-cost.ts';
import type { CostEstimate, CostFormula } from '../../../src/operation/cost/formula.ts';
import { createPlanner } from '../../../src/operation/plan-operation.ts';
import { coerceVariables } from '../../../src/operation/variables.ts';
import { readSupergraph } from '../../../src/supergraph/read-supergraph.ts';
import type { Supergraph } from '../../../src/supergraph/supergraph.ts';
import { DEFAULT_LIMITS } from '../graph-kit.ts';

export const IMPORTS = '"@key", "@shareable", "@requiresScopes", "@cost", "@listSize"';

/** Replaces text of a composed supergraph: composition takes less than the specification of costs has. */
export type Edits = readonly (readonly [from: string, to: string])[];

/** Composes subgraphs named a, b and so on. `imports` is what each takes from federation. */
export function composeCosts(sdls: readonly string[], imports = IMPORTS, edits: Edits = []): Supergraph {
  const link = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: [${imports}])`;
  const { supergraphSdl, errors } = composeServices(
    sdls.map((sdl, index) => {
      const name = String.fromCharCode(97 + index);
      return { name, url: `http://127.0.0.1/${name}`, typeDefs: parse(`${link}\n${sdl}`) };
    }),
  );
  if (supergraphSdl === undefined) throw new Error(errors?.map(({ message }) => message).join('\n'));
  for (const [from] of edits) if (!supergraphSdl.includes(from)) throw new Error(`no ${from} to replace`);
  return readSupergraph(edits.reduce((sdl, [from, to]) => sdl.replaceAll(from, to), supergraphSdl));
}

export interface Costing {
  readonly variables?: Readonly<Record<string, unknown>>;
  readonly mask?: string;
  readonly listSize?: number;
  readonly perSubgraph?: ReadonlyMap<string, number>;
}

/** The formula of an operation as a worker would give it. */
export function formulaOf(graph: Supergraph, text: string, costing: Costing = {}): CostFormula {
  const { variant } = compiledFor(graph, text, costing);
  const { cost } = structuredClone(variant(costing.mask ?? ''));
  if (cost === null) throw new Error('costs are not counted');
  return cost;
}

/** What an operation costs, by the whole path from its text. */
export function costOf(graph: Supergraph, text: string, costing: Costing = {}): CostEstimate {
  const { facts } = compiledFor(graph, text, costing);
  const operation = { ...facts, hash: '', supergraphId: '', planFor: () => Promise.reject(new Error()) };
  const variables = coerceVariables(operation, costing.variables ?? {}, graph);
  return evaluateCost(formulaOf(graph, text, costing), variables);
}

function compiledFor(graph: Supergraph, text: string, costing: Costing) {
  return compileOperation(text, null, {
    supergraphId: graph.id,
    schema: graph.apiSchema,
    policy: graph.policy,
    limits: DEFAULT_LIMITS,
    planner: graph.subgraphs.length > 1 ? createPlanner(graph.strippedSdl) : null,
    coverage: false,
    cost: {
      rules: graph.costRules,
      sizes: { listSize: costing.listSize ?? 10, perSubgraph: costing.perSubgraph ?? new Map() },
    },
  });
}
