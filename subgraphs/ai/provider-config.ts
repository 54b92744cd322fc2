import { z } from 'zod';
import { MICRO_USD_MAX } from '../../src/control/spend-cap.ts';

const LOOPBACK_HOSTS: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]']);

/** What adds to `CHAT`. */
const OF_CHAT: ReadonlySet<string> = new Set(['IMAGES', 'REASONING']);
/** Providers that have moderation models. */
const MODERATING: ReadonlySet<string> = new Set(['openai', 'openai-compatible', 'mistral']);
const CAPABILITIES = ['CHAT', 'IMAGES', 'REASONING', 'EMBEDDINGS', 'MODERATION'] as const;
/** Longest name of a model: that of its provider, a slash, and its id there. */
export const MODEL_NAME_CHARACTERS_MAX = 161;
const lifecycleSchema = z.strictObject({
  stage: z.enum(['PREVIEW', 'STABLE', 'DEPRECATED', 'RETIRED']),
  sunset: z.iso.date().optional(),
  replacement: z.string().min(1).max(MODEL_NAME_CHARACTERS_MAX).optional(),
});
const modelSchema = z
  .strictObject({
    id: z.string().min(1).max(128),
    capabilities: z.array(z.enum(CAPABILITIES)).min(1),
    contextWindow: z.int().positive().optional(),
    lifecycle: lifecycleSchema.optional(),
  })
  .refine(
    ({ capabilities }) => capabilities.includes('CHAT') || !capabilities.some((name) => OF_CHAT.has(name)),
    'takes images and thinks only where it chats',
  );

/** The most that a key may spend per day or month of UTC; then it is passed over. Units: micro-USD. */
const spendCap = z
  .strictObject({ microUsd: z.int().min(1).max(MICRO_USD_MAX), per: z.enum(['day', 'month']) })
  .optional();

const keySchema = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,31}$/u, 'must be lower case letters, digits and hyphens'),
  apiKey: z.string().min(1),
  /** How often it is used, beside others of its priority; 0 only after them. */
  weight: z.number().min(0).max(1000).default(1),
  /** The smallest number is used first. */
  priority: z.int().min(0).max(100).default(0),
  spendCap,
});

function namesDiffer(items: readonly { readonly name: string }[]): boolean {
  return new Set(items.map(({ name }) => name)).size === items.length;
}

const providerSchema = z
  .strictObject({
    name: z.string().regex(/^[a-z][a-z0-9-]{0,31}$/u, 'must be lower case letters, digits and hyphens'),
    provider: z.enum(['openai', 'anthropic', 'google', 'mistral', 'openai-compatible']),
    apiKey: z.string().min(1).optional(),
    /** Of the one key; each of `apiKeys` has its own. */
    spendCap,
    /** Several keys, in place of one. */
    apiKeys: z.array(keySchema).min(1).max(16).refine(namesDiffer, 'two keys have the same name').optional(),
    /** Where its keys are: here, or in the control plane, per tenant. */
    keysFrom: z.enum(['configuration', 'control']).optional(),
    baseURL: z.url({ protocol: /^https?$/u }).optional(),
    models: z
      .array(modelSchema)
      .min(1)
      .max(100)
      .refine(
        (models) => new Set(models.map((model) => model.id)).size === models.length,
        'must not have the same model twice',
      ),
  })
  .superRefine((config, context) => {
    const fault = (path: string, message: string): void =>
      context.addIssue({ code: 'custom', path: [path], message });
    const compatible = config.provider === 'openai-compatible';
    if (config.name === 'portcullis') fault('name', 'is taken by the offline models');
    const isKeyed = config.apiKey !== undefined || config.apiKeys !== undefined;
    if (config.apiKey !== undefined && config.apiKeys !== undefined)
      fault('apiKeys', 'takes the place of apiKey');
    const isKept = config.keysFrom === 'control';
    if (isKept && isKeyed) fault('keysFrom', 'takes the place of apiKey and apiKeys');
    if (config.spendCap !== undefined && (isKept || config.apiKeys !== undefined))
      fault('spendCap', 'belongs to each of the keys');
    if (!isKeyed && !isKept && !compatible) fault('apiKey', 'is required');
    if (config.baseURL === undefined && compatible) fault('baseURL', 'is required');
    if ((isKeyed || isKept) && config.baseURL !== undefined && !keepsSecret(config.baseURL)) {
      fault('baseURL', 'must be https where a key is sent, except on the loopback interface');
    }
    const has = (capability: Capability): boolean =>
      config.models.some((model) => model.capabilities.includes(capability));
    if (config.provider === 'anthropic' && has('EMBEDDINGS')) {
      fault('models', 'cannot embed: this provider has no embedding models');
    }
    if (has('MODERATION') && !MODERATING.has(config.provider)) {
      fault('models', 'cannot moderate: this provider has no moderation models');
    }
  });

const providersSchema = z
  .array(providerSchema)
  .max(32)
  .refine(namesDiffer, 'two providers have the same name');

/** How to reach one provider and which of its models may be asked. */
export type ProviderConfig = z.infer<typeof providerSchema>;
/** What a model can do. */
export type Capability = (typeof CAPABILITIES)[number];
/** A wire format that can be spoken. */
export type ProviderKind = ProviderConfig['provider'];

/** The configuration of providers is not usable; the faults name places and rules, never values. */
export class ProviderConfigError extends Error {
  override readonly name = 'ProviderConfigError';
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(`The AI providers are not configured correctly: ${faults.join('; ')}`);
    this.faults = faults;
  }
}

function keepsSecret(baseURL: string): boolean {
  const url = URL.parse(baseURL);
  return url?.protocol === 'https:' || LOOPBACK_HOSTS.has(url?.hostname ?? '');
}

/**
 * Checks a list of provider configurations and names all faults at once.
 * Throws: ProviderConfigError.
 */
export function parseProviderConfigs(value: unknown): readonly ProviderConfig[] {
  const parsed = providersSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new ProviderConfigError(
    parsed.error.issues.map((issue) => `${issue.path.join('.') || 'providers'}: ${issue.message}`),
  );
}
