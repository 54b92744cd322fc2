/** What one key of a provider may spend. Units: micro-USD per day or month of UTC. */
export interface KeySpendCap {
  readonly provider: string;
  /** Id of the key. */
  readonly key: string;
  readonly cap: { readonly microUsd: number; readonly per: 'day' | 'month' };
}

/** A key has spent what it may: nothing was sent, and the next key or model may be asked. */
export class SpendCapReachedError extends Error {
  override readonly name = 'SpendCapReachedError';
  /** Until there is more; null where the call is larger than the whole cap. Units: milliseconds. */
  readonly retryAfterMs: number | null;

  constructor(retryAfterMs: number | null) {
    super('The key has spent what it may.');
    this.retryAfterMs = retryAfterMs;
  }
}
