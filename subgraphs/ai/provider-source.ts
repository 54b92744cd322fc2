import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { type ProviderConfig, ProviderConfigError, parseProviderConfigs } from './provider-config.ts';

const entriesSchema = z.array(
  z.looseObject({ apiKey: z.never().optional(), apiKeyEnv: z.string().optional() }),
);

/**
 * Reads the providers' configurations from a JSON file whose entries name the environment variable that holds their
 * key (`apiKeyEnv`), so that the file itself keeps no secret.
 * Throws: ProviderConfigError.
 */
export function readProviderConfigs(
  path: string,
  environment: Readonly<Record<string, string | undefined>>,
): readonly ProviderConfig[] {
  const entries = entriesSchema.safeParse(readJson(path));
  if (!entries.success) {
    throw new ProviderConfigError(['providers: must be a list of objects that name their key by apiKeyEnv']);
  }
  return parseProviderConfigs(
    entries.data.map(({ apiKeyEnv, ...entry }, index) => {
      if (apiKeyEnv === undefined) return entry;
      const apiKey = environment[apiKeyEnv];
      if (apiKey === undefined || apiKey === '') {
        throw new ProviderConfigError([`${index}.apiKeyEnv: the environment variable is not set`]);
      }
      return { ...entry, apiKey };
    }),
  );
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    // A parser's message would quote the file, where somebody may have put a key after all.
    throw new ProviderConfigError(['providers: the file cannot be read as JSON']);
  }
}
