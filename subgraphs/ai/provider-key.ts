/** A key of a provider. Invariant: its id is safe to log. */
export interface ProviderKey {
  readonly id: string;
  readonly apiKey: string | undefined;
  readonly weight: number;
  readonly priority: number;
  /** Where it is used, in place of the provider's own endpoint. */
  readonly baseURL?: string;
}
