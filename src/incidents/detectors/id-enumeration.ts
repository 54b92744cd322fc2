import { LRUCache } from 'lru-cache';
import { DistinctCount } from '../distinct-count.ts';
import { culpritOf, type Finding, keyOf, type Watch, type WatchOptions } from '../finding.ts';
import { EVENTS_MAX, Levels } from '../levels.ts';
import type { Signal } from '../signal.ts';

/** Ids that one caller gave, for one argument or for all, since the window began. */
interface Asked {
  readonly startMs: number;
  readonly ids: DistinctCount;
  readonly events: string[];
}

/**
 * Ids are tried out: lookups of one caller that find nothing, under however many aliases, or more different ids than anybody has
 * use for, whether they are found or not, for one argument or spread over many. Ids are told apart where the audit has digests of
 * them, which are others for each argument.
 */
export function idEnumeration(options: WatchOptions): Watch {
  const misses = new Levels(options);
  const byArgument = new LRUCache<string, Asked>({ max: options.keysMax });
  const byCaller = new LRUCache<string, Asked>({ max: options.keysMax });
  return {
    see: (signal) => missing(signal, misses, options) ?? differing(signal, { byArgument, byCaller }, options),
    get size() {
      return misses.size + byArgument.size + byCaller.size;
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

interface AskedIds {
  readonly byArgument: LRUCache<string, Asked>;
  readonly byCaller: LRUCache<string, Asked>;
}

function differing(
  signal: Signal,
  { byArgument, byCaller }: AskedIds,
  { windowMs, distinctIds, distinctIdsTotal }: WatchOptions,
): Finding | null {
  if (signal.ids.length === 0) return null;
  const caller = keyOf(culpritOf(signal));
  const take = (held: LRUCache<string, Asked>, key: string, digests: readonly string[]): Asked => {
    const asked = openOf(held, key, { ...signal, windowMs });
    for (const digest of digests) if (asked.ids.add(digest)) noted(asked.events, signal.eventId);
    return asked;
  };
  let found: Finding | null = null;
  for (const { coordinate, name, digests } of signal.ids) {
    const one = take(byArgument, JSON.stringify([caller, coordinate, name]), digests);
    const all = take(byCaller, caller, digests);
    const [different, differentInAll] = [one.ids.estimate, all.ids.estimate];
    if (different >= distinctIds)
      found ??= finding(signal, { events: [...one.events], counts: { different }, coordinate });
    else if (differentInAll >= distinctIdsTotal)
      found ??= finding(signal, { events: [...all.events], counts: { differentInAll }, coordinate: null });
  }
  return found;
}

/** What was asked under a key in the window that a time is in. */
function openOf(
  held: LRUCache<string, Asked>,
  key: string,
  { timeMs, windowMs }: { readonly timeMs: number; readonly windowMs: number },
): Asked {
  const known = held.get(key);
  if (known !== undefined && timeMs - known.startMs < windowMs) return known;
  const begun: Asked = { startMs: timeMs, ids: new DistinctCount(), events: [] };
  held.set(key, begun);
  return begun;
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
