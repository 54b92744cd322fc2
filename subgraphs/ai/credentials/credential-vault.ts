import { type KeyWrapper, unseal } from '../../../src/control/envelope.ts';
import type { SealedProviderCredential } from '../../../src/control/provider-credentials-store.ts';
import { sealedContext } from '../../../src/control/sealed-context.ts';
import type { ProviderKey } from '../provider-key.ts';

/** Why one key is not used; never anything of it. */
export interface VaultFault {
  readonly credential: string;
  readonly fault: 'does not open' | 'endpoint is not allowed';
}

/** Keys of providers that are kept in the control plane, opened. */
export interface CredentialVault {
  /** The keys for the calls of a tenant: its own where it has any, else those for all. */
  keysFor(provider: string, tenant: string | null): readonly ProviderKey[];
  replace(sealed: readonly SealedProviderCredential[]): Promise<void>;
  /** Uses none any more. */
  clear(): void;
}

interface Opened {
  readonly text: string;
  readonly key: ProviderKey;
}

/** Makes an empty vault. Invariant: what does not open, or names an endpoint that is not allowed, is not used. */
export function createCredentialVault(parts: {
  readonly wrapper: Pick<KeyWrapper, 'unwrap'>;
  readonly isAllowedEndpoint: (endpoint: string) => boolean;
  readonly onFault: (fault: VaultFault) => void;
}): CredentialVault {
  /** By id; the object of a key stays the same while it does not change, since connections are kept by it. */
  let opened = new Map<string, Opened>();
  let byOwner = new Map<string, readonly ProviderKey[]>();
  const open = async (entry: SealedProviderCredential): Promise<Opened | null> => {
    const text = JSON.stringify(entry);
    const known = opened.get(entry.id);
    if (known?.text === text) return known;
    const { id, endpoint, priority, weight, spendCap } = entry;
    if (endpoint !== null && !parts.isAllowedEndpoint(endpoint)) {
      parts.onFault({ credential: id, fault: 'endpoint is not allowed' });
      return null;
    }
    try {
      const apiKey = await unseal(entry, sealedContext(entry), parts.wrapper);
      return {
        text,
        key: { id, apiKey, priority, weight, spendCap, ...(endpoint === null ? {} : { baseURL: endpoint }) },
      };
    } catch {
      // What the cipher says of it helps nobody.
      parts.onFault({ credential: id, fault: 'does not open' });
      return null;
    }
  };
  return {
    keysFor: (provider, tenant) =>
      (tenant === null ? undefined : byOwner.get(ownerKey(provider, tenant))) ??
      byOwner.get(ownerKey(provider, null)) ??
      [],
    async replace(sealed) {
      const next = new Map<string, Opened>();
      const owners = new Map<string, ProviderKey[]>();
      for (const entry of sealed) {
        const made = await open(entry);
        const owner = ownerKey(entry.provider, entry.tenant);
        // A tenant whose keys cannot be used does not spend those of others.
        const keys = owners.get(owner) ?? [];
        owners.set(owner, keys);
        if (made === null) continue;
        next.set(entry.id, made);
        keys.push(made.key);
      }
      [opened, byOwner] = [next, owners];
    },
    clear() {
      [opened, byOwner] = [new Map(), new Map()];
    },
  };
}

function ownerKey(provider: string, tenant: string | null): string {
  return JSON.stringify([provider, tenant]);
}
