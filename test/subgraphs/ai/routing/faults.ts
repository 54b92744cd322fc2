import type { AttemptFault } from '../../../../subgraphs/ai/routing/attempt-outcome.ts';
import { parseRouting, type RoutingConfig } from '../../../../subgraphs/ai/routing/routing-config.ts';

/** A fault of an attempt. */
export function fault(
  outcome: AttemptFault['outcome'],
  retryAfterMs: number | null = null,
  status: number | null = null,
): AttemptFault {
  return { outcome, status, retryAfterMs, errorName: 'Error' };
}

/** Bounds that differ from the defaults in what is given. */
export function bounds(part: Partial<RoutingConfig> = {}): RoutingConfig {
  return { ...parseRouting({}), ...part };
}
