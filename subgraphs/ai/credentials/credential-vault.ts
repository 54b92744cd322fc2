import { type KeyWrapper, NotOpenedError, unseal } from '../../../src/control/envelope.ts';
import type { SealedProviderCredential } from '../../../src/control/provider-credentials-store.ts';
import { sealedContext } from '../../../src/control/sealed-context.ts';
import type { ProviderKey } from '../provider-key.ts';

/** Why one key is not used; never anything of it. */
export interface VaultFault {
  readonly credential: string;
  readonly fault: 'does not open' | 'endpoint is not allowed' | 'key service fails';
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
  /** What was opened, and what for. */
  readonly secret: string;
  readonly key: ProviderKey;
}

/** Opened at once; reason: a key service lets few run at once, and 128 wait. */
const OPENING_MAX = 32;

/**
 * Makes an empty vault. Invariant: what does not open, or names an endpoint that is not allowed, is not used. What was opened before is not
 * opened again while its secret is the same, so that what else changes of a key needs no key service.
 */
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
    const context = sealedContext(entry);
    const secret = JSON.stringify([context, entry.sealed]);
    try {
      const apiKey =
        known?.secret === secret ? known.key.apiKey : await unseal(entry, context, parts.wrapper);
      const at = endpoint === null ? {} : { baseURL: endpoint };
      return { text, secret, key: { id, apiKey, priority, weight, spendCap, ...at } };
    } catch (error) {
      // What the cipher or the service says of it helps nobody.
      const fault = error instanceof NotOpenedError ? 'does not open' : 'key service fails';
      parts.onFault({ credential: id, fault });
      return null;
    }
  };
  const openAll = async (sealed: readonly SealedProviderCredential[]) => {
    const made: (Opened | null)[] = [];
    for (let from = 0; from < sealed.length; from += OPENING_MAX)
      made.push(...(await Promise.all(sealed.slice(from, from + OPENING_MAX).map(open))));
    return made;
  };
  return {
    keysFor: (provider, tenant) =>
      (tenant === null ? undefined : byOwner.get(ownerKey(provider, tenant))) ??
      byOwner.get(ownerKey(provider, null)) ??
      [],
    async replace(sealed) {
      const next = new Map<string, Opened>();
      const owners = new Map<string, ProviderKey[]>();
      for (const [index, made] of (await openAll(sealed)).entries()) {
        const entry = sealed[index];
        if (entry === undefined) continue;
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
