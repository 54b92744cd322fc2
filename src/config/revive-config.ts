import { byName } from './by-name.ts';
import type { Config } from './config.ts';
import { deepFreeze } from './deep-freeze.ts';

/**
 * A configuration that was read and checked by another process of this program and came over as JSON.
 * Invariant: the same as what `readConfig` returned there.
 */
export function reviveConfig(json: string): Config {
  const { subgraphs, cost, ...rest } = JSON.parse(json) as Config;
  return deepFreeze({
    ...rest,
    subgraphs: byName(subgraphs),
    cost: { ...cost, perSubgraph: byName(cost.perSubgraph) },
  });
}
