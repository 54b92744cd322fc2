import { LRUCache } from 'lru-cache';
import { type Culprit, keyOf, type Watch, type WatchOptions } from '../finding.ts';
import { EVENTS_MAX } from '../levels.ts';

/** When one address used a credential last, and the event of it. */
interface Seen {
  readonly atMs: number;
  readonly eventId: string;
}

/** One credential from many addresses within a window: it is shared, or was taken. */
export function tokenReplay({ threshold, windowMs, keysMax }: WatchOptions): Watch {
  const credentials = new LRUCache<string, Map<string, Seen>>({ max: keysMax });
  return {
    see(signal) {
      const { caller, address, timeMs, eventId } = signal;
      if (caller === null || caller.credentialId === null) return null;
      const culprit: Culprit = { kind: 'credential', caller, credentialId: caller.credentialId };
      const key = keyOf(culprit);
      const addresses = credentials.get(key) ?? new Map<string, Seen>();
      // Set anew, so that the first is the one that was quiet longest.
      addresses.delete(address);
      addresses.set(address, { atMs: timeMs, eventId });
      for (const [known, { atMs }] of addresses) {
        if (atMs > timeMs - windowMs && addresses.size <= threshold) break;
        addresses.delete(known);
      }
      credentials.set(key, addresses);
      if (addresses.size < threshold) return null;
      return {
        ...{ rule: 'tokenReplay', severity: 'high', culprit, timeMs },
        counts: { addresses: addresses.size },
        events: [...addresses.values()].slice(-EVENTS_MAX).map((seen) => seen.eventId),
        ...{ operation: signal.operation, coordinate: null },
      };
    },
    get size() {
      return credentials.size;
    },
  };
}
