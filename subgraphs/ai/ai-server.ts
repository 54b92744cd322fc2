import { randomUUID } from 'node:crypto';
import { readTypeDefs } from '../kit/schema-source.ts';
import { type RunningSubgraph, type SubgraphPlacement, startSubgraph } from '../kit/subgraph-server.ts';
import type { ProviderFailure } from './ai-error.ts';
import { NO_BUDGETS } from './budget/budget-config.ts';
import { type BudgetSetup, startLedger } from './budget/start-ledger.ts';
import { GENERATED_TEXTS_MAX } from './generated-text.ts';
import { createModelCatalog } from './model-catalog.ts';
import { type ProviderConfig, parseProviderConfigs } from './provider-config.ts';
import { type AiLoaders, createAiResolvers } from './resolvers.ts';
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
  /** Bound of one provider call. Units: milliseconds; default 30,000. */
  readonly timeoutMs?: number;
  /** Prices and budgets. Default: only what the callers' plans say. */
  readonly budget?: BudgetSetup;
  /** How providers are reached. Default: the global fetch. */
  readonly fetch?: typeof globalThis.fetch;
}

/**
 * Starts the AI subgraph.
 * Throws: ProviderConfigError.
 */
export async function startAi(options: AiOptions): Promise<RunningSubgraph> {
  const { providers, timeoutMs = TIMEOUT_MS_DEFAULT, fetch = globalThis.fetch, ...rest } = options;
  const { budget = NO_BUDGETS, ...placement } = rest;
  // The library would print to the process's warnings what a provider says of a call.
  globalThis.AI_SDK_LOG_WARNINGS = false;
  const log = placement.log ?? ((line: string) => void process.stderr.write(`${line}\n`));
  const reader = createTextReader();
  const catalog = createModelCatalog(parseProviderConfigs(providers ?? []), { reader, fetch });
  const onProviderFailure = (failure: ProviderFailure): void =>
    log(JSON.stringify({ level: 'error', subgraph: 'ai', ...failure }));
  const { ledger, close } = startLedger(budget, log);
  const running = await startSubgraph({
    ...placement,
    log,
    name: 'ai',
    createLoaders: (): AiLoaders => ({
      turns: createTurns({ atOnceMax: GENERATED_AT_ONCE_MAX, max: GENERATED_TEXTS_MAX }),
    }),
    typeDefs: readTypeDefs(import.meta.url),
    resolvers: createAiResolvers({
      ...{ catalog, reader, ledger, timeoutMs, onProviderFailure, now: Date.now, newId: randomUUID },
    }),
  }).catch(async (fault: unknown) => {
    await close();
    throw fault;
  });
  return {
    url: running.url,
    close: async () => {
      await running.close();
      await close();
    },
  };
}
