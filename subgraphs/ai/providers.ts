import { createAnthropic } from '@ai-sdk/anthropic';
import { createGoogle } from '@ai-sdk/google';
import { createMistral } from '@ai-sdk/mistral';
import { createOpenAI } from '@ai-sdk/openai';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { createProviderRegistry, customProvider, type EmbeddingModel, type LanguageModel } from 'ai';
import { boundFetch } from './bounded-fetch.ts';
import { createOfflineEmbeddingModel } from './offline-embedding-model.ts';
import { createOfflineLanguageModel } from './offline-language-model.ts';
import type { ProviderConfig, ProviderKind } from './provider-config.ts';
import type { TextReader } from './text-reader.ts';

type Capability = 'CHAT' | 'EMBEDDINGS';
type Fetch = typeof globalThis.fetch;

/** A model as the schema shows it. */
export interface AiModel {
  readonly id: string;
  readonly provider: string;
  readonly family: string;
  readonly capabilities: readonly Capability[];
  readonly contextWindow: number | null;
  readonly offline: boolean;
}

/** The models that can be asked. Invariant: only configured models are found, and only for what they can do. */
export interface ModelCatalog {
  readonly models: readonly AiModel[];
  find(id: string): AiModel | null;
  languageModel(id: string): LanguageModel | null;
  embeddingModel(id: string): EmbeddingModel | null;
}

/** Bytes that an answer may have: 64 embeddings of 3,072 numbers as JSON take under 5 MB. Units: bytes. */
const ANSWER_BYTES_MAX = 8 * 1024 * 1024;

/** Where each provider answers; stated here so that no environment variable can redirect a key. */
const BASE_URLS: Readonly<Record<Exclude<ProviderKind, 'openai-compatible'>, string>> = {
  openai: 'https://api.openai.com/v1',
  anthropic: 'https://api.anthropic.com/v1',
  google: 'https://generativelanguage.googleapis.com/v1beta',
  mistral: 'https://api.mistral.ai/v1',
};

const OFFLINE_MODELS: readonly AiModel[] = [
  describe('portcullis', { id: 'offline', capabilities: ['CHAT'] }, 'PORTCULLIS'),
  describe('portcullis', { id: 'offline-embedding', capabilities: ['EMBEDDINGS'] }, 'PORTCULLIS'),
];

function describe(provider: string, model: ProviderConfig['models'][number], family: string): AiModel {
  return {
    id: `${provider}/${model.id}`,
    provider,
    family,
    capabilities: model.capabilities,
    contextWindow: model.contextWindow ?? null,
    offline: family === 'PORTCULLIS',
  };
}

interface ModelFactory {
  chat(id: string): Exclude<LanguageModel, string>;
  /** Throws for a provider that has no embedding models, which its configuration cannot ask for. */
  embedding(id: string): Exclude<EmbeddingModel, string>;
}

function connect(config: ProviderConfig, fetch: Fetch): ModelFactory {
  const { provider: kind, apiKey = '' } = config;
  if (kind === 'openai-compatible') {
    const provider = createOpenAICompatible({
      name: config.name,
      baseURL: config.baseURL ?? '',
      fetch,
      // Without these a stream tells no usage, and a schema is left out.
      includeUsage: true,
      supportsStructuredOutputs: true,
      ...(config.apiKey === undefined ? {} : { apiKey: config.apiKey }),
    });
    return { chat: (id) => provider.chatModel(id), embedding: (id) => provider.embeddingModel(id) };
  }
  const settings = { apiKey, baseURL: config.baseURL ?? BASE_URLS[kind], fetch };
  switch (kind) {
    case 'openai': {
      const provider = createOpenAI(settings);
      // Not the provider's default, which is the responses interface that compatible servers do not have.
      return { chat: (id) => provider.chat(id), embedding: (id) => provider.embeddingModel(id) };
    }
    case 'anthropic': {
      const provider = createAnthropic(settings);
      return { chat: (id) => provider.languageModel(id), embedding: (id) => provider.embeddingModel(id) };
    }
    case 'google': {
      const provider = createGoogle(settings);
      return { chat: (id) => provider.languageModel(id), embedding: (id) => provider.embeddingModel(id) };
    }
    case 'mistral': {
      const provider = createMistral(settings);
      return { chat: (id) => provider.languageModel(id), embedding: (id) => provider.embeddingModel(id) };
    }
  }
}

function toProvider(config: ProviderConfig, factory: ModelFactory) {
  const having = (capability: Capability): string[] =>
    config.models.filter((model) => model.capabilities.includes(capability)).map((model) => model.id);
  return customProvider({
    languageModels: Object.fromEntries(having('CHAT').map((id) => [id, factory.chat(id)])),
    embeddingModels: Object.fromEntries(having('EMBEDDINGS').map((id) => [id, factory.embedding(id)])),
  });
}

/** Makes the catalog of the offline models and every configured provider's; `fetch` is how providers are reached. */
export function createModelCatalog(
  configs: readonly ProviderConfig[],
  options: { readonly reader: TextReader; readonly fetch: Fetch },
): ModelCatalog {
  const fetch = boundFetch(options.fetch, ANSWER_BYTES_MAX);
  const offline = customProvider({
    languageModels: { offline: createOfflineLanguageModel(options.reader) },
    embeddingModels: { 'offline-embedding': createOfflineEmbeddingModel(options.reader) },
  });
  const registry = createProviderRegistry(
    {
      portcullis: offline,
      ...Object.fromEntries(
        configs.map((config) => [config.name, toProvider(config, connect(config, fetch))]),
      ),
    },
    { separator: '/' },
  );
  const models = [
    ...OFFLINE_MODELS,
    ...configs.flatMap((config) =>
      config.models.map((model) =>
        describe(config.name, model, config.provider.toUpperCase().replaceAll('-', '_')),
      ),
    ),
  ];
  const byId = new Map(models.map((model) => [model.id, model]));
  const can = (id: string, capability: Capability): id is `portcullis/${string}` =>
    byId.get(id)?.capabilities.includes(capability) === true;
  return {
    models,
    find: (id) => byId.get(id) ?? null,
    languageModel: (id) => (can(id, 'CHAT') ? registry.languageModel(id) : null),
    embeddingModel: (id) => (can(id, 'EMBEDDINGS') ? registry.embeddingModel(id) : null),
  };
}
