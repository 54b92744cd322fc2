import { culpritOf, keyOf, type Watch, type WatchOptions } from '../finding.ts';
import { Levels } from '../levels.ts';
import type { Signal } from '../signal.ts';

/** What a request answered of sensitive fields: how many values, and of which field most. */
interface Sensitive {
  readonly values: number;
  readonly coordinate: string | null;
}

const NOTHING = { coordinates: [], resolved: [], marked: [] };

/** Values of sensitive fields in a volume that no screen needs: somebody takes them away. */
export function sensitiveVolume(options: WatchOptions): Watch {
  const levels = new Levels(options);
  /** What is `@sensitive` is counted by the gateway; what is only named in the configuration, here. */
  const sensitiveIn = ({ answered, sensitive }: Signal): Sensitive => {
    let values = sensitive;
    let most = 0;
    let coordinate: string | null = null;
    const { coordinates, resolved, marked } = answered ?? NOTHING;
    const isMarked = new Set(marked.map(({ slot }) => slot));
    for (const [slot, name] of coordinates.entries()) {
      const isNamed = options.sensitive.has(name) && !isMarked.has(slot);
      if (!isNamed && !isMarked.has(slot)) continue;
      const count = resolved[slot] ?? 0;
      if (isNamed) values += count;
      if (count <= most) continue;
      most = count;
      coordinate = name;
    }
    return { values, coordinate };
  };
  return {
    see(signal) {
      const { values, coordinate } = sensitiveIn(signal);
      if (values === 0) return null;
      const culprit = culpritOf(signal);
      const events = levels.add(keyOf(culprit), values, signal);
      if (events === null) return null;
      return {
        ...{ rule: 'sensitiveVolume', severity: 'high', culprit, events, timeMs: signal.timeMs },
        ...{ counts: { values: options.threshold }, operation: signal.operation, coordinate },
      };
    },
    get size() {
      return levels.size;
    },
  };
}
