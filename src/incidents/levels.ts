import { LRUCache } from 'lru-cache';

/** What is counted of one key: how full it is, and the events that filled it last. */
interface Level {
  level: number;
  /** Units: milliseconds since the epoch. */
  atMs: number;
  readonly events: string[];
}

/** Events that are named as evidence. */
export const EVENTS_MAX = 10;

/**
 * Counts by key that drain: a count is full when the threshold comes at once, or more than the threshold lasts per window.
 * Invariant: a fixed number of keys is held, and a fixed size of each.
 */
export class Levels {
  readonly #options: { readonly threshold: number; readonly windowMs: number };
  readonly #levels: LRUCache<string, Level>;

  constructor(options: { readonly threshold: number; readonly windowMs: number; readonly keysMax: number }) {
    this.#options = options;
    this.#levels = new LRUCache({ max: options.keysMax });
  }

  get size(): number {
    return this.#levels.size;
  }

  /** Adds to a count; the events that filled it where it is full. */
  add(
    key: string,
    amount: number,
    { timeMs, eventId }: { readonly timeMs: number; readonly eventId: string },
  ): readonly string[] | null {
    const { threshold, windowMs } = this.#options;
    const held = this.#levels.get(key) ?? { level: 0, atMs: timeMs, events: [] };
    // Requests end in another order than they came in.
    const elapsedMs = Math.max(0, timeMs - held.atMs);
    const drained = Math.max(0, held.level - (elapsedMs * threshold) / windowMs);
    // Never more than full, so that it drains within one window.
    held.level = Math.min(threshold, drained + amount);
    held.atMs = Math.max(held.atMs, timeMs);
    held.events.push(eventId);
    if (held.events.length > EVENTS_MAX) held.events.shift();
    this.#levels.set(key, held);
    return held.level >= threshold ? [...held.events] : null;
  }
}
