import { randomBytes } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { localKeyWrapper, seal } from '../../../../src/control/envelope.ts';
import type { SealedProviderCredential } from '../../../../src/control/provider-credentials-store.ts';
import { sealedContext } from '../../../../src/control/sealed-context.ts';
import {
  type CredentialVault,
  createCredentialVault,
  type VaultFault,
} from '../../../../subgraphs/ai/credentials/credential-vault.ts';
import { parseCredentialsConfig } from '../../../../subgraphs/ai/credentials/credentials-config.ts';
import {
  followSealedCredentials,
  type ListeningState,
} from '../../../../subgraphs/ai/credentials/sealed-credentials-client.ts';

const wrapper = localKeyWrapper([{ id: 'k', key: Buffer.alloc(32, 1) }], randomBytes);
let vault: CredentialVault;
let faults: VaultFault[];

beforeEach(() => {
  faults = [];
  vault = createCredentialVault({
    ...{ wrapper, onFault: (fault) => void faults.push(fault) },
    isAllowedEndpoint: (endpoint) => endpoint === 'https://eu.example.com/v1',
  });
});

async function sealed(
  id: string,
  part: Partial<SealedProviderCredential> = {},
): Promise<SealedProviderCredential> {
  const owner = { id, tenant: null, provider: 'openai', endpoint: null, ...part };
  const made = await seal(`secret of ${id}`, sealedContext(owner), { wrapper, randomBytes });
  return { priority: 0, weight: 1, spendCap: null, ...owner, ...made };
}
const secrets = (provider: string, tenant: string | null) =>
  vault.keysFor(provider, tenant).map(({ apiKey }) => apiKey);

describe('the keys of providers', () => {
  it('are those of the tenant where it has any, else those for all', async () => {
    await vault.replace([
      await sealed('a'),
      await sealed('b', { tenant: 'acme' }),
      await sealed('c', { provider: 'mistral' }),
    ]);
    expect(secrets('openai', 'acme')).toEqual(['secret of b']);
    expect(secrets('openai', 'globex')).toEqual(['secret of a']);
    expect(secrets('openai', null)).toEqual(['secret of a']);
    expect(secrets('mistral', 'acme')).toEqual(['secret of c']);
    expect(secrets('google', 'acme')).toEqual([]);
  });

  it('are not used where they were sealed for something else, and a tenant does not spend those of others', async () => {
    const [own, foreign] = [await sealed('a'), await sealed('b', { tenant: 'acme' })];
    await vault.replace([own, { ...foreign, tenant: 'globex' }]);
    expect(secrets('openai', 'globex')).toEqual([]);
    expect(secrets('openai', 'acme')).toEqual(['secret of a']);
    expect(faults).toEqual([{ credential: 'b', fault: 'does not open' }]);
    expect(JSON.stringify(faults)).not.toContain('secret');
  });

  it('may be for another endpoint where that is allowed, and for no other', async () => {
    await vault.replace([
      await sealed('a', { endpoint: 'https://eu.example.com/v1' }),
      await sealed('b', { endpoint: 'https://evil.example.com/v1' }),
    ]);
    expect(vault.keysFor('openai', null)).toMatchObject([{ id: 'a', baseURL: 'https://eu.example.com/v1' }]);
    expect(faults).toEqual([{ credential: 'b', fault: 'endpoint is not allowed' }]);
  });

  it('need the key service for their secret alone, and of several at once; one that fails is told as such', async () => {
    let [running, most, asked] = [0, 0, 0];
    let isAway = false;
    vault = createCredentialVault({
      wrapper: {
        unwrap: async (keyId, wrapped) => {
          asked += 1;
          running += 1;
          most = Math.max(most, running);
          await Promise.resolve();
          running -= 1;
          if (isAway) throw new Error('planted');
          return wrapper.unwrap(keyId, wrapped);
        },
      },
      ...{ isAllowedEndpoint: () => true, onFault: (fault) => void faults.push(fault) },
    });
    const ids = Array.from({ length: 40 }, (_, index) => `id_${index}`);
    const all = await Promise.all(ids.map((id) => sealed(id)));
    await vault.replace(all);
    expect(secrets('openai', null)).toEqual(ids.map((id) => `secret of ${id}`));
    expect([asked, most > 1, most <= 32]).toEqual([40, true, true]);
    isAway = true;
    const [, ...others] = all;
    // As when all moved to another master key, and when a cap is set.
    const moved = others.map((each) => ({ ...each, keyId: 'other', wrappedKey: 'other', priority: 1 }));
    await vault.replace([await sealed('id_0'), ...moved]);
    expect(asked).toBe(41);
    expect(secrets('openai', null)).toEqual(ids.slice(1).map((id) => `secret of ${id}`));
    expect(vault.keysFor('openai', null).every(({ priority }) => priority === 1)).toBe(true);
    expect(faults).toEqual([{ credential: 'id_0', fault: 'key service fails' }]);
  });

  it('stay the same while they do not change, and are others when they do', async () => {
    const entry = await sealed('a');
    await vault.replace([entry]);
    const [before] = vault.keysFor('openai', null);
    await vault.replace([entry]);
    expect(vault.keysFor('openai', null)[0]).toBe(before);
    await vault.replace([await sealed('a')]);
    expect(vault.keysFor('openai', null)[0]).not.toBe(before);
    await vault.replace([]);
    expect(vault.keysFor('openai', null)).toEqual([]);
  });
});

const CONFIG = {
  ...{ gateway: 'https://gateway.example.com/graphql', apiKey: 'pk_key' },
  masterKeys: [{ id: 'k', key: new Uint8Array(32) }],
};

describe('following the control plane', () => {
  it.each([
    ['the gateway refuses', () => new Response('{}', { status: 403 })],
    ['it answers something else', () => Response.json({ data: { admin: null } })],
    ['it does not answer', () => Promise.reject(new TypeError('fetch failed'))],
  ])('keeps the last keys for a bounded time while %s', async (_, broken) => {
    let nowMs = 0;
    let answer: () => Response | Promise<Response> = () =>
      Response.json({ data: { admin: { sealedProviderCredentials: [entry] } } });
    const entry = await sealed('a');
    const states: ListeningState[] = [];
    const asked: (string | null)[] = [];
    const client = followSealedCredentials(parseCredentialsConfig({ ...CONFIG, staleMs: 10_000 }), {
      ...{ vault, now: () => nowMs, onState: (state: ListeningState) => void states.push(state) },
      fetch: async (_url, init) => {
        asked.push(new Headers(init?.headers).get('authorization'));
        return answer();
      },
    });
    await client.poll();
    answer = broken;
    nowMs = 9_999;
    await client.poll();
    expect(secrets('openai', null)).toEqual(['secret of a']);
    nowMs = 10_000;
    await client.poll();
    await client.poll();
    client.close();
    expect(secrets('openai', null)).toEqual([]);
    expect(states).toEqual(['heard', 'not heard', 'too old']);
    expect(new Set(asked)).toEqual(new Set(['ApiKey pk_key']));
  });

  it.each([
    ['plain http', { gateway: 'http://gateway.example.com/graphql' }],
    ['a master key that is too short', { masterKeys: [{ id: 'k', key: new Uint8Array(16) }] }],
    ['no master key', { masterKeys: [] }],
    ['an endpoint over plain http', { endpoints: ['http://eu.example.com'] }],
    ['an unknown setting', { cache: true }],
  ])('refuses %s', (_, part) => {
    expect(() => parseCredentialsConfig({ ...CONFIG, ...part })).toThrow();
  });
});
