import type { Finding } from '../guardrails/finding.ts';
import type { Amount, TokenCounts } from './price-table.ts';

/** Where the figures of a settled call come from; `refunded` where the provider provably never ran, `cache` and `blocked` where none was asked. */
export type UsageSource = 'provider' | 'estimated' | 'refunded' | 'cache' | 'blocked';

/** How a call ended. */
export type UsageFinish = 'answered' | 'failed' | 'aborted' | 'lost' | 'blocked';

/** Who a call is charged to. Units: none; ids of the control plane where it knows the caller. */
export interface Payer {
  readonly tenant: string;
  /** Null for a caller without one. */
  readonly application: string | null;
  readonly credential: string | null;
  /** Null where no plan limits the call. */
  readonly subscription: string | null;
}

/** One call of a provider before it is sent. Units: `at` and `settleBy` in milliseconds since the epoch. */
export interface Reserved extends Payer {
  readonly id: string;
  readonly model: string;
  /** Provider and id of the key that it is made with, as `openai/main`; null where it needs none, or is not made. */
  readonly providerKey: string | null;
  /** Null for a model without a price. */
  readonly priceVersion: string | null;
  readonly reserved: Amount;
  readonly at: number;
  /** When it settles at what was reserved, if nobody has settled it before. */
  readonly settleBy: number;
}

/** What a call took after all. */
export interface Settlement {
  readonly settled: Amount;
  readonly counts: TokenCounts;
  readonly source: UsageSource;
  readonly finish: UsageFinish;
}

/** A call as the records keep it. */
export interface UsageRecord extends Reserved {
  readonly settlement: (Settlement & { readonly at: number }) | null;
  /** What asking the model would have taken. Default: nothing, since it was asked. */
  readonly saved?: Amount;
  /** What guardrails found. Default: nothing. */
  readonly findings?: readonly Finding[];
}
