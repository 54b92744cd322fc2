import type { ChatCacheHit } from './chat-answer.ts';
import type { AttemptOutcome } from './routing/attempt-outcome.ts';
import type { AttemptRecord } from './routing/run-attempts.ts';

/** One try at one model as the gateway's audit has it; `CACHED` where the answer was kept. */
interface ReportedAttempt extends Omit<AttemptRecord, 'outcome'> {
  readonly outcome: AttemptOutcome | 'CACHED';
}

/** What one request has asked of models, for the audit of the gateway. Invariant: nothing of the prompt, the key or the answer. */
export class ModelReport {
  readonly #attempts: ReportedAttempt[] = [];

  add(told: { readonly attempts?: readonly AttemptRecord[]; readonly cache?: ChatCacheHit | null }): void {
    this.#attempts.push(...(told.attempts ?? []));
    if (told.cache == null) return;
    const { id, provider } = told.cache.model;
    this.#attempts.push({ model: id, provider, outcome: 'CACHED', status: null, durationMs: 0 });
  }

  /** Null where no model was asked. */
  extensions(): { readonly models: readonly ReportedAttempt[] } | null {
    return this.#attempts.length === 0 ? null : { models: this.#attempts };
  }
}
