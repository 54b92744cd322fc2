import type { FetchStep, RequiredSelection } from '../../operation/plan.ts';
import { type DataObject, entitiesAt } from './entities.ts';
import { hasLeaves, type LeafKey, leafKeysOf, printLeaves, sameLeaves } from './leaf-key.ts';
import { representationOf } from './representation.ts';
import { rewriteData } from './rewrite-data.ts';
import type { Withheld } from './withheld.ts';

/** A fetch of entities. */
export type EntityFetch = FetchStep & { readonly requires: readonly RequiredSelection[] };

/** Objects of the answer that one representation stands for. */
export interface EntityGroup {
  /** The representation, as JSON. */
  readonly printed: string;
  /** Type name in it: of an interface where the subgraph knows the object by that only. */
  readonly sentType: unknown;
  readonly targets: EntityTarget[];
}

export interface EntityTarget {
  readonly entity: DataObject;
  readonly pathIndex: number;
  /** Place among the objects at that path. */
  readonly index: number;
}

/** The distinct representations of all objects at the fetch's paths, and whom each stands for. */
export function wantedEntities(
  root: DataObject,
  fetch: EntityFetch,
  withheld: Withheld | null = null,
): EntityGroup[] {
  const grouping = new Grouping(fetch);
  for (const [pathIndex, path] of fetch.paths.entries()) {
    const entities = entitiesAt(root, path, withheld);
    for (let index = 0; index < entities.length; index += 1) {
      grouping.add({ entity: entities[index] as DataObject, pathIndex, index });
    }
  }
  return grouping.groups;
}

class Grouping {
  readonly groups: EntityGroup[] = [];
  readonly #fetch: EntityFetch;
  readonly #leafKeys: ReadonlyMap<string, LeafKey>;
  /** By type and first key field. */
  readonly #byLeaf = new Map<string, Map<unknown, EntityGroup>>();
  readonly #byText = new Map<string, EntityGroup>();

  constructor(fetch: EntityFetch) {
    this.#fetch = fetch;
    this.#leafKeys = leafKeysOf(fetch);
  }

  add(target: EntityTarget): void {
    const { entity } = target;
    const typeName = entity['__typename'] as string;
    const key = this.#leafKeys.get(typeName);
    if (key === undefined || !hasLeaves(entity, key)) {
      const representation = representationOf(entity, this.#fetch.requires);
      if (representation === null) return;
      rewriteData(this.#fetch.inputRewrites, representation);
      this.#addPrinted(JSON.stringify(representation), representation['__typename'], target);
      return;
    }
    const first = entity[key.first];
    const ofType = this.#byLeaf.get(typeName) ?? new Map<unknown, EntityGroup>();
    const known = ofType.get(first);
    if (known === undefined) {
      const group = { printed: printLeaves(entity, key), sentType: typeName, targets: [target] };
      if (ofType.size === 0) this.#byLeaf.set(typeName, ofType);
      ofType.set(first, group);
      this.groups.push(group);
    } else if (sameLeaves((known.targets[0] as EntityTarget).entity, entity, key)) known.targets.push(target);
    else this.#addPrinted(printLeaves(entity, key), typeName, target);
  }

  #addPrinted(printed: string, sentType: unknown, target: EntityTarget): void {
    const known = this.#byText.get(printed);
    if (known !== undefined) {
      known.targets.push(target);
      return;
    }
    const group = { printed, sentType, targets: [target] };
    this.#byText.set(printed, group);
    this.groups.push(group);
  }
}
