import { type Culprit, keyOf, type Watch, type WatchOptions } from '../finding.ts';
import { Levels } from '../levels.ts';

/** Credentials that are not believed, one after the other from one address: somebody guesses, or tries out a list. */
export function credentialStuffing(options: WatchOptions): Watch {
  const levels = new Levels(options);
  return {
    see(signal) {
      if (!signal.isBadCredential) return null;
      const culprit: Culprit = { kind: 'address', address: signal.address };
      const events = levels.add(keyOf(culprit), 1, signal);
      if (events === null) return null;
      return {
        ...{ rule: 'credentialStuffing', severity: 'high', culprit, events, timeMs: signal.timeMs },
        ...{ counts: { failures: options.threshold }, operation: null, coordinate: null },
      };
    },
    get size() {
      return levels.size;
    },
  };
}
