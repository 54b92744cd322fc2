import { createAnthropic } from '@ai-sdk/anthropic';
import { createGoogle } from '@ai-sdk/google';
import { createMistral } from '@ai-sdk/mistral';
import { createOpenAI } from '@ai-sdk/openai';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import type { EmbeddingModel } from 'ai';
import type { ChatModel } from './chat-call.ts';
import { createModerationModel, type ModerationModel } from './moderation.ts';
import { plainChats } from './plain-chats.ts';
import type { ProviderConfig, ProviderKind } from './provider-config.ts';

/** Models of one provider, reached with one key. What a provider has not, its configuration cannot ask for. */
export interface ProviderConnection {
  chat(id: string): ChatModel;
  embedding(id: string): Exclude<EmbeddingModel, string>;
  moderation(id: string): ModerationModel;
}

type Fetch = typeof globalThis.fetch;

/** How a provider is reached. */
export interface Reach {
  readonly apiKey: string | undefined;
  readonly fetch: Fetch;
}

/** Where each provider answers; stated here so that no environment variable can redirect a key. */
const BASE_URLS: Readonly<Record<Exclude<ProviderKind, 'openai-compatible'>, string>> = {
  openai: 'https://api.openai.com/v1',
  anthropic: 'https://api.anthropic.com/v1',
  google: 'https://generativelanguage.googleapis.com/v1beta',
  mistral: 'https://api.mistral.ai/v1',
};

/** The address that a provider is reached at. */
export function baseUrlOf({ provider, baseURL }: Pick<ProviderConfig, 'provider' | 'baseURL'>): string {
  return baseURL ?? (provider === 'openai-compatible' ? '' : BASE_URLS[provider]);
}

/** Connects to a provider; nothing is sent before a model is asked. */
export function connectProvider(config: ProviderConfig, { apiKey, fetch }: Reach): ProviderConnection {
  const baseURL = baseUrlOf(config);
  const moderation = (model: string) => createModerationModel({ baseURL, apiKey, model, fetch });
  const settings = { apiKey: apiKey ?? '', baseURL, fetch };
  switch (config.provider) {
    case 'openai-compatible': {
      const providerBy = (by: Fetch) =>
        createOpenAICompatible({
          ...{ name: config.name, baseURL, fetch: by },
          // Without these a stream tells no usage, and a schema is left out.
          ...{ includeUsage: true, supportsStructuredOutputs: true },
          ...(apiKey === undefined ? {} : { apiKey }),
        });
      const chat = plainChats((by) => providerBy(by).chatModel, fetch);
      return { chat, embedding: providerBy(fetch).embeddingModel, moderation };
    }
    case 'openai': {
      // Not the provider's default, which is the responses interface that compatible servers do not have.
      const chat = plainChats((by) => createOpenAI({ ...settings, fetch: by }).chat, fetch);
      return { chat, embedding: createOpenAI(settings).embeddingModel, moderation };
    }
    case 'anthropic':
      return { ...languageAndEmbedding(createAnthropic(settings)), moderation };
    case 'google':
      return { ...languageAndEmbedding(createGoogle(settings)), moderation };
    case 'mistral':
      return { ...languageAndEmbedding(createMistral(settings)), moderation };
  }
}

function languageAndEmbedding(provider: {
  languageModel(id: string): ChatModel;
  embeddingModel(id: string): Exclude<EmbeddingModel, string>;
}) {
  return {
    chat: (id: string) => provider.languageModel(id),
    embedding: (id: string) => provider.embeddingModel(id),
  };
}
