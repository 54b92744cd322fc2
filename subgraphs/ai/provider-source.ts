import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { type BodiesConfig, parseBodies } from './bodies/bodies-config.ts';
import { type CredentialsConfig, parseCredentialsConfig } from './credentials/credentials-config.ts';
import { type ProviderConfig, ProviderConfigError, parseProviderConfigs } from './provider-config.ts';

/** What the file says: a list of providers, or an object with that and how they are used. */
export interface ProvidersFile {
  readonly providers: readonly ProviderConfig[];
  readonly aliases?: unknown;
  readonly routing?: unknown;
  readonly cache?: unknown;
  readonly guardrails?: unknown;
  readonly credentials?: CredentialsConfig;
  readonly bodies?: BodiesConfig;
}

const keySchema = z.looseObject({ apiKey: z.never().optional(), apiKeyEnv: z.string() });
const entriesSchema = z.array(
  z.looseObject({
    apiKey: z.never().optional(),
    apiKeyEnv: z.string().optional(),
    apiKeys: z.array(keySchema).optional(),
  }),
);
const masterKeySchema = z
  .strictObject({ id: z.string(), keyEnv: z.string().optional(), keyFile: z.string().optional() })
  .refine(({ keyEnv, keyFile }) => (keyEnv === undefined) !== (keyFile === undefined));
const credentialsSchema = z.looseObject({
  apiKey: z.never().optional(),
  apiKeyEnv: z.string(),
  masterKeys: z.array(masterKeySchema).max(8).default([]),
});
const bodiesSchema = z.looseObject({ masterKeys: z.array(masterKeySchema).max(8).default([]) });
const fileSchema = z.union([
  entriesSchema.transform((providers) => ({ providers })),
  z.strictObject({
    providers: entriesSchema,
    aliases: z.unknown().optional(),
    routing: z.unknown().optional(),
    cache: z.unknown().optional(),
    guardrails: z.unknown().optional(),
    credentials: credentialsSchema.optional(),
    bodies: bodiesSchema.optional(),
  }),
]);

/**
 * Reads the providers' configurations from a JSON file whose entries name the environment variables that hold their
 * keys (`apiKeyEnv`), so that the file itself keeps no secret.
 * Throws: ProviderConfigError.
 */
export function readProvidersFile(
  path: string,
  environment: Readonly<Record<string, string | undefined>>,
): ProvidersFile {
  const file = fileSchema.safeParse(readJson(path));
  if (!file.success) {
    throw new ProviderConfigError(['providers: must be a list of objects that name their keys by apiKeyEnv']);
  }
  const keyed = <T extends { readonly apiKeyEnv?: string | undefined }>(entry: T, place: string) => {
    const { apiKeyEnv, ...rest } = entry;
    if (apiKeyEnv === undefined) return rest;
    const apiKey = environment[apiKeyEnv];
    if (apiKey === undefined || apiKey === '')
      throw new ProviderConfigError([`${place}.apiKeyEnv: the environment variable is not set`]);
    return { ...rest, apiKey };
  };
  const providers = file.data.providers.map(({ apiKeys, ...entry }, index) => ({
    ...keyed(entry, String(index)),
    ...(apiKeys === undefined
      ? {}
      : { apiKeys: apiKeys.map((key, at) => keyed(key, `${index}.apiKeys.${at}`)) }),
  }));
  const { credentials, bodies, ...rest } = { credentials: undefined, bodies: undefined, ...file.data };
  const masterKeysOf = ({ masterKeys }: z.infer<typeof bodiesSchema>) =>
    masterKeys.map((key) => masterKeyOf(key, environment));
  return {
    ...{ ...rest, providers: parseProviderConfigs(providers) },
    ...(credentials === undefined
      ? {}
      : {
          credentials: checked('credentials', () =>
            parseCredentialsConfig({
              ...keyed(credentials, 'credentials'),
              masterKeys: masterKeysOf(credentials),
            }),
          ),
        }),
    ...(bodies === undefined
      ? {}
      : { bodies: checked('bodies', () => parseBodies({ ...bodies, masterKeys: masterKeysOf(bodies) })) }),
  };
}

function masterKeyOf(
  { id, keyEnv, keyFile }: z.infer<typeof masterKeySchema>,
  environment: Readonly<Record<string, string | undefined>>,
): { readonly id: string; readonly key: Uint8Array } {
  try {
    const text = keyFile === undefined ? environment[keyEnv ?? ''] : readFileSync(keyFile, 'utf8');
    return { id, key: new Uint8Array(Buffer.from((text ?? '').trim(), 'base64')) };
  } catch {
    throw new ProviderConfigError([`masterKeys: the file of ${id.slice(0, 64)} cannot be read`]);
  }
}

function checked<T>(section: string, parse: () => T): T {
  try {
    return parse();
  } catch (fault) {
    if (!(fault instanceof z.ZodError)) throw fault;
    throw new ProviderConfigError(
      fault.issues.map(({ path, message }) => `${section}.${path.join('.')}: ${message}`),
    );
  }
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    // A parser's message would quote the file, where somebody may have put a key after all.
    throw new ProviderConfigError(['providers: the file cannot be read as JSON']);
  }
}
