import { invalidInput } from './control-error.ts';
import { whole } from './input.ts';
import { checkedSpendCap, type SpendCap } from './spend-cap.ts';

/** What a key of a provider is used for, and how much. */
export interface ProviderCredentialInput {
  /** Whose calls it is for; null for those of every tenant that has none of its own. */
  readonly tenantId: string | null;
  /** Name of the provider in the configuration of the AI subgraph. */
  readonly provider: string;
  readonly endpoint: string | null;
  readonly priority: number;
  readonly weight: number;
  /** Null for one that may spend any money. */
  readonly spendCap: SpendCap | null;
}

const PROVIDER = /^[a-z][a-z0-9-]{0,31}$/u;
const SECRET = /^[\x21-\x7e]{16,1024}$/u;
const ENDPOINT_CHARS_MAX = 512;

/** Throws: INVALID_INPUT. */
export function checkedProviderCredential(input: ProviderCredentialInput): ProviderCredentialInput {
  if (!PROVIDER.test(input.provider)) throw invalidInput('provider', 'must be the name of a provider');
  whole('priority', input.priority, { min: 0, max: 100 });
  whole('weight', input.weight, { min: 0, max: 1000 });
  if (input.endpoint !== null) requireEndpoint(input.endpoint);
  const { spendCap } = input;
  return { ...input, spendCap: spendCap === null ? null : checkedSpendCap('spendCap', spendCap) };
}

/** Which hosts may be called is for the AI subgraph to say; here is only what an endpoint is. */
function requireEndpoint(endpoint: string): void {
  const url = endpoint.length > ENDPOINT_CHARS_MAX ? null : URL.parse(endpoint);
  const isPlain =
    url !== null && [url.username, url.password, url.search, url.hash].every((part) => part === '');
  if (url?.protocol !== 'https:' || !isPlain)
    throw invalidInput('endpoint', 'must be an https URL without credentials, query and fragment');
}

/** Throws: INVALID_INPUT. */
export function requireProviderSecret(secret: string): void {
  if (!SECRET.test(secret)) throw invalidInput('secret', 'must have 16 to 1024 visible characters');
}
