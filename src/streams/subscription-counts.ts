import { GatewayError } from '../errors.ts';

/** Counts the running subscriptions of each caller. */
export class SubscriptionCounts {
  readonly #running = new Map<string, number>();

  /** Takes a place and returns what gives it back. Throws: SUBSCRIPTION_LIMIT_EXCEEDED. */
  take(caller: string, max: number): () => void {
    const running = this.#running.get(caller) ?? 0;
    if (running >= max) throw new GatewayError('SUBSCRIPTION_LIMIT_EXCEEDED');
    this.#running.set(caller, running + 1);
    return () => {
      const left = (this.#running.get(caller) ?? 1) - 1;
      if (left === 0) this.#running.delete(caller);
      else this.#running.set(caller, left);
    };
  }
}
