import { keyWrapperOf } from '../../../src/control/key-command-client.ts';
import type { ProviderConfig } from '../provider-config.ts';
import { baseUrlOf } from '../provider-connection.ts';
import { type CredentialVault, createCredentialVault } from './credential-vault.ts';
import type { CredentialsConfig } from './credentials-config.ts';
import { followSealedCredentials } from './sealed-credentials-client.ts';

/** Starts to follow the keys that the control plane keeps; until the first answer there are none. */
export function startCredentials(
  config: CredentialsConfig,
  parts: { readonly configs: readonly ProviderConfig[]; readonly log: (line: string) => void },
): { readonly vault: CredentialVault; readonly close: () => void } {
  const tell = (fields: object): void =>
    parts.log(JSON.stringify({ level: 'error', subgraph: 'ai', ...fields }));
  const origins = new Set([
    ...config.endpoints,
    ...parts.configs.map((provider) => URL.parse(baseUrlOf(provider))?.origin),
  ]);
  const wrapper = keyWrapperOf(config, () => {
    throw new Error('this process seals nothing');
  });
  if (wrapper === null) throw new TypeError('nothing opens');
  const vault = createCredentialVault({
    wrapper,
    isAllowedEndpoint: (endpoint) => origins.has(URL.parse(endpoint)?.origin),
    onFault: tell,
  });
  const client = followSealedCredentials(config, {
    ...{ vault, fetch: globalThis.fetch, now: Date.now },
    onState: (keys) => tell({ level: keys === 'heard' ? 'info' : 'error', providerKeys: keys }),
  });
  void client.poll();
  return { vault, close: () => client.close() };
}
