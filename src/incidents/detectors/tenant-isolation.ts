import { type Culprit, keyOf, type Watch, type WatchOptions } from '../finding.ts';
import { Levels } from '../levels.ts';

/** A subgraph lets out objects of another tenant: the gateway withholds them, and whoever asked may have found a hole. */
export function tenantIsolation(options: WatchOptions): Watch {
  const levels = new Levels(options);
  return {
    see(signal) {
      const { foreignObjects, operation, caller, timeMs } = signal;
      // Who has no tenant owns no object, so that all of them are foreign: that is no breach.
      if (foreignObjects === 0 || operation === null || caller === null || caller.tenant === null)
        return null;
      const culprit: Culprit = { kind: 'operation', tenant: caller.tenant, hash: operation };
      const events = levels.add(keyOf(culprit), foreignObjects, signal);
      if (events === null) return null;
      return {
        ...{ rule: 'tenantIsolation', severity: 'critical', culprit, events, timeMs, operation },
        ...{ counts: { foreignObjects }, coordinate: null },
      };
    },
    get size() {
      return levels.size;
    },
  };
}
