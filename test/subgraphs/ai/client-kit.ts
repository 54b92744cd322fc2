import type { ProviderFailure } from '../../../subgraphs/ai/ai-error.ts';
import type { ChatInput, EmbedInput } from '../../../subgraphs/ai/ai-input.ts';
import { NO_BUDGETS } from '../../../subgraphs/ai/budget/budget-config.ts';
import type { BudgetLedger } from '../../../subgraphs/ai/budget/budget-ledger.ts';
import { startLedger } from '../../../subgraphs/ai/budget/start-ledger.ts';
import type { AnswerCache } from '../../../subgraphs/ai/cache/answer-cache.ts';
import { cachedChat, openCachedChat } from '../../../subgraphs/ai/cached-chat.ts';
import type {
  ChatEvent,
  ChatResult,
  EmbeddingResult,
  ModerationResult,
} from '../../../subgraphs/ai/chat-answer.ts';
import type { PathParts } from '../../../subgraphs/ai/chat-path.ts';
import { runEmbed, runModerate } from '../../../subgraphs/ai/embed-path.ts';
import { createGuardedFetch } from '../../../subgraphs/ai/endpoint/guarded-fetch-client.ts';
import { createModelCatalog } from '../../../subgraphs/ai/model-catalog.ts';
import { parseProviderConfigs } from '../../../subgraphs/ai/provider-config.ts';
import { createKeyHealth } from '../../../subgraphs/ai/routing/key-health.ts';
import { createRoutes } from '../../../subgraphs/ai/routing/routes.ts';
import { parseAliases, parseRouting } from '../../../subgraphs/ai/routing/routing-config.ts';
import { createTextReader } from '../../../subgraphs/ai/text-reader.ts';
import type { SubgraphPrincipal } from '../../../subgraphs/kit/assertion.ts';
import { principal } from '../support.ts';

/** Counts tokens as the subgraph does. */
export const reader = createTextReader();

/** What a caller asks of models, without a server in between. */
export interface ModelClient {
  chat(input: ChatInput): Promise<ChatResult>;
  chatStream(input: ChatInput): Promise<AsyncIterableIterator<ChatEvent>>;
  embed(input: EmbedInput): Promise<EmbeddingResult>;
  moderate(input: EmbedInput): Promise<ModerationResult>;
}

/** What a client differs in. */
export interface ClientOptions {
  readonly timeoutMs: number;
  readonly failures: ProviderFailure[];
  /** Default: nothing is limited. */
  readonly ledger?: BudgetLedger;
  readonly caller?: SubgraphPrincipal;
  readonly aliases?: readonly object[];
  /** Default: no answer is kept. */
  readonly cache?: AnswerCache;
  /** Default: one attempt, and no memory of failures. */
  readonly routing?: object;
}

/** Fakes of providers are on this machine. */
const { fetch } = createGuardedFetch({ named: new Set(['127.0.0.1']) });

const FORGETFUL = { attemptsMax: 1, failuresMax: 1000, cooldownMsMax: 0, refusedMs: 0 };

/** What asking models of these providers needs. */
export function partsOf(providers: readonly object[], options: ClientOptions): PathParts {
  const { timeoutMs, failures, ledger = startLedger(NO_BUDGETS, () => undefined).ledger } = options;
  const catalog = createModelCatalog(parseProviderConfigs(providers), { reader, fetch });
  const aliases = parseAliases(options.aliases ?? [], new Set(catalog.models.map(({ id }) => id)));
  const routing = parseRouting(options.routing ?? FORGETFUL);
  return {
    ...{ catalog, routing, reader, ledger, timeoutMs, now: Date.now, random: Math.random },
    routes: createRoutes(aliases, { catalog, now: Date.now, random: Math.random }),
    health: createKeyHealth(routing, Date.now),
    cache: options.cache ?? null,
    newId: () => 'answer-1',
    onProviderFailure: (failure) => void failures.push(failure),
  };
}

/** A client of these providers. */
export function clientWith(providers: readonly object[], options: ClientOptions): ModelClient {
  const parts = partsOf(providers, options);
  const { caller = principal() } = options;
  return {
    chat: (input) => cachedChat(parts, { input, caller, field: 'Mutation.chat' }),
    chatStream: (input) => openCachedChat(parts, { input, caller, field: 'Subscription.chatStream' }),
    embed: (input) => runEmbed(parts, { input, caller, field: 'Mutation.embed' }),
    moderate: (input) => runModerate(parts, { input, caller, field: 'Mutation.moderate' }),
  };
}

/** A client of one provider, `house`, whose failures are kept. */
export function clientOf(
  { kind, ...rest }: { readonly kind: string; readonly models: readonly object[] } & Record<string, unknown>,
  options: ClientOptions,
): ModelClient {
  return clientWith([{ name: 'house', provider: kind, ...rest }], options);
}
