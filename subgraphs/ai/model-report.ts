import type { ChatCacheHit } from './chat-answer.ts';
import { type Finding, FindingCounts } from './guardrails/finding.ts';
import type { AttemptOutcome } from './routing/attempt-outcome.ts';
import type { AttemptRecord } from './routing/run-attempts.ts';

/** One try at one model as the gateway's audit has it; `CACHED` where the answer was kept. */
interface ReportedAttempt extends Omit<AttemptRecord, 'outcome'> {
  readonly outcome: AttemptOutcome | 'CACHED';
}

/** What one request has asked of models, for the audit of the gateway. Invariant: nothing of the prompt, the key or the answer. */
export class ModelReport {
  readonly #attempts: ReportedAttempt[] = [];
  readonly #findings = new FindingCounts();

  add(told: {
    readonly attempts?: readonly AttemptRecord[];
    readonly cache?: Pick<ChatCacheHit, 'model'> | null;
    readonly guardrails?: readonly Finding[];
  }): void {
    for (const { count, ...found } of told.guardrails ?? []) this.#findings.add(found, count);
    this.#attempts.push(...(told.attempts ?? []));
    if (told.cache == null) return;
    const { id, provider } = told.cache.model;
    this.#attempts.push({ model: id, provider, outcome: 'CACHED', status: null, durationMs: 0 });
  }

  /** Null where no model was asked, and nothing was found. */
  extensions(): {
    readonly models?: readonly ReportedAttempt[];
    readonly guardrails?: readonly Finding[];
  } | null {
    const [models, guardrails] = [this.#attempts, this.#findings.all];
    if (models.length + guardrails.length === 0) return null;
    return {
      ...(models.length === 0 ? {} : { models }),
      ...(guardrails.length === 0 ? {} : { guardrails }),
    };
  }
}
