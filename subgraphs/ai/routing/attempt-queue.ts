import type { AttemptFault } from './attempt-outcome.ts';
import type { HealthSubject, KeyHealth } from './key-health.ts';

/** A model that may be asked with a key, as far as the order matters. */
export interface Candidate extends HealthSubject {
  readonly model: { readonly id: string; readonly provider: string };
}

/** What to do next: ask one now, wait, or give up. */
export type NextAttempt<C> =
  | { readonly step: 'ask'; readonly candidate: C }
  | { readonly step: 'wait'; readonly untilMs: number; readonly limited: boolean }
  | { readonly step: 'end' };

/** How often and how soon is asked again. Units: milliseconds. */
export interface RetryBounds {
  /** Attempts of one call, the first included. */
  readonly attemptsMax: number;
  /** Wait before the same key is asked again, doubled each time, with a random part of up to as much. */
  readonly backoffMs: number;
}

/** The candidates of one call in their order, and what was learnt of them. */
export interface AttemptQueue<C extends Candidate> {
  next(): NextAttempt<C>;
  /** Whether others than this one could still be asked. */
  hasOthers(candidate: C): boolean;
  failed(candidate: C, fault: AttemptFault): void;
}

interface Waiting<C> {
  readonly candidate: C;
  readonly notBeforeMs: number;
}

const ENDS: ReadonlySet<AttemptFault['outcome']> = new Set(['REQUEST_REFUSED', 'FILTERED', 'ABANDONED']);

/**
 * Makes the queue of one call. A fault of the caller ends it; a refused key leaves only the other keys of its model; one that has spent
 * what it may leaves all others, and was no attempt; anything else sends the key to the end, behind what other providers have.
 */
export function createAttemptQueue<C extends Candidate>(
  candidates: readonly C[],
  parts: {
    readonly bounds: RetryBounds;
    readonly health: KeyHealth;
    readonly now: () => number;
    readonly random: () => number;
  },
): AttemptQueue<C> {
  const { bounds, health, now, random } = parts;
  let waiting: Waiting<C>[] = candidates.map((candidate) => ({ candidate, notBeforeMs: 0 }));
  let attempts = 0;
  const backoff = (): number => bounds.backoffMs * 2 ** (attempts - 1) * (1 + random());
  return {
    next() {
      if (attempts >= bounds.attemptsMax) return { step: 'end' };
      let soonest: { untilMs: number; limited: boolean } | null = null;
      for (const { candidate, notBeforeMs } of waiting) {
        const atMs = now();
        const admission: ReturnType<KeyHealth['admit']> =
          notBeforeMs > atMs
            ? { admitted: false, atMs: notBeforeMs, limited: false }
            : health.admit(candidate);
        if (admission.admitted) {
          attempts += 1;
          return { step: 'ask', candidate };
        }
        if (soonest === null || admission.atMs < soonest.untilMs)
          soonest = { untilMs: admission.atMs, limited: admission.limited };
      }
      return soonest === null ? { step: 'end' } : { step: 'wait', ...soonest };
    },
    hasOthers: (candidate) =>
      attempts < bounds.attemptsMax && waiting.some(({ candidate: other }) => other !== candidate),
    failed(candidate, fault) {
      const others = waiting.filter((entry) => entry.candidate !== candidate);
      const sameModel = ({ candidate: { model } }: Waiting<C>): boolean => model.id === candidate.model.id;
      if (ENDS.has(fault.outcome)) waiting = [];
      else if (fault.outcome === 'CREDENTIAL_REFUSED') waiting = others.filter(sameModel);
      else if (fault.outcome === 'SPEND_CAPPED') {
        waiting = others;
        attempts -= 1;
      } else {
        const again = { candidate, notBeforeMs: now() + Math.max(backoff(), fault.retryAfterMs ?? 0) };
        // A limit is the key's own; another key of the provider is as good as ever.
        const behind = ({ candidate: { model } }: Waiting<C>): boolean =>
          fault.outcome !== 'RATE_LIMITED' && model.provider === candidate.model.provider;
        waiting = [...others.filter((entry) => !behind(entry)), ...others.filter(behind), again];
      }
    },
  };
}
