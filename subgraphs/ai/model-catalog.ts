import type { EmbeddingModel } from 'ai';
import { boundFetch } from './bounded-fetch.ts';
import type { ChatModel } from './chat-call.ts';
import type { CredentialVault } from './credentials/credential-vault.ts';
import { ANSWER_BYTES_MAX } from './endpoint/provider-response.ts';
import type { ModerationModel } from './moderation.ts';
import { createOfflineEmbeddingModel } from './offline-embedding-model.ts';
import { createOfflineLanguageModel } from './offline-language-model.ts';
import type { Capability, ProviderConfig } from './provider-config.ts';
import { connectProvider, type ProviderConnection } from './provider-connection.ts';
import type { ProviderKey } from './provider-key.ts';
import type { TextReader } from './text-reader.ts';

/** A model as the schema shows it, but for its lifecycle, which the day decides. */
export interface AiModel {
  readonly id: string;
  readonly provider: string;
  readonly family: string;
  readonly capabilities: readonly Capability[];
  readonly contextWindow: number | null;
  readonly offline: boolean;
  readonly stage: LifecycleStage;
  /** The day from which it is retired, as `2027-01-31`. */
  readonly sunset: string | null;
  /** The id of the model to ask instead. */
  readonly replacementId: string | null;
}

export type LifecycleStage = 'PREVIEW' | 'STABLE' | 'DEPRECATED' | 'RETIRED';

/** The models that can be asked. Invariant: only configured models are found, and only for what they can do. */
export interface ModelCatalog {
  readonly models: readonly AiModel[];
  find(id: string): AiModel | null;
  /** The keys that a model of a tenant may be asked with. */
  keysOf(model: AiModel, tenant: string | null): readonly ProviderKey[];
  languageModel(asked: AskedModel): ChatModel;
  embeddingModel(asked: AskedModel): Exclude<EmbeddingModel, string>;
  moderationModel(asked: AskedModel): ModerationModel;
}

/** A model that can do what it is asked, and the key that it is asked with. */
export interface AskedModel {
  readonly model: AiModel;
  readonly key: ProviderKey;
}

const NO_KEY: ProviderKey = Object.freeze({ id: 'none', apiKey: undefined, weight: 1, priority: 0 });

const OFFLINE_MODELS: readonly AiModel[] = [
  describe('portcullis', { id: 'offline', capabilities: ['CHAT'] }, 'PORTCULLIS'),
  describe('portcullis', { id: 'offline-embedding', capabilities: ['EMBEDDINGS'] }, 'PORTCULLIS'),
];

function describe(provider: string, model: ProviderConfig['models'][number], family: string): AiModel {
  const { stage = 'STABLE', sunset = null, replacement = null } = model.lifecycle ?? {};
  return {
    id: `${provider}/${model.id}`,
    provider,
    family,
    capabilities: model.capabilities,
    contextWindow: model.contextWindow ?? null,
    offline: family === 'PORTCULLIS',
    ...{ stage, sunset, replacementId: replacement },
  };
}

/** The stage that a model is in at a time. Units: `nowMs` is milliseconds since the epoch; days are UTC. */
export function stageOf({ stage, sunset }: AiModel, nowMs: number): LifecycleStage {
  return sunset !== null && new Date(nowMs).toISOString().slice(0, 10) >= sunset ? 'RETIRED' : stage;
}

/** Makes the catalog of the offline models and every configured provider's; `fetch` is how providers are reached. */
export function createModelCatalog(
  configs: readonly ProviderConfig[],
  options: {
    readonly reader: TextReader;
    readonly fetch: typeof globalThis.fetch;
    /** Keys that the control plane keeps. Default: none. */
    readonly vault?: Pick<CredentialVault, 'keysFor'>;
  },
): ModelCatalog {
  const fetch = boundFetch(options.fetch, ANSWER_BYTES_MAX);
  const offline: Omit<ProviderConnection, 'moderation'> = {
    chat: () => createOfflineLanguageModel(options.reader),
    embedding: () => createOfflineEmbeddingModel(options.reader),
  };
  const providers = new Map(configs.map((config) => [config.name, { config, keys: keysIn(config) }]));
  const connections = new WeakMap<ProviderKey, ProviderConnection>();
  const connectionOf = ({ model, key }: AskedModel): ProviderConnection => {
    const provider = providers.get(model.provider);
    if (provider === undefined) return offline as ProviderConnection;
    const known = connections.get(key);
    if (known !== undefined) return known;
    const { apiKey, baseURL } = key;
    const config = baseURL === undefined ? provider.config : { ...provider.config, baseURL };
    const made = connectProvider(config, { apiKey, fetch });
    connections.set(key, made);
    return made;
  };
  const nameOf = ({ model }: AskedModel): string => model.id.slice(model.provider.length + 1);
  const models = [
    ...OFFLINE_MODELS,
    ...configs.flatMap((config) =>
      config.models.map((model) =>
        describe(config.name, model, config.provider.toUpperCase().replaceAll('-', '_')),
      ),
    ),
  ];
  const byId = new Map(models.map((model) => [model.id, model]));
  return {
    models,
    find: (id) => byId.get(id) ?? null,
    keysOf({ provider }, tenant) {
      const known = providers.get(provider);
      if (known === undefined) return [NO_KEY];
      const { keysFrom = 'configuration' } = known.config;
      return keysFrom === 'configuration' ? known.keys : (options.vault?.keysFor(provider, tenant) ?? []);
    },
    languageModel: (asked) => connectionOf(asked).chat(nameOf(asked)),
    embeddingModel: (asked) => connectionOf(asked).embedding(nameOf(asked)),
    moderationModel: (asked) => connectionOf(asked).moderation(nameOf(asked)),
  };
}

function keysIn({ apiKey, apiKeys, spendCap }: ProviderConfig): readonly ProviderKey[] {
  // Each its own object: connections are kept by it.
  if (apiKeys === undefined) return [{ ...NO_KEY, id: 'config', apiKey, spendCap: spendCap ?? null }];
  return apiKeys.map(({ name, spendCap: cap = null, ...key }) => ({ id: name, spendCap: cap, ...key }));
}
