/** What a key of a provider is for. */
export interface SealedFor {
  readonly id: string;
  /** Slug; null for keys of the platform. */
  readonly tenant: string | null;
  readonly provider: string;
  /** Null for the provider's own. */
  readonly endpoint: string | null;
}

/** What a key of a provider is sealed with: under another tenant, provider or endpoint it does not open. */
export function sealedContext({ id, tenant, provider, endpoint }: SealedFor): string {
  return JSON.stringify(['portcullis provider credential', id, tenant, provider, endpoint]);
}
