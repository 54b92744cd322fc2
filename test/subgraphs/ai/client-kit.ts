import type { ProviderFailure } from '../../../subgraphs/ai/ai-error.ts';
import { createModelClient, type ModelClient } from '../../../subgraphs/ai/model-client.ts';
import { parseProviderConfigs } from '../../../subgraphs/ai/provider-config.ts';
import { createModelCatalog } from '../../../subgraphs/ai/providers.ts';
import { createTextReader } from '../../../subgraphs/ai/text-reader.ts';

/** Counts tokens as the subgraph does. */
export const reader = createTextReader();

/** A client of one provider, `house`, whose failures are kept. */
export function clientOf(
  provider: {
    readonly kind: string;
    readonly apiKey: string;
    readonly baseURL: string;
    readonly models: readonly object[];
  },
  { timeoutMs, failures }: { readonly timeoutMs: number; readonly failures: ProviderFailure[] },
): ModelClient {
  const { kind, ...rest } = provider;
  return createModelClient({
    catalog: createModelCatalog(parseProviderConfigs([{ name: 'house', provider: kind, ...rest }]), {
      reader,
      fetch,
    }),
    ...{ reader, timeoutMs, onProviderFailure: (failure) => failures.push(failure) },
  });
}
