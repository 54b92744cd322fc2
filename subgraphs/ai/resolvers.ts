import { requireScope } from '../kit/access.ts';
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
import type { ChatResult } from './chat-answer.ts';
import { type GeneratedText, generationInput } from './generated-text.ts';
import type { GuardrailName } from './guardrails/finding.ts';
import { guardedModerate } from './guardrails/guarded-path.ts';
import { type AiModel, stageOf } from './model-catalog.ts';
import { countText, entities, keywords, summarize } from './text-analysis.ts';
import type { ReadText } from './text-reader.ts';
import type { Turns } from './turns.ts';

/** What one request has of its own. */
export interface AiLoaders {
  readonly turns: Turns;
}

/** A text on its way through the fields of `TextAnalysis`. */
interface AnalyzedText {
  readonly original: string;
  readonly read: ReadText;
}

const GUARDRAIL_NAMES: Readonly<Record<string, GuardrailName>> = {
  ...{ PII: 'pii', SECRETS: 'secrets', INJECTION: 'injection', TOPICS: 'topics', SIZES: 'sizes' },
  OUTPUT_SCHEMA: 'outputSchema',
};

/** Makes the resolvers of the schema over what asking models needs. */
export function createAiResolvers(parts: LoggedParts) {
  const { catalog, reader } = parts;
  return {
    Query: {
      aiModels: () => catalog.models,
      aiModel: (_source: unknown, { id }: { id: string }) => catalog.find(id),
      aiAliases: (_source: unknown, _arguments: unknown, { principal }: SubgraphContext) =>
        parts.routes.aliases(principal.tenant),
      aiAnalyze: (_source: unknown, { text }: { text: string }): AnalyzedText => {
        checkAnalyzeText(text);
        return { original: text, read: reader.read(text) };
      },
    },
    Mutation: {
      chat: (_source: unknown, { input }: { input: ChatInput }, { principal }: SubgraphContext) => {
        requireScope(principal, 'ai:chat');
        checkChatInput(input);
        return loggedChat(parts, { input, caller: principal, field: 'Mutation.chat' });
      },
      embed: (_source: unknown, { input }: { input: EmbedInput }, { principal }: SubgraphContext) => {
        requireScope(principal, 'ai:embed');
        checkEmbedInput(input);
        return loggedEmbed(parts, { input, caller: principal, field: 'Mutation.embed' });
      },
      moderate: (_source: unknown, { input }: { input: EmbedInput }, { principal }: SubgraphContext) => {
        if (!principal.scopes.has('ai:moderate')) requireScope(principal, 'ai:chat');
        checkEmbedInput(input);
        return guardedModerate(parts, { input, caller: principal, field: 'Mutation.moderate' });
      },
    },
    Subscription: {
      chatStream: {
        subscribe: (_source: unknown, { input }: { input: ChatInput }, { principal }: SubgraphContext) => {
          requireScope(principal, 'ai:chat');
          checkChatInput(input);
          return openLoggedChat(parts, { input, caller: principal, field: 'Subscription.chatStream' });
        },
        resolve: (event: unknown) => event,
      },
    },
    AiModel: {
      __resolveReference: ({ id }: { id: string }) => catalog.find(id),
      lifecycle: (model: AiModel) => stageOf(model, parts.now()),
      replacement: ({ replacementId }: AiModel) =>
        replacementId === null ? null : catalog.find(replacementId),
    },
    GuardrailName: GUARDRAIL_NAMES,
    GuardrailDirection: { INPUT: 'input', OUTPUT: 'output' },
    GuardrailAction: { BLOCK: 'block', MASK: 'mask', REPORT: 'report' },
    ChatResult: { guardrails: ({ guardrails }: ChatResult) => guardrails ?? [] },
    GeneratedText: {
      __resolveReference: (key: GeneratedText) => key,
      answer: generate(parts),
    },
    TextAnalysis: {
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
    },
  };
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
    return loaders.turns.take(() =>
      loggedChat(parts, { input, caller: principal, field: 'GeneratedText.answer' }),
    );
  };
}
