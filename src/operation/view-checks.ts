import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { CATALOGUE, GatewayError } from '../errors.ts';

/** Reason: a digest and a handful of names each; a busy gateway has some thousand operations times views in use. */
const CHECKS_MAX = 10_000;

/** Coordinates of input fields that the caller may not know. */
export type HiddenInputs = readonly string[];

/**
 * Remembers what documents are worth on views.
 * Invariant: what callers hold is part of the key, so that what is refused to one says nothing to another.
 */
export class ViewChecks {
  readonly #held = new LRUCache<string, Promise<HiddenInputs>>({ max: CHECKS_MAX });
  readonly #check: (text: string, operationName: string | null, held: string) => Promise<HiddenInputs>;

  constructor(check: (text: string, operationName: string | null, held: string) => Promise<HiddenInputs>) {
    this.#check = check;
  }

  /** Throws: as `checkOnView`. */
  check(text: string, operationName: string | null, held: string): Promise<HiddenInputs> {
    const key = hash('sha256', JSON.stringify([text, operationName, held]), 'hex');
    const known = this.#held.get(key);
    if (known !== undefined) return known;
    const started = this.#check(text, operationName, held);
    this.#held.set(key, started);
    started.catch((error: unknown) => {
      const lasting = error instanceof GatewayError && error.cause === undefined;
      if (!lasting || CATALOGUE[error.code].retryable) this.#held.delete(key);
    });
    return started;
  }
}
