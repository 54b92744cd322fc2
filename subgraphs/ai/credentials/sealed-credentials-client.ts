import { z } from 'zod';
import type { CredentialVault } from './credential-vault.ts';
import type { CredentialsConfig } from './credentials-config.ts';

/** What was heard of the keys, for the log: whether the gateway answers. */
export type ListeningState = 'heard' | 'not heard' | 'too old';

const QUERY = `query SealedProviderCredentials { admin { sealedProviderCredentials {
  id tenant provider endpoint keyId wrappedKey sealed priority weight spendCap { microUsd per }
} } }`;
/** Far more than all keys that can be kept take. Units: bytes. */
const ANSWER_BYTES_MAX = 16 * 1024 * 1024;
const TIMEOUT_MS = 5_000;

const text = z.string().max(4096);
const spendCap = z.object({
  microUsd: z
    .string()
    .regex(/^[1-9]\d{0,14}$/u)
    .transform(Number),
  per: z.enum(['DAY', 'MONTH']).transform((per) => (per === 'DAY' ? ('day' as const) : ('month' as const))),
});
const answerSchema = z.object({
  data: z.object({
    admin: z.object({
      sealedProviderCredentials: z
        .array(
          z.object({
            ...{ id: text, tenant: text.nullable(), provider: text, endpoint: text.nullable() },
            ...{ keyId: text, wrappedKey: text, sealed: text },
            priority: z.int().min(0).max(100),
            weight: z.int().min(0).max(1000),
            spendCap: spendCap.nullable(),
          }),
        )
        .max(10_000),
    }),
  }),
});

/** Asks the gateway for the sealed keys again and again. */
export interface SealedCredentialsClient {
  /** Asks once, now. Never rejects. */
  poll(): Promise<void>;
  close(): void;
}

/**
 * Follows the keys that the control plane keeps. While the gateway does not answer, the last that was heard is used for a bounded time.
 * Invariant: only what is sealed passes; it is asked for with the gateway's own means, and so is judged and audited there.
 */
export function followSealedCredentials(
  { gateway, apiKey, pollMs, staleMs }: CredentialsConfig,
  parts: {
    readonly vault: CredentialVault;
    readonly fetch: typeof globalThis.fetch;
    readonly now: () => number;
    readonly onState: (state: ListeningState) => void;
  },
): SealedCredentialsClient {
  const { vault, now, onState } = parts;
  let state: ListeningState | null = null;
  let heardAtMs = now();
  let polling: Promise<void> | null = null;
  const tell = (next: ListeningState): void => {
    if (next !== state) onState(next);
    state = next;
  };
  const ask = async (): Promise<void> => {
    try {
      await vault.replace(await askOnce({ gateway, apiKey, fetch: parts.fetch }));
      heardAtMs = now();
      tell('heard');
    } catch {
      // Whatever it is, what counts is for how long.
      if (now() - heardAtMs < staleMs) return tell('not heard');
      vault.clear();
      tell('too old');
    }
  };
  const poll = (): Promise<void> => {
    polling ??= ask().finally(() => {
      polling = null;
    });
    return polling;
  };
  const timer = setInterval(() => void poll(), pollMs).unref();
  return { poll, close: () => clearInterval(timer) };
}

async function askOnce({
  gateway,
  apiKey,
  fetch,
}: Pick<CredentialsConfig, 'gateway' | 'apiKey'> & { readonly fetch: typeof globalThis.fetch }) {
  const scheme = apiKey.startsWith('pk_') ? 'ApiKey' : 'Bearer';
  const response = await fetch(gateway, {
    method: 'POST',
    redirect: 'error',
    headers: { 'content-type': 'application/json', authorization: `${scheme} ${apiKey}` },
    body: JSON.stringify({ query: QUERY }),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  const length = Number(response.headers.get('content-length') ?? 0);
  if (!response.ok || length > ANSWER_BYTES_MAX) {
    await response.body?.cancel();
    throw new Error('the gateway refuses');
  }
  return answerSchema.parse(await response.json()).data.admin.sealedProviderCredentials;
}
