import { ApolloGateway, type GraphQLDataSource, type GraphQLDataSourceProcessOptions } from '@apollo/gateway';
import { type DocumentNode, GraphQLError, parse, print } from 'graphql';
import { LRUCache } from 'lru-cache';
import type { FetchRecord } from '../../audit/event.ts';
import { GatewayError } from '../../errors.ts';
import type { OperationVariant } from '../../operation/operation.ts';
import type { AssertionMinter } from '../assertion.ts';
import type { ExecutionError, ExecutionInput, ExecutionResult, Executor } from '../executor.ts';
import { findingsIn } from '../native/findings-in.ts';
import { modelsIn } from '../native/models-in.ts';
import type { SubgraphAnswer } from '../subgraph-answer.ts';
import { SubgraphClient } from '../subgraph-client.ts';
import { subgraphHeaders } from '../subgraph-headers.ts';
import type { SubgraphSettings } from '../subgraph-settings.ts';
import { takeChanges } from '../told-changes.ts';
import { introspectionIn } from './introspection.ts';

export interface ApolloExecutorOptions {
  readonly strippedSdl: string;
  readonly subgraphs: readonly SubgraphSettings[];
  readonly responseBytesMax: number;
  readonly connectionsMax: number;
  /** The gateway's own subgraph, which tells what its mutations change; null where there is none. */
  readonly tellsChanges?: string | null;
}

export interface ApolloExecutorDeps {
  readonly minter: AssertionMinter;
  /** Units: microseconds, monotonic. */
  readonly nowUs: () => number;
  /** Units: milliseconds since the epoch. */
  readonly now: () => number;
}

type GatewayExecutor = NonNullable<Awaited<ReturnType<ApolloGateway['load']>>['executor']>;
type GatewayExecutionResult = Awaited<ReturnType<GatewayExecutor>>;
type GatewayGraphQLResponse = Awaited<ReturnType<GraphQLDataSource['process']>>;

/** What travels through Apollo's executor with each request. */
interface RequestContext {
  readonly input: ExecutionInput;
  readonly fetches: FetchRecord[];
}

/** Parsed documents held; parsing again costs less than planning, which Apollo caches by itself. */
const DOCUMENTS_MAX = 1_000;

/** Loads the graph into Apollo's gateway, which plans and executes: the reference that our own engine is held against. */
export async function createApolloExecutor(
  options: ApolloExecutorOptions,
  deps: ApolloExecutorDeps,
): Promise<Executor> {
  // Apollo's gateway reports usage to its maker unless told not to; nothing of ours leaves the machine unasked.
  process.env['APOLLO_TELEMETRY_DISABLED'] = 'true';
  const client = new SubgraphClient(options, deps.now);
  const settings = new Map(options.subgraphs.map((subgraph) => [subgraph.name, subgraph]));
  const gateway = new ApolloGateway({
    supergraphSdl: options.strippedSdl,
    buildService: ({ name }) =>
      new SubgraphSource(settingsOf(settings, name), client, {
        ...deps,
        tellsChanges: name === options.tellsChanges,
      }),
    logger: SILENT,
  });
  try {
    const { executor } = await gateway.load();
    if (executor === null) throw new TypeError('Apollo gateway loaded without an executor.');
    return new ApolloExecutor(gateway, executor, client);
  } catch (cause) {
    await client.close();
    throw new GatewayError('SUPERGRAPH_INVALID', { cause, details: [{ message: (cause as Error).message }] });
  }
}

/** Reason: Apollo's texts can hold a subgraph's; what matters comes back as errors and is logged by the pipeline. */
const SILENT = { debug() {}, info() {}, warn() {}, error() {} };

function settingsOf(settings: ReadonlyMap<string, SubgraphSettings>, name: string): SubgraphSettings {
  const found = settings.get(name);
  if (found === undefined) throw new TypeError(`There are no settings for the subgraph "${name}".`);
  return found;
}

class ApolloExecutor implements Executor {
  readonly #gateway: ApolloGateway;
  readonly #executor: GatewayExecutor;
  readonly #client: SubgraphClient;
  readonly #documents = new LRUCache<string, DocumentNode>({ max: DOCUMENTS_MAX });

  constructor(gateway: ApolloGateway, executor: GatewayExecutor, client: SubgraphClient) {
    this.#gateway = gateway;
    this.#executor = executor;
    this.#client = client;
  }

  async execute(input: ExecutionInput): Promise<ExecutionResult> {
    const { variant } = input;
    if (variant.text === null) return { data: null, errors: [], fetches: [] };
    const context: RequestContext = { input, fetches: [] };
    const document = this.#document(variant, variant.text);
    const response = await this.#executor({
      request: {
        query: variant.text,
        operationName: variant.operationName ?? undefined,
        variables: input.variables,
      },
      document,
      queryHash: variant.id,
      operationName: variant.operationName,
      context,
      cache: undefined,
      logger: SILENT,
      metrics: {},
    } as unknown as Parameters<GatewayExecutor>[0]);
    const data = dataOf(response);
    const asked = introspectionIn(document);
    const told = asked === null || input.introspect === null ? {} : await input.introspect(print(asked));
    return {
      data: data === null ? null : { ...data, ...told },
      errors: errorsOf(response),
      fetches: context.fetches,
    };
  }

  /** Apollo's gateway plans subscriptions and cannot run them. */
  subscribe(): AsyncIterable<ExecutionResult> {
    const next = () => Promise.reject(new GatewayError('SUBSCRIPTION_NOT_SUPPORTED'));
    return { [Symbol.asyncIterator]: () => ({ next }) };
  }

  async close(): Promise<void> {
    await this.#gateway.stop();
    await this.#client.close();
  }

  #document(variant: OperationVariant, text: string): DocumentNode {
    const known = this.#documents.get(variant.id);
    if (known !== undefined) return known;
    const document = parse(text, { noLocation: true });
    this.#documents.set(variant.id, document);
    return document;
  }
}

interface SourceDeps extends ApolloExecutorDeps {
  readonly tellsChanges: boolean;
}

/** Carries Apollo's fetches over our own client, with the caller's assertion and only the headers that config names. */
class SubgraphSource implements GraphQLDataSource {
  readonly #subgraph: SubgraphSettings;
  readonly #client: SubgraphClient;
  readonly #deps: SourceDeps;

  constructor(subgraph: SubgraphSettings, client: SubgraphClient, deps: SourceDeps) {
    this.#subgraph = subgraph;
    this.#client = client;
    this.#deps = deps;
  }

  async process(options: GraphQLDataSourceProcessOptions): Promise<GatewayGraphQLResponse> {
    const { input, fetches } = options.context as RequestContext;
    const { query, variables, operationName } = options.request;
    if (input.switches?.isSubgraphOff(this.#subgraph.name) === true) throw this.#noAnswer('SWITCHED_OFF');
    const startedUs = this.#deps.nowUs();
    const answer = await this.#post(input, JSON.stringify({ query, variables, operationName }));
    fetches.push({
      subgraph: this.#subgraph.name,
      durationUs: Math.round(this.#deps.nowUs() - startedUs),
      status: answer.status,
      errors: errorCount(answer),
      planned: null,
      ...(this.#subgraph.modelReports === true ? { ...modelsIn(answer), ...findingsIn(answer) } : null),
    });
    if (this.#deps.tellsChanges) takeChanges(answer, input.changes);
    if (answer.kind === 'answer' && ('data' in answer.body || Array.isArray(answer.body['errors']))) {
      return answer.body as GatewayGraphQLResponse;
    }
    const code = answer.kind === 'failure' ? answer.code : 'DOWNSTREAM_SERVICE_ERROR';
    throw this.#noAnswer(code);
  }

  #noAnswer(code: string): GraphQLError {
    return new GraphQLError('The subgraph gave no GraphQL answer.', {
      extensions: { code, serviceName: this.#subgraph.name },
    });
  }

  async #post(input: ExecutionInput, body: string): Promise<SubgraphAnswer> {
    const assertion = await this.#deps.minter.assertionFor(
      input.principal,
      this.#subgraph.identity,
      this.#subgraph.budgetOf?.(input.principal),
    );
    const headers = subgraphHeaders(this.#subgraph, input.headers, assertion);
    const timeoutMs = Math.min(this.#subgraph.timeoutMs, input.deadlineMs - this.#deps.now());
    return this.#client.post({ ...this.#subgraph, timeoutMs }, { body, headers }, input.signal);
  }
}

function errorCount(answer: SubgraphAnswer): number {
  if (answer.kind === 'failure') return 1;
  const { errors } = answer.body;
  return Array.isArray(errors) ? errors.length : 0;
}

function dataOf({ data }: GatewayExecutionResult): Readonly<Record<string, unknown>> | null {
  return data ?? null;
}

function errorsOf({ errors }: GatewayExecutionResult): ExecutionError[] {
  return (errors ?? []).map(({ message, path, extensions }) => ({
    message,
    path: path ?? null,
    subgraph: typeof extensions?.['serviceName'] === 'string' ? extensions['serviceName'] : null,
    extensions: extensions ?? {},
  }));
}
