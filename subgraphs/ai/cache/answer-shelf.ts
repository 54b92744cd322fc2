import type { ModelAnswer } from '../ask-model.ts';
import { type NearText, nearness } from './near-text.ts';

/** An answer that is kept. Units: milliseconds since the epoch. */
export interface KeptAnswer<Answer = ModelAnswer> {
  readonly answer: Answer;
  readonly keptAtMs: number;
  /** Question and group of those that are nearly the same; null where only the same one counts. */
  readonly near: { readonly group: string; readonly text: NearText } | null;
}

/** How much is kept. */
export interface ShelfBounds {
  readonly entriesMax: number;
  readonly bytesMax: number;
  readonly entryBytesMax: number;
  readonly candidatesMax: number;
}

interface Entry<Answer> extends KeptAnswer<Answer> {
  readonly bytes: number;
}

interface Shelf<Answer> {
  /** The one that was not used for longest first. */
  readonly entries: Map<string, Entry<Answer>>;
  readonly groups: Map<string, Set<string>>;
  bytes: number;
}

/** What an entry takes besides its texts and its vector: keys and objects. Units: bytes. */
const ENTRY_BYTES = 512;
const BYTES_PER_NUMBER = 4;
/** Texts may take two bytes for each unit. */
const BYTES_PER_UNIT = 2;

/**
 * Answers by tenant, in the memory of this process.
 * Invariant: what one tenant has kept is found by no other; no tenant can take the room of those that have less.
 */
export class AnswerShelves<Answer = ModelAnswer> {
  readonly #shelves = new Map<string, Shelf<Answer>>();
  readonly #bounds: ShelfBounds;
  readonly #sizeOf: (answer: Answer) => number;
  #entries = 0;
  #bytes = 0;

  /** Units: `sizeOf` gives bytes. */
  constructor(bounds: ShelfBounds, sizeOf: (answer: Answer) => number) {
    this.#bounds = bounds;
    this.#sizeOf = sizeOf;
  }

  get size(): { readonly entries: number; readonly bytes: number } {
    return { entries: this.#entries, bytes: this.#bytes };
  }

  /** The answer by its key, if it was kept since then. */
  get(tenant: string, key: string, sinceMs: number): KeptAnswer<Answer> | null {
    const shelf = this.#shelves.get(tenant);
    const entry = shelf?.entries.get(key);
    if (shelf === undefined || entry === undefined) return null;
    if (entry.keptAtMs < sinceMs) {
      this.#remove(tenant, key);
      return null;
    }
    shelf.entries.delete(key);
    shelf.entries.set(key, entry);
    return entry;
  }

  /** The answer to the nearest question of a group, if it is as near as that. */
  nearest(
    tenant: string,
    { group, text }: NonNullable<KeptAnswer['near']>,
    { sinceMs, threshold }: { readonly sinceMs: number; readonly threshold: number },
  ): KeptAnswer<Answer> | null {
    const shelf = this.#shelves.get(tenant);
    let best: { readonly key: string; readonly nearness: number } | null = null;
    for (const key of shelf?.groups.get(group) ?? []) {
      const entry = shelf?.entries.get(key);
      const isUsable = entry?.near != null && entry.keptAtMs >= sinceMs;
      const found = isUsable ? nearness(entry.near.text, text) : -1;
      if (found >= threshold && (best === null || found > best.nearness)) best = { key, nearness: found };
    }
    return best === null ? null : this.get(tenant, best.key, sinceMs);
  }

  /** Keeps an answer, in place of the one that its key had. */
  put(tenant: string, key: string, kept: KeptAnswer<Answer>): void {
    const bytes = ENTRY_BYTES + this.#sizeOf(kept.answer) + bytesOf(kept.near);
    this.#remove(tenant, key);
    if (bytes > this.#bounds.entryBytesMax) return;
    const shelf = this.#shelves.get(tenant) ?? { entries: new Map(), groups: new Map(), bytes: 0 };
    this.#shelves.set(tenant, shelf);
    shelf.entries.set(key, { ...kept, bytes });
    this.#count(shelf, 1, bytes);
    if (kept.near !== null) this.#group(tenant, shelf, { group: kept.near.group, key });
    while (this.#entries > this.#bounds.entriesMax || this.#bytes > this.#bounds.bytesMax)
      this.#removeOldestOf(this.#fullest());
  }

  #group(
    tenant: string,
    shelf: Shelf<Answer>,
    { group, key }: { readonly group: string; readonly key: string },
  ) {
    const keys = shelf.groups.get(group) ?? new Set();
    shelf.groups.set(group, keys);
    keys.add(key);
    const [oldest] = keys;
    if (keys.size > this.#bounds.candidatesMax && oldest !== undefined) this.#remove(tenant, oldest);
  }

  #fullest(): string {
    let fullest = { tenant: '', bytes: -1 };
    for (const [tenant, { bytes }] of this.#shelves) if (bytes > fullest.bytes) fullest = { tenant, bytes };
    return fullest.tenant;
  }

  #removeOldestOf(tenant: string): void {
    const [oldest] = this.#shelves.get(tenant)?.entries.keys() ?? [];
    if (oldest !== undefined) this.#remove(tenant, oldest);
  }

  #remove(tenant: string, key: string): void {
    const shelf = this.#shelves.get(tenant);
    const entry = shelf?.entries.get(key);
    if (shelf === undefined || entry === undefined) return;
    shelf.entries.delete(key);
    this.#count(shelf, -1, -entry.bytes);
    if (shelf.entries.size === 0) this.#shelves.delete(tenant);
    if (entry.near === null) return;
    const keys = shelf.groups.get(entry.near.group);
    keys?.delete(key);
    if (keys?.size === 0) shelf.groups.delete(entry.near.group);
  }

  #count(shelf: Shelf<Answer>, entries: number, bytes: number): void {
    shelf.bytes += bytes;
    this.#entries += entries;
    this.#bytes += bytes;
  }
}

function bytesOf(near: KeptAnswer['near']): number {
  if (near === null) return 0;
  return near.text.fixed.length * BYTES_PER_UNIT + near.text.vector.length * BYTES_PER_NUMBER;
}

/** What the texts of an answer take. Units: bytes. */
export function answerBytes({ text, toolCalls }: ModelAnswer): number {
  const calls = toolCalls.reduce(
    (sum, { id, name, arguments: json }) => sum + id.length + name.length + json.length,
    0,
  );
  return (text.length + calls) * BYTES_PER_UNIT;
}
