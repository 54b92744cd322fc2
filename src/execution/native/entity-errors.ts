import type { FetchStep } from '../../operation/plan.ts';
import { type DataObject, entityPathsAt } from './entities.ts';
import type { EntityGroup } from './wanted-entities.ts';
import type { Withheld } from './withheld.ts';

/** The places of an error in `_entities[n]`: every object of the answer that the representation stands for. */
export function entityErrorPaths(
  path: readonly (string | number)[],
  { fetch, groups }: { readonly fetch: FetchStep; readonly groups: readonly EntityGroup[] },
  { data, withheld }: { readonly data: DataObject; readonly withheld: Withheld | null },
): (string | number)[][] {
  const [, index, ...rest] = path;
  const group = typeof index === 'number' ? groups[index] : undefined;
  if (group === undefined) return fetch.paths.map((each) => [...each]);
  const all = fetch.paths.map((each) => entityPathsAt(data, each, withheld));
  return group.targets.map((target) => [...(all[target.pathIndex]?.[target.index] ?? []), ...rest]);
}
