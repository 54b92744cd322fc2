import { LRUCache } from 'lru-cache';
import { type Culprit, keyOf, type Watch, type WatchOptions } from '../finding.ts';
import { EVENTS_MAX } from '../levels.ts';

/** Calls of one subgraph; both counts halve with each window, so that what is old fades. */
interface Calls {
  startMs: number;
  all: number;
  failed: number;
  readonly events: string[];
}

const HALVES_MAX = 32;
const PERCENT = 100;

/** A subgraph that fails more often than not: it is down, overloaded or attacked. */
export function subgraphErrors({ threshold, windowMs, floor, keysMax }: WatchOptions): Watch {
  const subgraphs = new LRUCache<string, Calls>({ max: keysMax });
  return {
    see(signal) {
      let worst: Culprit | null = null;
      let calls: Calls | null = null;
      for (const { subgraph, isFailed } of signal.fetches) {
        const culprit: Culprit = { kind: 'subgraph', subgraph };
        const key = keyOf(culprit);
        const held = subgraphs.get(key) ?? { startMs: signal.timeMs, all: 0, failed: 0, events: [] };
        fade(held, signal.timeMs, windowMs);
        held.all += 1;
        if (isFailed) {
          held.failed += 1;
          held.events.push(signal.eventId);
          if (held.events.length > EVENTS_MAX) held.events.shift();
        }
        subgraphs.set(key, held);
        if (isFailed && held.all >= floor && held.failed * PERCENT >= held.all * threshold) {
          worst = culprit;
          calls = held;
        }
      }
      if (worst === null || calls === null) return null;
      return {
        ...{ rule: 'subgraphErrors', severity: 'high', culprit: worst, timeMs: signal.timeMs },
        counts: { calls: Math.round(calls.all), failed: Math.round(calls.failed) },
        ...{ events: [...calls.events], operation: signal.operation, coordinate: null },
      };
    },
    get size() {
      return subgraphs.size;
    },
  };
}

function fade(held: Calls, timeMs: number, windowMs: number): void {
  const passed = Math.floor((timeMs - held.startMs) / windowMs);
  if (passed <= 0) return;
  const share = 2 ** -Math.min(passed, HALVES_MAX);
  held.all *= share;
  held.failed *= share;
  held.startMs += passed * windowMs;
}
