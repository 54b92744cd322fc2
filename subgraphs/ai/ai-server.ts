import { randomUUID } from 'node:crypto';
import { ZodError } from 'zod';
import { readTypeDefs } from '../kit/schema-source.ts';
import { type RunningSubgraph, type SubgraphPlacement, startSubgraph } from '../kit/subgraph-server.ts';
import type { BodiesConfig } from './bodies/bodies-config.ts';
import { startBodies } from './bodies/start-bodies.ts';
import { NO_BUDGETS } from './budget/budget-config.ts';
import { type BudgetSetup, startLedger } from './budget/start-ledger.ts';
import { createAnswerCache } from './cache/answer-cache.ts';
import { type CacheConfig, parseCache } from './cache/cache-config.ts';
import { createVectorCache } from './cache/vector-cache.ts';
import type { CredentialsConfig } from './credentials/credentials-config.ts';
import { startCredentials } from './credentials/start-credentials.ts';
import { createGuardedFetch } from './endpoint/guarded-fetch-client.ts';
import { GENERATED_TEXTS_MAX } from './generated-text.ts';
import { compileGuardrails } from './guardrails/compile-guardrails.ts';
import { parseGuardrails } from './guardrails/guardrails-config.ts';
import { createModelCatalog, type ModelCatalog } from './model-catalog.ts';
import { ModelReport } from './model-report.ts';
import { type ProviderConfig, ProviderConfigError, parseProviderConfigs } from './provider-config.ts';
import { type AiLoaders, createAiResolvers } from './resolvers.ts';
import { createKeyHealth } from './routing/key-health.ts';
import { createRoutes, type Routes } from './routing/routes.ts';
import { parseAliases, parseRouting, type RoutingConfig } from './routing/routing-config.ts';
import { createTextReader } from './text-reader.ts';
import { createTurns } from './turns.ts';

/** As long as gateways commonly wait for a subgraph. */
const TIMEOUT_MS_DEFAULT = 30_000;

/** Calls of one request at a provider at once, so that one list does not use up its limit. */
const GENERATED_AT_ONCE_MAX = 4;

/** Where the subgraph listens, whom it trusts and which providers it may ask. */
export interface AiOptions extends SubgraphPlacement {
  /** Default none: the offline models are always there. */
  readonly providers?: readonly ProviderConfig[];
  /** Names that stand for several models. Default: none. */
  readonly aliases?: unknown;
  /** How attempts are made. Default: see docs/ai.md. */
  readonly routing?: unknown;
  /** Whose answers are kept, and for how long. Default: nobody's. */
  readonly cache?: unknown;
  /** What is looked for in texts of callers and models. Default: nothing. */
  readonly guardrails?: unknown;
  /** Where keys of providers are kept that are not in the configuration. Default: nowhere. */
  readonly credentials?: CredentialsConfig;
  /** How questions and answers are kept for tenants that want it; needs the database. Default: none are. */
  readonly bodies?: BodiesConfig;
  /** Bound of one provider call. Units: milliseconds; default 30,000. */
  readonly timeoutMs?: number;
  /** Prices and budgets. Default: only what the callers' plans say. */
  readonly budget?: BudgetSetup;
  /** How providers are reached. Default: public addresses, and what the configuration names. */
  readonly fetch?: typeof globalThis.fetch;
}

/**
 * Starts the AI subgraph.
 * Throws: ProviderConfigError.
 */
export async function startAi(options: AiOptions): Promise<RunningSubgraph> {
  const opened = new AsyncDisposableStack();
  try {
    const { url, close } = await serve(options, opened);
    opened.defer(close);
    return { url, close: () => opened.disposeAsync() };
  } catch (fault) {
    await opened.disposeAsync();
    throw fault;
  }
}

/** Throws: ProviderConfigError. */
async function serve(options: AiOptions, opened: AsyncDisposableStack): Promise<RunningSubgraph> {
  const { providers, timeoutMs = TIMEOUT_MS_DEFAULT, fetch, ...rest } = options;
  const { aliases, routing: bounds, credentials, cache: kept, ...others } = rest;
  const budget: BudgetSetup = options.budget ?? NO_BUDGETS;
  const { budget: _budget, guardrails: looked, bodies: keeping, ...placement } = others;
  // The library would print to the process's warnings what a provider says of a call.
  globalThis.AI_SDK_LOG_WARNINGS = false;
  const log = placement.log ?? ((line: string) => void process.stderr.write(`${line}\n`));
  const tell = (fields: object): void => log(JSON.stringify({ level: 'error', subgraph: 'ai', ...fields }));
  const reader = createTextReader();
  const configs = parseProviderConfigs(providers ?? []);
  const guarded = createGuardedFetch({ named: namedHosts(configs, credentials) });
  opened.defer(() => guarded.close());
  const held = credentials === undefined ? null : startCredentials(credentials, { configs, log });
  opened.defer(() => held?.close());
  const catalog = createModelCatalog(configs, {
    ...{ reader, fetch: fetch ?? guarded.fetch },
    ...(held === null ? {} : { vault: held.vault }),
  });
  const { routes, routing, cache } = parseUse({ aliases, routing: bounds, cache: kept }, catalog);
  const { ledger, close } = startLedger(budget, log);
  opened.defer(close);
  const bodies = bodiesOf(keeping, { databaseUrl: budget.databaseUrl, log });
  opened.defer(async () => bodies?.close());
  return startSubgraph({
    ...placement,
    log,
    name: 'ai',
    createLoaders: (): AiLoaders => ({
      turns: createTurns({ atOnceMax: GENERATED_AT_ONCE_MAX, max: GENERATED_TEXTS_MAX }),
      report: new ModelReport(),
    }),
    extensionsOf: ({ report }) => report.extensions(),
    typeDefs: readTypeDefs(import.meta.url),
    resolvers: createAiResolvers({
      ...{ catalog, reader, ledger, timeoutMs, routes, routing, bodies: bodies?.bodies ?? null },
      guardrails: checkedBy('guardrails', () => compileGuardrails(parseGuardrails(looked))),
      onGuardrails: (report) => tell({ level: 'warn', event: 'guardrails', ...report }),
      onProviderFailure: tell,
      cache: cache === null ? null : createAnswerCache(cache, Date.now),
      vectors: cache === null ? null : createVectorCache(cache, Date.now),
      ...{ now: Date.now, random: Math.random, newId: randomUUID },
      health: createKeyHealth(routing, Date.now),
    }),
  });
}

/** Throws: ProviderConfigError. */
function bodiesOf(
  config: BodiesConfig | undefined,
  { databaseUrl, log }: { readonly databaseUrl: string | undefined; readonly log: (line: string) => void },
) {
  if (config === undefined) return null;
  if (databaseUrl === undefined)
    throw new ProviderConfigError(['bodies: are kept in the database: AI_DATABASE_URL is not set']);
  return startBodies(config, { databaseUrl, log });
}

/** Who writes the configuration may name what is on this machine or in its network. */
function namedHosts(
  configs: readonly ProviderConfig[],
  credentials: CredentialsConfig | undefined,
): ReadonlySet<string> {
  const urls = [...configs.flatMap(({ baseURL }) => baseURL ?? []), ...(credentials?.endpoints ?? [])];
  return new Set(urls.map((url) => new URL(url).hostname));
}

/** Throws: ProviderConfigError. */
function parseUse(
  value: { readonly aliases: unknown; readonly routing: unknown; readonly cache: unknown },
  catalog: ModelCatalog,
): { readonly routes: Routes; readonly routing: RoutingConfig; readonly cache: CacheConfig | null } {
  return checkedBy(null, () => {
    const embedding = catalog.models.filter(({ capabilities }) => capabilities.includes('EMBEDDINGS'));
    const cache = parseCache(value.cache, new Set(embedding.map(({ id }) => id)));
    const aliases = parseAliases(value.aliases, new Set(catalog.models.map(({ id }) => id)));
    const routes = createRoutes(aliases, { catalog, now: Date.now, random: Math.random });
    return { routes, routing: parseRouting(value.routing), cache };
  });
}

/** Throws: ProviderConfigError. */
function checkedBy<T>(section: string | null, parse: () => T): T {
  try {
    return parse();
  } catch (fault) {
    if (!(fault instanceof ZodError)) throw fault;
    const placed = (path: readonly PropertyKey[]): string =>
      [...(section === null ? [] : [section]), ...path].join('.');
    throw new ProviderConfigError(fault.issues.map(({ path, message }) => `${placed(path)}: ${message}`));
  }
}
