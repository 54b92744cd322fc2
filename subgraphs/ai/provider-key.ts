import type { KeySpendCap } from './budget/spend-cap.ts';

/** A key of a provider. Invariant: its id is safe to log. */
export interface ProviderKey {
  readonly id: string;
  readonly apiKey: string | undefined;
  readonly weight: number;
  readonly priority: number;
  /** Where it is used, in place of the provider's own endpoint. */
  readonly baseURL?: string;
  /** The most that it may spend; null or absent for any money. Units: micro-USD per day or month of UTC. */
  readonly spendCap?: KeySpendCap['cap'] | null;
}
