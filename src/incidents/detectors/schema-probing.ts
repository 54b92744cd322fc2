import type { ErrorCode } from '../../errors.ts';
import { culpritOf, keyOf, type Watch, type WatchOptions } from '../finding.ts';
import { Levels } from '../levels.ts';

/** How those are answered who try out what the schema may have. */
const PROBES: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'GRAPHQL_VALIDATION_FAILED',
  'GRAPHQL_PARSE_FAILED',
  'INTROSPECTION_DISABLED',
  'VIEW_EMPTY',
]);

/** Operations that do not fit the schema, or ask for it where that is not allowed, one after the other. */
export function schemaProbing(options: WatchOptions): Watch {
  const levels = new Levels(options);
  return {
    see(signal) {
      if (signal.code === null || !PROBES.has(signal.code)) return null;
      const culprit = culpritOf(signal);
      const events = levels.add(keyOf(culprit), 1, signal);
      if (events === null) return null;
      return {
        ...{ rule: 'schemaProbing', severity: 'medium', culprit, events, timeMs: signal.timeMs },
        ...{ counts: { misfits: options.threshold }, operation: signal.operation, coordinate: null },
      };
    },
    get size() {
      return levels.size;
    },
  };
}
