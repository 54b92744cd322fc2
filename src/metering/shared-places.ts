/** Places that are asked of all gateways together. */
export interface PlaceRequest {
  readonly key: string;
  readonly slot: string;
  readonly max: number;
  /** Those needed now; a request is met whole or not at all. */
  readonly needed: number;
  /** More, ahead of need, from what is left then. */
  readonly extra: number;
}

/** What was given, in the order of the requests. */
export interface PlaceGrant {
  readonly permitted: boolean;
  /** Places given; where nothing is permitted, those that were free. */
  readonly places: readonly number[];
}

/** Places under a key. */
export interface PlaceCount {
  readonly key: string;
  readonly slot: string;
  readonly places: number;
}

/**
 * Places of all gateways. Each process has its own under its name, until it has not been heard of for the time of a lease.
 * `turn` counts what a process says: what comes late is passed over.
 */
export interface SharedPlaces {
  acquire(requests: readonly PlaceRequest[], turn: number): Promise<PlaceGrant>;
  /** Gives places back. */
  release(freed: readonly PlaceCount[]): Promise<void>;
  /** Says what this process holds in all, and that it is alive. */
  hold(held: readonly PlaceCount[], turn: number): Promise<void>;
}
