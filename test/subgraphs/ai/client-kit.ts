import type { ProviderFailure } from '../../../subgraphs/ai/ai-error.ts';
import type { ChatInput, EmbedInput } from '../../../subgraphs/ai/ai-input.ts';
import { NO_BUDGETS } from '../../../subgraphs/ai/budget/budget-config.ts';
import type { BudgetLedger } from '../../../subgraphs/ai/budget/budget-ledger.ts';
import { startLedger } from '../../../subgraphs/ai/budget/start-ledger.ts';
import type {
  ChatEvent,
  ChatResult,
  EmbeddingResult,
  ModerationResult,
} from '../../../subgraphs/ai/chat-answer.ts';
import { openChat, runChat } from '../../../subgraphs/ai/chat-path.ts';
import { runEmbed, runModerate } from '../../../subgraphs/ai/embed-path.ts';
import { createModelCatalog } from '../../../subgraphs/ai/model-catalog.ts';
import { parseProviderConfigs } from '../../../subgraphs/ai/provider-config.ts';
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

/** A client of one provider, `house`, whose failures are kept. */
export function clientOf(
  provider: {
    readonly kind: string;
    readonly apiKey: string;
    readonly baseURL: string;
    readonly models: readonly object[];
  },
  options: {
    readonly timeoutMs: number;
    readonly failures: ProviderFailure[];
    /** Default: nothing is limited. */
    readonly ledger?: BudgetLedger;
    readonly caller?: SubgraphPrincipal;
  },
): ModelClient {
  const { timeoutMs, failures, ledger = startLedger(NO_BUDGETS, () => undefined).ledger } = options;
  const { kind, ...rest } = provider;
  const configs = parseProviderConfigs([{ name: 'house', provider: kind, ...rest }]);
  const parts = {
    catalog: createModelCatalog(configs, { reader, fetch }),
    ...{ reader, ledger, timeoutMs, now: Date.now, newId: () => 'answer-1' },
    ...{ onProviderFailure: (failure: ProviderFailure) => void failures.push(failure) },
  };
  const { caller = principal() } = options;
  return {
    chat: (input) => runChat(parts, { input, caller, field: 'Mutation.chat' }),
    chatStream: (input) => openChat(parts, { input, caller, field: 'Subscription.chatStream' }),
    embed: (input) => runEmbed(parts, { input, caller, field: 'Mutation.embed' }),
    moderate: (input) => runModerate(parts, { input, caller, field: 'Mutation.moderate' }),
  };
}
