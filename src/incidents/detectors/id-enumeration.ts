import { LRUCache } from 'lru-cache';
import { DistinctCount } from '../distinct-count.ts';
import { culpritOf, type Finding, keyOf, type Watch, type WatchOptions } from '../finding.ts';
import { EVENTS_MAX, Levels } from '../levels.ts';
import type { Signal } from '../signal.ts';

/** Ids that one caller gave for one argument, since the window began. */
interface Asked {
  readonly startMs: number;
  readonly ids: DistinctCount;
  readonly events: string[];
}

/**
 * Ids are tried out: lookups of one caller that find nothing, under however many aliases, or more different ids for one
 * argument than anybody has use for, whether they are found or not. Ids are told apart where the audit has digests of them.
 */
export function idEnumeration(options: WatchOptions): Watch {
  const misses = new Levels(options);
  const asked = new LRUCache<string, Asked>({ max: options.keysMax });
  return {
    see: (signal) => missing(signal, misses, options) ?? differing(signal, asked, options),
    get size() {
      return misses.size + asked.size;
    },
  };
}

function missing(signal: Signal, levels: Levels, { threshold }: WatchOptions): Finding | null {
  if (signal.misses === 0) return null;
  const culprit = culpritOf(signal);
  const events = levels.add(keyOf(culprit), signal.misses, signal);
  return events === null
    ? null
    : finding(signal, { events, counts: { misses: threshold }, coordinate: null });
}

function differing(
  signal: Signal,
  asked: LRUCache<string, Asked>,
  { windowMs, distinctIds }: WatchOptions,
): Finding | null {
  if (signal.ids.length === 0) return null;
  const caller = keyOf(culpritOf(signal));
  const { timeMs, eventId } = signal;
  let found: Finding | null = null;
  for (const { coordinate, name, digest } of signal.ids) {
    const key = JSON.stringify([caller, coordinate, name]);
    const held = asked.get(key);
    const isOver = held === undefined || timeMs - held.startMs >= windowMs;
    const current = isOver ? { startMs: timeMs, ids: new DistinctCount(), events: [] } : held;
    if (isOver) asked.set(key, current);
    if (current.ids.add(digest)) noted(current.events, eventId);
    const different = current.ids.estimate;
    if (different >= distinctIds)
      found ??= finding(signal, { events: [...current.events], counts: { different }, coordinate });
  }
  return found;
}

function noted(events: string[], eventId: string): void {
  if (events.at(-1) === eventId) return;
  events.push(eventId);
  if (events.length > EVENTS_MAX) events.shift();
}

function finding(signal: Signal, told: Pick<Finding, 'events' | 'counts' | 'coordinate'>): Finding {
  return {
    ...{ rule: 'idEnumeration', severity: 'medium', culprit: culpritOf(signal), timeMs: signal.timeMs },
    ...{ operation: signal.operation, ...told },
  };
}
