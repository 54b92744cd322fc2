import { requireScope } from '../kit/access.ts';
import type { SubgraphPrincipal } from '../kit/assertion.ts';
import type { SubgraphContext } from '../kit/subgraph-server.ts';
import {
  type ChatInput,
  checkAnalyzeText,
  checkChatInput,
  checkEmbedInput,
  checkFirst,
  type EmbedInput,
} from './ai-input.ts';
import { type LoggedParts, loggedChat, loggedEmbed, openLoggedChat } from './bodies/logged-path.ts';
import type { ChatEvent, ChatResult } from './chat-answer.ts';
import { type GeneratedText, generationInput } from './generated-text.ts';
import type { Finding, GuardrailName } from './guardrails/finding.ts';
import { type AskedTexts, guardedModerate } from './guardrails/guarded-path.ts';
import { type AiModel, stageOf } from './model-catalog.ts';
import type { ModelReport } from './model-report.ts';
import type { Capability } from './provider-config.ts';
import type { AttemptRecord } from './routing/run-attempts.ts';
import { countText, entities, keywords, summarize } from './text-analysis.ts';
import type { ReadText } from './text-reader.ts';
import type { Turns } from './turns.ts';

/** What one request has of its own. */
export interface AiLoaders {
  readonly turns: Turns;
  /** What models were asked, for the gateway's audit. */
  readonly report: ModelReport;
}

/** A text on its way through the fields of `TextAnalysis`. */
interface AnalyzedText {
  readonly original: string;
  readonly read: ReadText;
}

const GUARDRAIL_NAMES: Readonly<Record<string, GuardrailName>> = {
  ...{ PII: 'pii', SECRETS: 'secrets', INJECTION: 'injection', TOPICS: 'topics', SIZES: 'sizes' },
  ...{ IMAGES: 'images', OUTPUT_SCHEMA: 'outputSchema' },
};

/** What guardrails found, also where there are none. */
const GUARDED = { guardrails: ({ guardrails }: Pick<ChatResult, 'guardrails'>) => guardrails ?? [] };

/** The fields of a text that was read. */
const TEXT_ANALYSIS = {
  sentiment: ({ read }: AnalyzedText) => read.sentiment,
  summary: ({ read }: AnalyzedText) => summarize(read),
  keywords: ({ read }: AnalyzedText, { first }: { first: number }) => {
    checkFirst(first);
    return keywords(read, first);
  },
  entities: ({ read }: AnalyzedText, { first }: { first: number }) => {
    checkFirst(first);
    return entities(read, first);
  },
  counts: ({ original }: AnalyzedText) => countText(original),
};

/** Makes the resolvers of the schema over what asking models needs. */
export function createAiResolvers(parts: LoggedParts) {
  const { catalog, reader } = parts;
  return {
    Query: {
      aiModels: (_source: unknown, { mine }: { mine: boolean }, { principal }: SubgraphContext) =>
        mine ? catalog.models.filter((model) => isFor(parts, principal, model)) : catalog.models,
      aiModel: (
        _source: unknown,
        { id, mine }: { id: string; mine: boolean },
        { principal }: SubgraphContext,
      ) => {
        const model = catalog.find(id);
        return model !== null && mine && !isFor(parts, principal, model) ? null : model;
      },
      aiAliases: (_source: unknown, _arguments: unknown, { principal }: SubgraphContext) =>
        parts.routes.aliases(principal.tenant),
      aiAnalyze: (_source: unknown, { text }: { text: string }): AnalyzedText => {
        checkAnalyzeText(text);
        return { original: text, read: reader.read(text) };
      },
    },
    Mutation: {
      chat: async (
        _source: unknown,
        { input }: { input: ChatInput },
        { principal, loaders }: SubgraphContext<AiLoaders>,
      ) => {
        requireScope(principal, 'ai:chat');
        checkChatInput(input);
        const result = await loggedChat(parts, { input, caller: principal, field: 'Mutation.chat' });
        loaders.report.add(result);
        return result;
      },
      embed: (_source: unknown, { input }: { input: EmbedInput }, context: SubgraphContext<AiLoaders>) => {
        requireScope(context.principal, 'ai:embed');
        checkEmbedInput(input);
        return reporting(context, 'Mutation.embed', (asked) => loggedEmbed(parts, { ...asked, input }));
      },
      moderate: (_source: unknown, { input }: { input: EmbedInput }, context: SubgraphContext<AiLoaders>) => {
        if (!context.principal.scopes.has('ai:moderate')) requireScope(context.principal, 'ai:chat');
        checkEmbedInput(input);
        return reporting(context, 'Mutation.moderate', (asked) =>
          guardedModerate(parts, { ...asked, input }),
        );
      },
    },
    Subscription: {
      chatStream: {
        subscribe: (_source: unknown, { input }: { input: ChatInput }, { principal }: SubgraphContext) => {
          requireScope(principal, 'ai:chat');
          checkChatInput(input);
          return openLoggedChat(parts, { input, caller: principal, field: 'Subscription.chatStream' });
        },
        resolve: (event: ChatEvent, _arguments: unknown, { loaders }: SubgraphContext<AiLoaders>) => {
          loaders.report.add(event);
          return event;
        },
      },
    },
    AiModel: {
      __resolveReference: ({ id }: { id: string }) => catalog.find(id),
      price: ({ id }: AiModel) => priceShown(parts, id),
      lifecycle: (model: AiModel) => stageOf(model, parts.now()),
      replacement: ({ replacementId }: AiModel) =>
        replacementId === null ? null : catalog.find(replacementId),
    },
    GuardrailName: GUARDRAIL_NAMES,
    GuardrailDirection: { INPUT: 'input', OUTPUT: 'output' },
    GuardrailAction: { BLOCK: 'block', MASK: 'mask', REPORT: 'report' },
    ChatResult: GUARDED,
    EmbeddingResult: GUARDED,
    ModerationResult: GUARDED,
    GeneratedText: {
      __resolveReference: (key: GeneratedText) => key,
      answer: generate(parts),
    },
    TextAnalysis: TEXT_ANALYSIS,
  };
}

/** Asks about texts, and reports what guardrails found in them, also where that refuses them, and which models were asked. */
async function reporting<
  T extends {
    readonly attempts: readonly AttemptRecord[];
    readonly model: AiModel;
    readonly cachedTexts?: number;
  },
>(
  { principal: caller, loaders: { report } }: SubgraphContext<AiLoaders>,
  field: string,
  ask: (asked: Omit<AskedTexts, 'input'>) => Promise<T>,
): Promise<T> {
  const onFindings = (guardrails: readonly Finding[]): void => report.add({ guardrails });
  const result = await ask({ caller, field, onFindings });
  const { attempts, model, cachedTexts = 0 } = result;
  report.add({ attempts, cache: cachedTexts === 0 ? null : { model } });
  return result;
}

/** By which fields a model is asked for what it can do. */
const FIELDS_OF: ReadonlyMap<Capability, readonly string[]> = new Map([
  ['CHAT', ['Mutation.chat', 'Subscription.chatStream']],
  ['EMBEDDINGS', ['Mutation.embed']],
  ['MODERATION', ['Mutation.moderate']],
]);

/** Whether the plans of a caller permit a model, and it is still asked. */
function isFor({ ledger, now }: LoggedParts, caller: SubgraphPrincipal, model: AiModel): boolean {
  if (stageOf(model, now()) === 'RETIRED') return false;
  const fields = model.capabilities.flatMap((capability) => FIELDS_OF.get(capability) ?? []);
  return fields.some((field) => ledger.permits({ caller, field, model: model.id }));
}

function priceShown({ ledger: { config } }: LoggedParts, id: string) {
  const price = config.prices.models.get(id);
  return price === undefined ? null : { version: config.prices.version, ...price };
}

function generate(parts: LoggedParts) {
  return (
    text: GeneratedText,
    { model }: { model: string },
    { principal, loaders }: SubgraphContext<AiLoaders>,
  ) => {
    requireScope(principal, 'ai:chat');
    const input = generationInput(text, model);
    checkChatInput(input);
    return loaders.turns.take(async () => {
      const result = await loggedChat(parts, { input, caller: principal, field: 'GeneratedText.answer' });
      loaders.report.add(result);
      return result;
    });
  };
}
