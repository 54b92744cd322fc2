import { ADMIN_SUBGRAPH } from './admin-subgraph.ts';
import type { Clock } from './clock.ts';
import { type Config, subgraphSettings } from './config/config.ts';
import type { EntitlementSource } from './control/entitlements.ts';
import type { AssertionMinter } from './execution/assertion.ts';
import type { Executor } from './execution/executor.ts';
import type { FetchTracing } from './execution/fetch-tracing.ts';
import { leafChecks } from './execution/leaf-values.ts';
import { createNativeExecutor } from './execution/native/native-executor.ts';
import type { SubgraphTransport } from './execution/native/subgraph-transport.ts';
import {
  createSubgraphTransport,
  type SubgraphTransportOptions,
} from './execution/native/subgraph-transport-client.ts';
import type { GraphView } from './execution/respond.ts';
import type { SubgraphSettings } from './execution/subgraph-settings.ts';
import { tellingChanges } from './execution/told-changes.ts';
import { type Compiler, createCompiler } from './operation/compiler-pool.ts';
import type { CostSizes } from './operation/cost/cost-schema.ts';
import { type WarmUpReport, warmUp } from './operation/warm-up.ts';
import type { Supergraph } from './supergraph/supergraph.ts';

/** One generation of the graph with what compiles and runs operations on it. */
export interface Graph {
  readonly supergraph: Supergraph;
  readonly compiler: Compiler;
  readonly executor: Executor;
  readonly view: GraphView;
  close(): Promise<void>;
}

/** The admin subgraph has to know who asks, and what it says is made for clients. */
const OF_ADMIN = { identity: 'principal', errors: 'passthrough', allowedExtensions: ['code'] } as const;

/** Connections to one subgraph; reason: as many requests as a subgraph on one core can usefully have at once. */
const SUBGRAPH_CONNECTIONS_MAX = 128;

/**
 * Starts what depends on one supergraph: compile workers, executor, the view that answers are made with.
 * Throws: SUPERGRAPH_INVALID where the executor cannot load it.
 */
export async function startGraph(
  supergraph: Supergraph,
  config: Config,
  deps: {
    readonly minter: AssertionMinter;
    readonly clock: Clock;
    /** Where the gateway serves the admin subgraph to itself; null where it does not. */
    readonly adminUrl: string | null;
    /** Null where subscriptions are not asked for. */
    readonly entitlements: Pick<EntitlementSource, 'allowanceFor'> | null;
    /** Null where nothing is traced. */
    readonly tracing: FetchTracing | null;
  },
): Promise<Graph> {
  const subgraphs = supergraph.subgraphs.map(({ name, url }): SubgraphSettings => {
    const { budgetFields, ...settings } = subgraphSettings(config, name);
    if (name === ADMIN_SUBGRAPH && deps.adminUrl !== null)
      return { ...settings, ...OF_ADMIN, url: deps.adminUrl, name };
    const { entitlements } = deps;
    if (budgetFields === undefined || entitlements === null) return { url, ...settings, name };
    return {
      ...{ url, ...settings, name },
      budgetOf: (principal) => entitlements.allowanceFor(principal, supergraph, budgetFields),
    };
  });
  const native = config.execution.engine === 'native';
  const compiler = await createCompiler(supergraph, {
    ...config.compile,
    limits: config.limits,
    plans: native,
    coverage: config.approvals.enforce,
    costSizes: config.cost.mode === 'off' ? null : costSizes(config),
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
        transport: transportOf(transport, { ...deps, now }),
        now,
        nowUs,
        modelReporters: new Set(subgraphs.flatMap((each) => (each.modelReports === true ? each.name : []))),
      })
    : await createReferenceExecutor(
        {
          ...{ ...transport, strippedSdl: supergraph.strippedSdl },
          tellsChanges: deps.adminUrl === null ? null : ADMIN_SUBGRAPH,
        },
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
      leafChecks: leafChecks(supergraph.apiSchema),
      subgraphs: new Map(subgraphs.map((subgraph) => [subgraph.name, subgraph])),
    },
    close: async () => {
      await Promise.all([compiler.close(), executor.close()]);
    },
  };
}

/** The way to the subgraphs; what the gateway's own changes is told to the audit. */
function transportOf(
  options: SubgraphTransportOptions,
  deps: Parameters<typeof createSubgraphTransport>[1] & { readonly adminUrl: string | null },
): SubgraphTransport {
  const transport = createSubgraphTransport(options, deps);
  return deps.adminUrl === null ? transport : tellingChanges(transport, ADMIN_SUBGRAPH);
}

/** Apollo's own executor; it takes longer to load than all the rest, so it is loaded where it is asked for. */
async function createReferenceExecutor(
  ...given: Parameters<typeof import('./execution/apollo/apollo-executor-client.ts').createApolloExecutor>
): Promise<Executor> {
  const { createApolloExecutor } = await import('./execution/apollo/apollo-executor-client.ts');
  return createApolloExecutor(...given);
}

/** Compiles on the next generation what the one in place has in use, so that nobody waits for it after the swap. */
export function warmGraph(next: Graph, current: Graph | null, config: Config): Promise<WarmUpReport> {
  const { operations, timeoutMs } = config.compile.warmUp;
  return warmUp(current?.compiler.hottest(operations) ?? [], {
    compile: (text, operationName) => next.compiler.compile(text, operationName),
    atOnceMax: config.compile.workers,
    timeoutMs,
  });
}

/** Sizes of lists about which the schema says nothing. */
export function costSizes({ cost }: Config): CostSizes {
  const perSubgraph = new Map(
    Object.entries(cost.perSubgraph).flatMap(([name, { listSize }]) =>
      listSize === undefined ? [] : [[name, listSize] as const],
    ),
  );
  return { listSize: cost.listSize, perSubgraph };
}
