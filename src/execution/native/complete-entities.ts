import type { DataRewrite } from '../../operation/plan.ts';
import { copyOf, type DataObject, mergeInto } from './entities.ts';
import { rewriteData } from './rewrite-data.ts';
import type { EntityFetch, EntityGroup } from './wanted-entities.ts';

/**
 * Merges a received entity into every object it stands for. Objects at one path are completed alike by all that follows,
 * so they may share what is nested; objects at another path get a copy.
 */
export function completeAll(group: EntityGroup, received: DataObject, fetch: EntityFetch): void {
  const keepsType = prepareEntity(group, received, fetch.outputRewrites);
  let source = received;
  let sourcePath = group.targets[0]?.pathIndex;
  for (const { entity, pathIndex } of group.targets) {
    if (pathIndex !== sourcePath) {
      source = copyOf(received);
      sourcePath = pathIndex;
    }
    const typeName = entity['__typename'];
    mergeInto(entity, source);
    if (keepsType) entity['__typename'] = typeName;
  }
}

/**
 * Rewrites a received entity, and tells whether the objects it completes keep their type: one that gives no type, or only
 * the one it was sent, is of the type of the object it completes.
 * Source: `@interfaceObject`: the subgraph knows only the interface, while another one may have told the object's own type.
 */
function prepareEntity(
  { sentType, targets }: EntityGroup,
  received: DataObject,
  rewrites: readonly DataRewrite[],
): boolean {
  const given = received['__typename'];
  const keepsType = typeof given !== 'string' || given === sentType;
  if (rewrites.length > 0 && keepsType) received['__typename'] = targets[0]?.entity['__typename'];
  rewriteData(rewrites, received);
  return keepsType;
}
