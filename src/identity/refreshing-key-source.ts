import type { KeyObject } from 'node:crypto';
import { type KeySet, parseKeySet, selectKey } from './key-set.ts';
import type { KeyHeader, KeySource } from './key-source.ts';
import { keysUnavailable, refusal } from './refusal.ts';

/** How often keys are loaded again, and how long they may be used when that fails. */
export interface RefreshLimits {
  /** Keys of this age are loaded again before they are used, so that a withdrawn key stops verifying. */
  readonly refreshIntervalSeconds: number;
  /** Least time between two loads, whatever asks for them: unknown key ids come from anyone. */
  readonly cooldownSeconds: number;
  /** Oldest age at which keys that could not be loaded again are still used. */
  readonly staleMaxSeconds: number;
}

export interface RefreshDeps {
  /** Units: milliseconds since the epoch. */
  now(): number;
}

/**
 * Keeps the key set of a loader fresh: due and unknown-key loads are shared and rate-bounded, and a failing
 * loader is bridged by the last good keys for a bounded time.
 * Invariant: one load at a time, and no two starts within the cooldown.
 */
export class RefreshingKeySource implements KeySource {
  readonly #load: () => Promise<unknown>;
  readonly #limits: RefreshLimits;
  readonly #deps: RefreshDeps;
  #current: { readonly keys: KeySet; readonly loadedAtMs: number } | null = null;
  #startedAtMs: number | null = null;
  /** Why the latest load failed; undefined after one that did not. */
  #failure: unknown;
  #pending: Promise<void> | null = null;
  #closed = false;

  constructor(load: () => Promise<unknown>, limits: RefreshLimits, deps: RefreshDeps) {
    this.#load = load;
    this.#limits = limits;
    this.#deps = deps;
  }

  async keyFor(header: KeyHeader): Promise<KeyObject> {
    if (this.#closed) throw this.#unavailable(new Error('The key source is closed.'));
    if (this.#isDue()) await this.#refresh();
    let found = selectKey(this.#usableKeys(), header);
    if (found === 'key_unknown') {
      await this.#refresh();
      found = selectKey(this.#usableKeys(), header);
    }
    if (typeof found !== 'string') return found;
    // The issuer may have a new key that could not be fetched: that is no verdict on the caller.
    if (found === 'key_unknown' && this.#failure !== undefined) throw this.#unavailable(this.#failure);
    throw refusal(found);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#pending;
  }

  #isDue(): boolean {
    return (
      this.#current === null || !this.#isWithin(this.#current.loadedAtMs, this.#limits.refreshIntervalSeconds)
    );
  }

  #usableKeys(): KeySet {
    const current = this.#current;
    if (current === null || this.#deps.now() - current.loadedAtMs > this.#limits.staleMaxSeconds * 1000) {
      throw this.#unavailable(this.#failure);
    }
    return current.keys;
  }

  /** Resolves when the keys are as fresh as the cooldown allows; a failure is kept for whoever then finds no key. */
  #refresh(): Promise<void> {
    if (this.#pending !== null) return this.#pending;
    const startedAtMs = this.#startedAtMs;
    if (startedAtMs !== null && this.#isWithin(startedAtMs, this.#limits.cooldownSeconds))
      return Promise.resolve();
    this.#startedAtMs = this.#deps.now();
    this.#pending = this.#loadOnce().finally(() => {
      this.#pending = null;
    });
    return this.#pending;
  }

  async #loadOnce(): Promise<void> {
    try {
      const keys = parseKeySet(await this.#load());
      this.#current = { keys, loadedAtMs: this.#deps.now() };
      this.#failure = undefined;
    } catch (error) {
      this.#failure = error ?? new Error('The keys could not be loaded.');
    }
  }

  /** A clock that was set back makes an age negative: that counts as passed, or nothing would be loaded for long. */
  #isWithin(sinceMs: number, seconds: number): boolean {
    const elapsedMs = this.#deps.now() - sinceMs;
    return elapsedMs >= 0 && elapsedMs < seconds * 1000;
  }

  #unavailable(cause: unknown): Error {
    return keysUnavailable(cause, this.#limits.cooldownSeconds);
  }
}
