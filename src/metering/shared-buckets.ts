import type { Demand, Settled, Taken } from './limit-store.ts';

/** A demand on a bucket that is shared, with what is to be had of it ahead of need. */
export interface SharedDemand extends Demand {
  readonly extra: number;
}

/** What shared buckets say to a request. */
export interface SharedTaken extends Taken {
  /** What was given beyond the costs, for each demand: whole points, up to what was asked. */
  readonly extras: readonly number[];
}

/** What a bucket is to be given back; taken where it is negative. */
export interface Correction extends Settled {
  readonly points: number;
}

/** Buckets that all gateways share, and that may be out of reach. */
export interface SharedBuckets {
  /** Takes all costs or none; extras only from what is left of a bucket then. Rejects where nothing is known in time. */
  take(demands: readonly SharedDemand[]): Promise<SharedTaken>;
  /** Counts a batch once, however often it is sent. */
  settle(corrections: readonly Correction[], batchId: string): Promise<void>;
  close(): Promise<void>;
}

/** Of what is left of a bucket, the part that one taking may have ahead of need: the rest is for the other gateways. */
export const EXTRA_SHARE = 0.25;
