import { LRUCache } from 'lru-cache';
import type { AttemptFault } from './attempt-outcome.ts';

/** When a key of a provider is left alone. Units: milliseconds. */
export interface HealthBounds {
  /** Failures in a row after which the circuit opens. */
  readonly failuresMax: number;
  /** How long an open circuit stays open before one call tries again. */
  readonly openMs: number;
  /** How long a key that was refused is not used; it may be replaced meanwhile. */
  readonly refusedMs: number;
  /** How long a limited key is not used where the provider does not say. */
  readonly cooldownMs: number;
  /** Longest that a provider's `retry-after` is heeded. */
  readonly cooldownMsMax: number;
}

/** Whether a key may be used now, or when it may be. Units: milliseconds since the epoch. */
export type Admission =
  | { readonly admitted: true }
  | { readonly admitted: false; readonly atMs: number; readonly limited: boolean };

/** Health per provider and key. */
export interface KeyHealth {
  /** Where a circuit is half open, the one who is admitted has to tell what became of it. */
  admit(key: string): Admission;
  answered(key: string): void;
  failed(key: string, fault: AttemptFault): void;
}

interface KeyState {
  failures: number;
  closedUntilMs: number;
  limited: boolean;
  /** Whether one call tries a half-open circuit. */
  probing: boolean;
}

/** Far more keys than providers have; the least used are forgotten, and so are healthy. */
const KEYS_MAX = 10_000;
/** How soon others ask again while one call tries a half-open circuit. */
const PROBE_WAIT_MS = 250;

const COUNTED: ReadonlySet<AttemptFault['outcome']> = new Set([
  'OVERLOADED',
  'PROVIDER_ERROR',
  'TIMEOUT',
  'UNREACHABLE',
  'MALFORMED',
]);

const HELD_BACK: ReadonlySet<AttemptFault['outcome']> = new Set(['REQUEST_REFUSED', 'FILTERED']);

/** Makes the memory of how providers did lately. Units: `now` gives milliseconds since the epoch. */
export function createKeyHealth(bounds: HealthBounds, now: () => number): KeyHealth {
  const states = new LRUCache<string, KeyState>({ max: KEYS_MAX });
  const stateOf = (key: string): KeyState => {
    const known = states.get(key);
    if (known !== undefined) return known;
    const fresh = { failures: 0, closedUntilMs: 0, limited: false, probing: false };
    states.set(key, fresh);
    return fresh;
  };
  const close = (state: KeyState, forMs: number, limited: boolean): void => {
    state.closedUntilMs = Math.max(state.closedUntilMs, now() + forMs);
    state.limited = limited;
  };
  const recovered = (key: string): void => {
    const state = states.get(key);
    // Of a call that was under way when others were told to wait.
    if (state?.limited === true && now() < state.closedUntilMs) state.failures = 0;
    else states.delete(key);
  };
  return {
    admit(key) {
      const state = states.get(key);
      if (state === undefined) return { admitted: true };
      const { closedUntilMs, limited } = state;
      if (now() < closedUntilMs) return { admitted: false, atMs: closedUntilMs, limited };
      if (state.failures < bounds.failuresMax) return { admitted: true };
      if (state.probing) return { admitted: false, atMs: now() + PROBE_WAIT_MS, limited: false };
      state.probing = true;
      return { admitted: true };
    },
    answered: recovered,
    failed(key, fault) {
      // What the caller did wrong, or a filter held back, shows that the provider answers, where it did.
      if (HELD_BACK.has(fault.outcome) && fault.status !== null) return recovered(key);
      const state = stateOf(key);
      state.probing = false;
      if (fault.outcome === 'RATE_LIMITED')
        return close(state, Math.min(fault.retryAfterMs ?? bounds.cooldownMs, bounds.cooldownMsMax), true);
      if (fault.outcome === 'CREDENTIAL_REFUSED') return close(state, bounds.refusedMs, false);
      if (!COUNTED.has(fault.outcome)) return;
      state.failures += 1;
      if (state.failures >= bounds.failuresMax) close(state, bounds.openMs, false);
      else if (fault.retryAfterMs !== null)
        close(state, Math.min(fault.retryAfterMs, bounds.cooldownMsMax), false);
    },
  };
}
