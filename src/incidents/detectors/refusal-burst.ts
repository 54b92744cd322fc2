import { culpritOf, keyOf, type Watch, type WatchOptions } from '../finding.ts';
import { Levels } from '../levels.ts';

/** Requests of one caller that authorization refuses, in whole or in part, one after the other. */
export function refusalBurst(options: WatchOptions): Watch {
  const levels = new Levels(options);
  return {
    see(signal) {
      const [coordinate] = signal.refusals;
      if (coordinate === undefined) return null;
      const culprit = culpritOf(signal);
      // A request counts once, however many of its fields are refused: one wide query is no burst.
      const events = levels.add(keyOf(culprit), 1, signal);
      if (events === null) return null;
      return {
        ...{ rule: 'refusalBurst', severity: 'medium', culprit, events, timeMs: signal.timeMs },
        ...{ counts: { refusals: options.threshold }, operation: signal.operation, coordinate },
      };
    },
    get size() {
      return levels.size;
    },
  };
}
