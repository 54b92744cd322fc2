import { LRUCache } from 'lru-cache';
import { culpritOf, keyOf, type Watch, type WatchOptions } from '../finding.ts';
import { EVENTS_MAX } from '../levels.ts';

/** What one caller usually costs in a window, and costs in the present one. */
interface Baseline {
  startMs: number;
  cost: number;
  /** Exponentially weighted mean of the windows before. */
  mean: number;
  windows: number;
  readonly events: string[];
}

/** Weight of the newest window: a habit is that of the last ten or so. */
const NEWEST = 0.1;
/** Windows that make a habit; before that nothing is unusual. */
const WINDOWS_MIN = 10;
/** A window moves the mean by at most this much of it, so that a spike does not become usual at once. */
const GROWTH_MAX = 2;
/** Quiet windows that are counted one by one; after so many the mean is almost 0. */
const QUIET_MAX = 60;

/** A caller that costs many times what it usually does: its client loops, or somebody else uses its credential. */
export function costSpike({ threshold, windowMs, floor, keysMax }: WatchOptions): Watch {
  const baselines = new LRUCache<string, Baseline>({ max: keysMax });
  return {
    see(signal) {
      if (signal.cost === 0) return null;
      const culprit = culpritOf(signal);
      const key = keyOf(culprit);
      const held = baselines.get(key) ?? { startMs: signal.timeMs, cost: 0, mean: 0, windows: 0, events: [] };
      advance(held, signal.timeMs, windowMs, floor);
      held.cost += signal.cost;
      held.events.push(signal.eventId);
      if (held.events.length > EVENTS_MAX) held.events.shift();
      baselines.set(key, held);
      if (held.windows < WINDOWS_MIN || held.cost < Math.max(floor, threshold * held.mean)) return null;
      return {
        ...{ rule: 'costSpike', severity: 'medium', culprit, timeMs: signal.timeMs },
        counts: { cost: Math.round(held.cost), usual: Math.round(held.mean) },
        ...{ events: [...held.events], operation: signal.operation, coordinate: null },
      };
    },
    get size() {
      return baselines.size;
    },
  };
}

/** Closes the windows that have passed. */
function advance(held: Baseline, timeMs: number, windowMs: number, floor: number): void {
  const passed = Math.floor((timeMs - held.startMs) / windowMs);
  if (passed <= 0) return;
  for (let window = 0; window < Math.min(passed, QUIET_MAX); window += 1) {
    const cost = window === 0 ? held.cost : 0;
    const taken = held.windows < WINDOWS_MIN ? cost : Math.min(cost, Math.max(floor, held.mean * GROWTH_MAX));
    // The first windows weigh alike, so that the mean does not begin at 0.
    held.windows += 1;
    held.mean += (taken - held.mean) * Math.max(NEWEST, 1 / held.windows);
  }
  held.startMs += passed * windowMs;
  held.cost = 0;
}
