import { culpritOf, keyOf, type Watch, type WatchOptions } from '../finding.ts';
import { Levels } from '../levels.ts';

/** Lookups of one caller that find nothing, one after the other, under however many aliases: ids are tried out. */
export function idEnumeration(options: WatchOptions): Watch {
  const levels = new Levels(options);
  return {
    see(signal) {
      if (signal.misses === 0) return null;
      const culprit = culpritOf(signal);
      const events = levels.add(keyOf(culprit), signal.misses, signal);
      if (events === null) return null;
      return {
        ...{ rule: 'idEnumeration', severity: 'medium', culprit, events, timeMs: signal.timeMs },
        ...{ counts: { misses: options.threshold }, operation: signal.operation, coordinate: null },
      };
    },
    get size() {
      return levels.size;
    },
  };
}
