import type { Clock } from './clock.ts';
import { type Config, subgraphSettings } from './config/config.ts';
import { createApolloExecutor } from './execution/apollo/apollo-executor-client.ts';
import type { AssertionMinter } from './execution/assertion.ts';
import type { Executor } from './execution/executor.ts';
import { leafChecks } from './execution/leaf-values.ts';
import { createNativeExecutor } from './execution/native/native-executor.ts';
import { createSubgraphTransport } from './execution/native/subgraph-transport-client.ts';
import type { GraphView } from './execution/respond.ts';
import type { SubgraphSettings } from './execution/subgraph-settings.ts';
import { type Compiler, createCompiler } from './operation/compiler-pool.ts';
import type { Supergraph } from './supergraph/supergraph.ts';

/** One generation of the graph with what compiles and runs operations on it. */
export interface Graph {
  readonly supergraph: Supergraph;
  readonly compiler: Compiler;
  readonly executor: Executor;
  readonly view: GraphView;
  close(): Promise<void>;
}

/** Connections to one subgraph; reason: as many requests as a subgraph on one core can usefully have at once. */
const SUBGRAPH_CONNECTIONS_MAX = 128;

/**
 * Starts what depends on one supergraph: compile workers, executor, the view that answers are made with.
 * Throws: SUPERGRAPH_INVALID where the executor cannot load it.
 */
export async function startGraph(
  supergraph: Supergraph,
  config: Config,
  deps: { readonly minter: AssertionMinter; readonly clock: Clock },
): Promise<Graph> {
  const subgraphs = supergraph.subgraphs.map(
    ({ name, url }): SubgraphSettings => ({ url, ...subgraphSettings(config, name), name }),
  );
  const native = config.execution.engine === 'native';
  const compiler = await createCompiler(supergraph, {
    ...config.compile,
    limits: config.limits,
    plans: native,
  });
  const transport = {
    subgraphs,
    guard: config.execution.guard,
    deduplicate: config.execution.deduplicate,
    responseBytesMax: config.execution.responseBytes,
    connectionsMax: SUBGRAPH_CONNECTIONS_MAX,
  };
  const { minter } = deps;
  const { now, nowUs } = deps.clock;
  const executor = native
    ? createNativeExecutor({
        schema: supergraph.apiSchema,
        transport: createSubgraphTransport(transport, { minter, now }),
        nowUs,
      })
    : await createApolloExecutor(
        { ...transport, strippedSdl: supergraph.strippedSdl },
        { minter, now, nowUs },
      ).catch(async (fault: unknown) => {
        await compiler.close();
        throw fault;
      });
  return {
    supergraph,
    compiler,
    executor,
    view: {
      isLeaf: leafChecks(supergraph.apiSchema),
      subgraphs: new Map(subgraphs.map((subgraph) => [subgraph.name, subgraph])),
    },
    close: async () => {
      await Promise.all([compiler.close(), executor.close()]);
    },
  };
}
